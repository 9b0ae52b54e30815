# 88-failover.t: the database moves to another server, in every way that a standby takes over: Muster follows,
# without a restart, an old answer or a write lost, and serves what can be served meanwhile.
use v5.24;
use warnings;
use JSON::PP ();
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Ledger qw(bad_answers check_ledger prepare_ledger tally);
use Muster::Postgres;
use Muster::Process qw(poll slurp);
use Muster::Proxy;
use Muster::Server;
use Test::More;
use Time::HiRes qw(sleep time);

my $SLOW = $ENV{MUSTER_SLOW} // 1;
my @as   = (headers => { 'X-User-Id' => 'u' });

# A primary, and a standby that has everything.
sub pair {
    my $primary = Muster::Postgres->new(settings => { synchronous_commit => 'on' });
    Muster::Server->new(postgres => $primary, start => 0);
    my $standby = Muster::Postgres->standby_of($primary);
    return ($primary, $standby);
}

sub caught_up {
    my ($primary, $standby) = @_;
    my $lsn = $primary->psql('select pg_current_wal_insert_lsn()');
    poll(30, sub { $standby->psql("select pg_last_wal_replay_lsn() >= '$lsn'::pg_lsn") eq 't' }) or die 'the standby stays behind';
    return;
}

sub promote {
    my ($standby) = @_;
    $standby->psql('select pg_promote()');
    poll(30, sub { $standby->psql('select pg_is_in_recovery()') eq 'f' }) or die 'the standby is not promoted';
    return;
}

# The server hangs, or goes on: all of it.
sub stop_all { my ($postgres) = @_; return kill 'STOP', $postgres->{process}->pid, $postgres->{process}->children }
sub cont_all { my ($postgres) = @_; return kill 'CONT', $postgres->{process}->children, $postgres->{process}->pid }

# One conninfo for several, more options behind it.
sub hosts {
    my ($more, @postgres) = @_;
    return 'host=' . join(',', map { $_->socket_dir } @postgres) . " dbname=muster user=postgres $more";
}

sub muster {
    my ($conninfo, %conf) = @_;
    my $server = Muster::Server->new(conninfo => $conninfo, schema => 0, conf => { cache_size => 4, %conf });
    return ($server, Muster::Front->new(server => $server, workers => 2));
}

sub make { my ($client, $name) = @_; return $client->post('/entity/basicserver', form => { name => $name }) }

# Seconds until a write goes well.
sub until_written {
    my ($client, $name, $limit) = @_;
    my ($begin, $n) = (time, 0);
    poll($limit, sub { make($client, $name . $n++)->{status} == 201 }) or return 1000;
    return time - $begin;
}

subtest 'the first of the list hangs' => sub {
    my ($one, $two) = pair();
    my ($server, $front) = muster(hosts('', $one, $two), workers => 3);
    my $client = $front->client;
    like($server->log, qr/2 hosts, read-write \(as target_session_attrs is not given\)/, 'which one is used is said at the start');
    is(make($client, 'before')->{status}, 201, 'a write to the primary');
    caught_up($one, $two);
    stop_all($one);
    promote($two);
    cmp_ok(until_written($client, 'after', 30), '<', (1 + 2) * $SLOW, 'a write within connect_timeout + 2 s');
    is($client->get('/by-name/before')->{status}, 200, 'and everything is there');
    like($client->get('/__metrics__')->{body}, qr/^muster_database_timeline 2$/m, 'the metrics tell the timeline');
    cont_all($one);
    $_->stop for $front, $server, $two, $one;
};

