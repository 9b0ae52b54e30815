#!/usr/bin/perl
# 79-round-trip.t: exports that are imported into empty databases and exported again: of a database that Python
# clusto made, before --init-db and after it, and of each of its versions; files and pipes that are broken.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Data qw(python_inventory);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll run slurp spew temp_dir);
use Muster::Server;

my $postgres = Muster::Postgres->new(database => undef);
my $dir      = temp_dir();
my $count    = 0;

# A server of a database of its own: what Python made, or an empty one.
sub server {
    my ($sql)    = @_;
    my $database = $postgres->create_database('round' . $count++);
    $postgres->psql($sql, database => $database) if $sql;
    return Muster::Server->new(postgres => $postgres, conninfo => $postgres->conninfo($database), schema => $sql ? 0 : 1, conf => { workers => 1, connect_timeout => 60_000 });
}

# All lines but the first, which has a version and a time.
sub lines_of { my (undef, @lines) = split /^/, slurp($_[0]); return \@lines }

sub exported {
    my ($server, $file, $what) = @_;
    my $done = $server->run_program([ '--export', "$dir/$file" ]);
    is($done->{status}, 0, $what) or diag $done->{err};
    return lines_of("$dir/$file");
}

sub same_again {
    my ($file, $what) = @_;
    my $lines = lines_of("$dir/$file");
    my $copy  = server();
    my $done  = $copy->run_program([ '--import', "$dir/$file" ]);
    is($done->{status}, 0, "$what: imported into an empty database") or diag $done->{err};
    is_deeply(exported($copy, 'again', "$what: exported again"), $lines, "$what: the same lines");
    $done = $copy->run_program(['--check-db']);
    is($done->{status}, 0, "$what: the copy is as it should be") or diag $done->{out};
    $copy->stop;
    return scalar @$lines;
}

my $python = server(python_inventory());
exported($python, 'before', 'what Python clusto made');
is(same_again('before', 'before --init-db'), 13, '... twelve objects');
$python->init_db;
is_deeply(exported($python, 'after', 'after --init-db'), lines_of("$dir/before"), '... it is the same');
my $put = $python->run_program([ '--import', "$dir/after", '--mode', 'replace' ]);
is($put->{out}, "12 objects: 0 created, 1 changed\n", 'put where it came from it changes only the int without a value, which an export has as 0') or diag $put->{err};

my $front  = Muster::Front->new(server => $python, cors => 0);
my %counts = (1 => 4, 2 => 9, 3 => 13, 4 => 13, 5 => 12);
# A worker that began without them looks for muster's own tables once a second.
poll(60, sub { $front->client->get('/export', headers => { 'Clusto-As-Of' => 1 })->{status} == 200 });
for my $version (sort keys %counts) {
    my $past = $front->client->get('/export', headers => { 'Clusto-As-Of' => $version });
    is($past->{status}, 200, "as of version $version") or diag $past->{error} // $past->{body}, $python->log;
    spew("$dir/past", $past->{body});
    is(same_again('past', "version $version"), $counts{$version} + 1, '... so many objects');
}
$front->stop;

# A file on standard input.
sub piped {
    my ($text, @options) = @_;
    return $python->run_program([ '--import', '-', @options ], stdin => $text);
}

subtest 'broken files' => sub {
    my $all = slurp("$dir/after");
    is_deeply([ @{ piped($all) }{qw(status out)} ], [ 0, "12 objects: 0 created, 0 changed\n" ], 'standard input');
    my $lines = () = $all =~ /\n/g;
    for my $cut (1, 30, length($all) - rindex($all, "\n", length($all) - 2), int(length($all) / 2)) {
        my $done = piped(substr $all, 0, length($all) - $cut);
        is($done->{status}, $cut == 1 ? 0 : 1, "$cut bytes less") or diag $done->{err};
        like($done->{err}, qr/^-:\d+: .*\n(?:.*\n)*\d+ errors: nothing is changed$/m, '... is told') if $cut > 1;
    }
    is(piped("$all\0")->{status}, 1, 'a NUL');
    like(piped($all =~ s/"hosts"/"h\xffsts"/r)->{err}, qr/^-:4: The line is not valid UTF-8\.$/m, 'no UTF-8');
    is(piped($all =~ s/\n/\r\n/gr)->{status}, 0, 'lines that end with CR and LF');
    is($python->run_program([ '--import', $dir ])->{status}, 1, 'a directory');
    is_deeply(exported($python, 'last', 'after all of them'), lines_of("$dir/before"), '... nothing is changed');
};

$python->stop;
done_testing;
