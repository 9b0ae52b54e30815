#!/usr/bin/perl
# 88-backup.t: backup and restore as doc/operating.rst describes them, with row-level security in the way.
use v5.24;
use warnings;
use Muster::Data;
use Muster::Postgres;
use Muster::Process qw(run slurp source_dir temp_dir);
use Muster::Server;
use Test::More;

my $guide    = slurp(source_dir() . '/doc/operating.rst');
my $postgres = Muster::Postgres->new(database => undef);
my $dir      = temp_dir();
chmod 0777, $dir;

sub server {
    my ($database) = @_;
    return Muster::Server->new(start => 0, schema => 0, conninfo => 'host=' . $postgres->socket_dir . " dbname=$database user=muster");
}

sub tool {
    my ($name, @args) = @_;
    return run([ "$postgres->{bin}/$name", '-h', $postgres->socket_dir, @args ], cwd => '/', timeout => 120);
}

# The preferences of two users, and the inventory, as they are served. The entity tag of a list names a snapshot
# of one database: it is another one in a copy.
sub seen {
    my ($server) = @_;
    my @all = map { $server->once(GET => '/preferences/a', env => { HTTP_X_USER_ID => $_ })->{out} } qw(alice bob);
    push @all, map { $server->once(GET => $_)->{out} } '/by-name/testserver1', '/attribute/singlepool/_contains';
    push @all, $server->once(GET => '/entity/')->{out} =~ s/^ETag: .*\n//mr;
    return join '', map { s/^X-Request-Id: .*\n//mr } @all;
}

$postgres->psql('create role muster login', database => 'postgres');
$postgres->psql('create database muster owner muster', database => 'postgres');
my $server = server('muster');
is($server->init_db->{status}, 0, 'tables that belong to the role muster');
Muster::Data::load_example($postgres, database => 'muster');
for my $user (qw(alice bob)) {
    my $put = $server->once(PUT => '/preferences/a', body => qq({"of": "$user"}), env => { HTTP_X_USER_ID => $user });
    like($put->{out}, qr/\AStatus: 201/, "preferences of $user");
}
my $before = seen($server);
like($before, qr/"of": "alice".*"of": "bob".*testserver1.*testserver1/s, 'all of it is served');

my $refused = tool('pg_dump', '-U', 'muster', '-Fc', '-f', "$dir/none", 'muster');
isnt($refused->{status}, 0, 'the role muster can not dump its own database');
like($refused->{err}, qr/query would be affected by row-level security policy/, 'for the reason that the text gives');

my ($create, $grant, $dump) = $guide =~ /^ +(create role backup .*;)\n +(grant \S+ to backup;)\n\n +(pg_dump .*)$/m or die('doc/operating.rst has other words');
$postgres->psql("$create $grant", database => 'postgres');
my (undef, @args) = split ' ', $dump =~ s{ muster\.dump}{ $dir/muster.dump}r;
my $made = tool('pg_dump', @args);
is($made->{status}, 0, $dump) or diag $made->{err};

$postgres->psql('create database restored owner muster', database => 'postgres');
my ($restore) = $guide =~ /pg_restore (--.*) -d restored muster\.dump/ or die('doc/operating.rst has other words');
my $put = tool('pg_restore', '-U', 'postgres', split(' ', $restore), '-d', 'restored', "$dir/muster.dump");
is($put->{status}, 0, 'pg_restore into a new database') or diag $put->{err};

my $again = server('restored');
is($again->init_db->{status}, 0, '--init-db');
my $checked = $again->run_program(['--check-db']);
is($checked->{status}, 0, '--check-db finds nothing') or diag $checked->{out}, $checked->{err};
is(seen($again), $before, 'all is as it was');
my ($tag) = $server->once(GET => '/entity/')->{out} =~ /^ETag: (".*")/m;
like($again->once(GET => '/entity/', env => { HTTP_IF_NONE_MATCH => $tag })->{out}, qr/\AStatus: 200/, 'a list of the original is not taken for one of the copy');
like($again->once(POST => '/entity/pool', body => 'name=after')->{out}, qr/\AStatus: 201/, 'and can be written to');
like($again->once(GET => '/preferences/a', env => { HTTP_X_USER_ID => 'carol' })->{out}, qr/\AStatus: 404/, 'users are kept apart');
is($postgres->psql('select count(*) from muster_preferences', database => 'restored'), 2, 'nothing came twice');

done_testing;