subtest 'an old primary goes on: none of its answers' => sub {
    my ($one, $two) = pair();
    my ($server, $front) = muster(hosts('', $one, $two), workers => 2);
    my $client = $front->client;
    my @names  = map { "s$_" } 1 .. 30;
    $client->post('/entity/basicserver', form => [ map { (name => $_) } @names ]);
    $client->put("/attribute/$_/v", form => { value => 'old' }) for @names;
    my $value = sub { my $a = $client->get("/attribute/$_[0]/v"); return ref $a->{json} eq 'ARRAY' ? $a->{json}[0]{value} : $a->{status} };
    $value->($_) for @names[ 0 .. 9 ], @names[ 0 .. 9 ];
    caught_up($one, $two);
    # No new connection reaches the old one.
    my $hba = "$one->{dir}/data/pg_hba.conf";
    my $was = Muster::Process::slurp($hba);
    $one->psql('select pg_reload_conf()') if Muster::Process::spew($hba, "local all postgres reject\nlocal replication all trust\n");
    promote($two);
    $two->psql("update entity_attrs set string_value = 'new' where key = 'v'");
    my @backends = map { my $pid = $_; Muster::Process::slurp("/proc/$pid/cmdline") =~ /postgres muster/ ? $pid : () } $one->{process}->children;
    cmp_ok(scalar @backends, '>=', 2, 'sessions are open');
    kill 'STOP', @backends;
    my $end = time + 3;
    my $ask = sub {
        my ($me) = @_;
        if ($me == 60) {
            sleep $end - time;
            kill 'CONT', @backends;
            sleep 0.02;
            kill 'INT', $one->{process}->pid;
            return 'went on';
        }
        my $answer = Muster::Client->new(port => $client->{port}, unix => $client->{unix})->get('/attribute/' . $names[ $me % 30 ] . '/v');
        return ref $answer->{json} eq 'ARRAY' ? $answer->{json}[0]{value} : $answer->{status};
    };
    my %count;
    $count{$_}++ for parallel(61, $ask);
    diag join ', ', map { "$_: $count{$_}" } sort keys %count;
    is($count{old} // 0, 0, 'of 60 that waited none is old');
    cmp_ok($count{new} // 0, '>', 30, 'most were answered');
    poll(10, sub { $value->('s1') eq 'new' });
    is_deeply([ grep { $value->($_) ne 'new' } @names, @names ], [], 'nor is one that was kept');
    $_->stop for $front, $server, $two;
};

subtest 'an old primary alone' => sub {
    my ($one, $two) = pair();
    caught_up($one, $two);
    promote($two);
    my ($server, $front) = muster(hosts('', $two, $one), workers => 2);
    my $client = $front->client;
    is(make($client, 'newer')->{status}, 201, 'a write to the newer one');
    $two->stop;
    ok(poll(10, sub { $client->get('/by-name/clustometa')->{status} == 200 }), 'the older one serves when it is alone');
    is($client->get('/by-name/newer')->{status}, 404, 'what is not there is not made up');
    my @lines = $server->log =~ /(error.*timeline 1, though there was a later one.*)/g;
    is(scalar @lines, 1, 'and an error says that writes may be lost, once') or diag $server->log;
    like($client->get('/__metrics__')->{body}, qr/^muster_database_timeline 1$/m, 'so do the metrics');
    $two->start;
    ok(poll(10, sub { $client->get('/by-name/newer')->{status} == 200 }), 'the newer one is used again as soon as it answers');
    sleep 1.2;    # the other worker's connection is looked at after a second
    is_deeply([ grep { $_ != 200 } map { $client->get('/by-name/newer')->{status} } 1 .. 20 ], [], 'by every worker');
    $_->stop for $front, $server, $one, $two;
};

subtest 'one address that moves' => sub {
    my ($one, $two) = pair();
    my $address = Muster::Proxy->new(to => $one);
    caught_up($one, $two);
    $one->stop;
    promote($two);
    # The old one is back as a standby, and the address still leads to it.
    Muster::Process::spew("$one->{dir}/data/standby.signal", '');
    chmod 0644, "$one->{dir}/data/standby.signal";
    $one->start;
    my ($server, $front) = muster($address->conninfo, workers => 2);
    my $client = $front->client;
    is($client->get('/by-name/clustometa')->{status}, 200, 'it serves reads');
    is(make($client, 'refused')->{status}, 503, 'and refuses writes');
    my $ready = $client->get('/__ready__');
    is($ready->{status}, 200, 'it is ready');
    is_deeply([ @{ $ready->{json} }{qw(writable timeline)} ], [ JSON::PP::false, 1 ], 'and says that it takes no writes');
    make($client, 'refused') for 1 .. 20;
    cmp_ok($address->state->{taken}, '<', 20, 'without a connection for each of them');
    $address->move($two);
    sleep 0.3;
    my @status = map { sleep 0.05; make($client, "moved$_")->{status} } 1 .. 12;
    cmp_ok(scalar(grep { $_ != 201 } @status), '<=', 2, 'when the address has moved each worker refuses one more at most') or diag "@status";
    is($status[-1], 201, 'and then takes them');
    is_deeply([ @{ $client->get('/__ready__')->{json} }{qw(writable timeline)} ], [ JSON::PP::true, 2 ], 'which it says');
    unlike($server->log, qr/warn.*(?:prune_changes|token_used)/, 'no vain attempts of its own');
    $_->stop for $front, $server, $address, $two, $one;
};

subtest 'writes wait for a standby that is not there' => sub {
    my $one = Muster::Postgres->new(settings => { synchronous_commit => 'on' });
    my $server = Muster::Server->new(postgres => $one, conf => { workers => 4, cache_size => 4, statement_timeout => 2000 * $SLOW });
    my $front = Muster::Front->new(server => $server, workers => 2);
    my $client = $front->client;
    make($client, 'r');
    $one->setting('synchronous_standby_names', 'nobody');
    my @all = parallel(9, sub {
        my ($me) = @_;
        my $c = Muster::Client->new(%$client);
        if ($me < 4) {
            my $answer = make($c, "w$me");
            return [ @$answer{qw(status seconds)}, $answer->{headers}{'clusto-outcome'} ];
        }
        # While the first one that is over the limit is still looked at: what comes then is not for a worker that waits.
        poll(20, sub { ($c->metric('workers_writing') // 0) == 3 });
        my $answer = $me == 7 ? make($c, 'over')
            : $me == 8 ? $c->post('/query', form => { q => 'name = r' })
            : $c->get(('/by-name/r', '/driverlist', '/__live__')[ $me - 4 ]);
        return [ @$answer{qw(status seconds)}, $answer->{headers}{'retry-after'}, $answer->{json} ];
    });
    is($all[$_][0], 200, 'a read is answered') for 4 .. 6, 8;
    cmp_ok($all[$_][1], '<', 1 * $SLOW, 'at once') for 4 .. 6, 8;
    is($all[7][0], 503, 'one more write is refused');
    like($all[7][3], qr/too many writes are waiting/i, 'with the reason');
    is($all[7][2], 1, 'with Retry-After');
    cmp_ok($all[7][1], '<', 1 * $SLOW, 'at once');
    is(scalar(grep { $_->[0] == 503 && !defined $_->[2] } @all[ 0 .. 3 ]), 1, 'so was one of the four');
    # Three wait for the standby, one for a lock, which it gets sooner: what comes then is for that one.
    @all = parallel(6, sub {
        my ($me) = @_;
        my $c = Muster::Client->new(%$client);
        return make($c, "x$me")->{status} if $me < 3;
        poll(20, sub { ($c->metric('workers_writing') // 0) == 3 });
        return $one->psql('begin; lock table muster_preferences in access exclusive mode; select pg_sleep(1.5); rollback') if $me == 3;
        poll(20, sub { $one->psql("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == 1 });
        return $c->get('/preferences/a', @as)->{status} if $me == 4;
        poll(20, sub { $one->psql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") == 1 });
        my $answer = $c->get('/by-name/r');
        return [ @$answer{qw(status seconds)} ];
    });
    is($all[4], 404, 'the one with the lock is answered');
    is($all[5][0], 200, 'and then the one that came meanwhile');
    cmp_ok($all[5][1], '<', 1.5 + $SLOW, 'not when a worker does not wait for the standby any more');
    kill 'KILL', $server->workers(4);
    $one->setting('synchronous_standby_names');
    poll(20, sub { make($client, 'again')->{status} =~ /^(201|409)$/ });
    is(make($client, 'more')->{status}, 201, 'killed workers are not counted');
    is($client->get('/by-name/over')->{status}, 404, 'what was refused was not done');
    $_->stop for $front, $server, $one;
};

# How many there are or were lately at a port, as its side sees them.
sub connections {
    my ($port) = @_;
    my $here = sprintf ':%04X', $port;
    return scalar grep { my (undef, $local, undef, $state) = split; $local =~ /$here$/ && $state ne '0A' } split /\n/, slurp('/proc/net/tcp');
}

# Every worker waits for a server that hangs; more requests come than they have.
subtest 'alive whatever the database does' => sub {
    my $one = Muster::Postgres->new;
    my $server = Muster::Server->new(postgres => $one, conf => { workers => 2, cache_size => 0 });
    my $front = Muster::Front->new(server => $server, workers => 2);
    my $client = $front->client;
    make($client, 'r');
    my $ask = sub { my ($path) = @_; my $answer = Muster::Client->new(%$client)->get($path); return [ @$answer{qw(status seconds)}, $answer->{headers}{'retry-after'} ] };
    stop_all($one);
    my $waiting = 300;
    my @all = parallel($waiting + 1, sub {
        my ($me) = @_;
        return $ask->('/by-name/r') if $me < $waiting;
        poll(5, sub { connections($front->port) >= $waiting });    # those after them must not be first
        my @answers = map { $ask->($_) } map { ($_) x 5 } '/__live__', '/driverlist', '/__metrics__', '/__version__';
        my $token = Muster::Client->new(%$client, timeout => 0.5)->get('/__live__', headers => { Authorization => 'Bearer mst_0123456789abcdef_0' });
        cont_all($one);
        return [ \@answers, $token->{status} // 0 ];
    }, timeout => 60);
    my ($alone, $token) = @{ pop @all };
    is_deeply([ grep { $_->[0] != 200 } @$alone ], [], 'what needs no database is answered');
    my ($slowest) = sort { $b <=> $a } map { $_->[1] } @$alone;
    diag sprintf 'within %.3f s', $slowest;
    cmp_ok($slowest, '<', 1 * $SLOW, 'at once');
    isnt($token, 200, 'a token is checked by the database');
    my %count;
    $count{ $_->[0] . ($_->[2] // '') }++ for @all;
    diag join ', ', map { "$count{$_} x $_" } sort keys %count;
    is(($count{200} // 0) + ($count{5031} // 0), $waiting, 'of the others each is answered when it goes on, or told to come again');
    cmp_ok($count{200} // 0, '>=', 200, 'few are');
    is($ask->('/by-name/r')->[0], 200, 'all is well again') for 1 .. 4;
    $_->stop for $front, $server, $one;
};

subtest 'started before the database' => sub {
    my $one = Muster::Postgres->new;
    my $server = Muster::Server->new(postgres => $one, conf => { workers => 3, cache_size => 4 });
    $server->stop;
    $one->stop;
    $server->start;
    my $front = Muster::Front->new(server => $server, workers => 2);
    sleep 1;
    $one->start;
    sleep 1.5;    # longer than any pause
    my @answers = parallel(12, sub { return [ @{ Muster::Client->new(%{ $front->client })->get('/by-name/clustometa') }{qw(status seconds)} ] });
    # On a busy machine another worker's attempt may take longer than it is waited for.
    is_deeply([ grep { $_->[0] != 200 && $_->[1] < 0.2 } @answers ], [], 'the first request of each worker is served, or was tried for');
    ok(poll(10, sub { $front->client->get('/by-name/clustometa')->{status} == 200 }), 'the next ones are');
    $_->stop for $front, $server, $one;
};

subtest 'attempts while it refuses' => sub {
    my $one = Muster::Postgres->new;
    my $address = Muster::Proxy->new(to => $one);
    my $server = Muster::Server->new(postgres => $one, conninfo => $address->conninfo, conf => { workers => 4, cache_size => 4 });
    my $front = Muster::Front->new(server => $server, workers => 2);
    my $client = $front->client;
    is($client->get('/by-name/clustometa')->{status}, 200, 'all is well');
    $address->refuse;
    $address->cut;
    my $before = $address->state->{taken};
    my $began  = time;
    # On a busy machine an attempt takes its time: it is asked until there were some.
    my @asked = parallel(4, sub {
        my $n = 0;
        $n += Muster::Client->new(%$client)->get('/by-name/clustometa')->{status} == 503
            while time < $began + 3 || $address->state->{taken} - $before < 4 && time < $began + 60;
        return [$n];
    });
    my $took  = time - $began;
    my $taken = $address->state->{taken} - $before;
    my $lines = () = $server->log =~ /can't connect/g;
    my $again = () = $server->log =~ /connected again/g;         # by an attempt that was under way
    diag sprintf '%d attempts in %.1f s, %d lines', $taken, $took, $lines;
    cmp_ok($_->[0], '>', 10, 'many are refused') for @asked;
    cmp_ok($taken, '<', 20 * $took, 'few attempts');
    cmp_ok($taken, '>', 3, 'but some');
    cmp_ok($lines, '>=', 1 + $again, 'they are told');
    cmp_ok($lines, '<=', 1 + $again + $took / 10, 'in a line every ten seconds') or diag grep { /connect/ } $server->log =~ /^.*\n/mg;
    like($client->get('/__metrics__')->{body}, qr/^muster_database_connect_failures_total [1-9]/m, 'which are counted');
    $address->pass;
    ok(poll(5, sub { $client->get('/by-name/clustometa')->{status} == 200 }), 'it goes on');
    $_->stop for $front, $server, $address, $one;
};

subtest 'switchovers under load' => sub {
    my ($one, $two) = pair();
    $one->psql("select pg_create_physical_replication_slot('s', true)");
    my $primary = $one;
    my ($server, $front) = muster(hosts('target_session_attrs=read-write', $one, $two), workers => 4);
    prepare_ledger($front->client);
    my $load = Muster::Ledger->begin(6, sub { $front->client }, name => 'switch');
    $load->more(acknowledged => 50);
    # Synchronous: nothing acknowledged is lost.
    $one->psql("alter system set synchronous_standby_names = '*'");
    $one->psql('select pg_reload_conf()');
    ok(poll(20, sub { $one->psql('select sync_state from pg_stat_replication') eq 'sync' }), 'the standby is a synchronous one');
    $load->more(acknowledged => 50);
    $one->stop;
    promote($two);
    my $took = until_written($front->client, 'switched', 20);
    cmp_ok($took, '<', 2 * $SLOW, 'writes go on within 2 s');
    diag sprintf 'written after %.3f s', $took;
    $load->more(acknowledged => 100);
    my @entries = $load->end;
    diag join ', ', tally(@entries);
    cmp_ok(scalar(grep { $_->[0] eq 'acknowledged' } @entries), '>', 50, 'there was a load');
    is_deeply([ bad_answers(@entries) ], [], 'no 500, every 503 says when to come back, no answer is old');
    is_deeply([ check_ledger($two, @entries) ], [], 'nothing acknowledged is lost, nothing refused is there, nothing twice');
    $_->stop for $front, $server, $two;
};

done_testing;
