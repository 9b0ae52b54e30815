# 89-pgbouncer.t: through PgBouncer in transaction pooling, with fewer connections than workers: every request is
# answered, no user sees another's preferences, and the time-outs hold.
use v5.24;
use warnings;
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Pgbouncer;
use Muster::Postgres;
use Muster::Process qw(poll);
use Muster::Server;
use Test::More;

my $SLOW     = $ENV{MUSTER_SLOW} // 1;
my $postgres = Muster::Postgres->new;
$postgres->psql('create role plain login; alter database muster owner to plain; grant all on schema public to plain');
my $direct = Muster::Server->new(postgres => $postgres, conninfo => $postgres->conninfo =~ s/user=\w+/user=plain/r, start => 0);

# One client's requests; those that were not answered as they should be.
sub requests {
    my ($client, $user, $n) = @_;
    my @wrong;
    my $is = sub {
        my ($what, $got, $status, $value) = @_;
        push @wrong, "$what: $got->{status}" if $got->{status} != $status;
        push @wrong, "$what: $got->{body}" if defined $value && $got->{body} !~ $value;
        push @wrong, "$what: another's" if grep { $_ ne $user } $got->{body} =~ /"(?:of )?(u\d+)(?:"|\.box)/g;
    };
    for my $i (1 .. $n) {
        my %user = (headers => { 'X-User-Id' => $user });
        $is->('PUT preferences', $client->request(PUT => "/preferences/$user.box$i", %user, json => { whose => "of $user", n => $i }), 201);
        $is->('GET preferences', $client->request(GET => "/preferences/$user.box$i", %user), 200, qr/"of $user"/);
        $is->('PATCH preferences', $client->request(POST => "/preferences/$user.box$i", %user, json => { more => "of $user" }), 204);
        $is->('all preferences', $client->request(GET => '/preferences/', %user), 200, qr/"\Q$user\E\.box$i"/);
        $is->('POST entity', $client->post('/entity/basicserver', form => { name => "$user-$i" }), 201);
        $is->('PUT attribute', $client->request(POST => "/attribute/$user-$i", form => { key => 'k', value => $i }), 201);
        $is->('POST pool', $client->post('/entity/pool', form => { name => "$user-pool$i" }), 201);
        $is->('insert', $client->post("/entity/pool/$user-pool$i", form => { action => 'insert', device => "$user-$i" }), 200);
        $is->('GET object', $client->get("/by-name/$user-$i"), 200);
        $is->('list', $client->request(GET => '/entity/basicserver', headers => { 'Clusto-Mode' => 'expanded' }), 200);
        $is->('DELETE', $client->request(DELETE => "/entity/basicserver/$user-$i"), 204) if $i % 3 == 0;
        $is->('health', $client->get('/__ready__'), 200) if $i % 5 == 0;
    }
    return { wrong => \@wrong };
}

sub mixed {
    my ($name, $number, $statements, %setting) = @_;
    subtest $name => sub {
        my $pooler = Muster::Pgbouncer->new(to => $postgres, user => 'plain', size => 2, %setting);
        my $server = Muster::Server->new(
            conninfo => $pooler->conninfo,
            schema   => 0,
            conf     => { workers => 6, cache_size => 4, lock_timeout => 700 * $SLOW, statement_timeout => 5000 * $SLOW, $statements ? (statements => $statements) : () },
        );
        my $front = Muster::Front->new(server => $server);
        my @got   = parallel(8, sub { requests($front->client, 'u' . ($number * 10 + $_[0]), 8) });
        is_deeply([ map { $_->{wrong} ? @{ $_->{wrong} } : $_->{died} } @got ], [], 'every request is answered as it should be');
        cmp_ok($postgres->psql("select count(*) from pg_stat_activity where usename = 'plain'"), '<=', 2, 'over two connections');
        unlike($server->log, qr/ (?:error|warning): /, 'nothing in the log') or diag $server->log;

        for (1 .. 6) {
            is($pooler->psql("select coalesce(current_setting('muster.user_id', true), ''), (select count(*) from muster_preferences), current_setting('lock_timeout')"),
                '|0|0', 'between two transactions no user is set, no row seen, no setting left');
        }
        my $release = $postgres->hold('lock table entities in access exclusive mode');
        is($front->client->get('/by-name/clustometa')->{status}, 503, 'a lock that is held');
        like($server->log, qr/: 55P03 canceling statement due to lock timeout/, 'lock_timeout holds');
        $release->();
        is($front->client->get('/by-name/clustometa')->{status}, 200, 'and on');
        $_->stop for $front, $server, $pooler;
    };
    return;
}

mixed('as Debian installs it, found out', 1, undef);
mixed('as told', 2, 'unnamed');
mixed('where PgBouncer ignores the options, found out', 3, undef, ignore_startup_parameters => 'options');

done_testing;
