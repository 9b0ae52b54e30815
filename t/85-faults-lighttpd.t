# 85-faults-lighttpd.t: what of a fault gets through lighttpd: our answers as they are; where there is none of ours,
# because a worker died or none is running, its own, in HTML, which a client has to take for "unknown".
use v5.24;
use warnings;
use Muster::Census qw(census same_census);
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Ledger qw(check_ledger prepare_ledger write_one);
use Muster::Postgres;
use Muster::Process qw(poll);
use Muster::Server;
use Test::More;
use Time::HiRes qw(sleep time);

my $SLOW     = $ENV{MUSTER_SLOW} // 1;
my $SOON     = $ENV{MUSTER_SANITIZED} ? 2 * $SLOW : 2;
my $postgres = Muster::Postgres->new(settings => { synchronous_commit => 'on' });
my $server   = Muster::Server->new(postgres => $postgres, conf => { workers => 2, restart_limit => 1000 });
my $front    = Muster::Front->new(server => $server, kind => 'lighttpd');
my $client   = $front->client;
prepare_ledger($client);
my $before = census(server => $server, postgres => $postgres, front => $front, workers => 2);
my @entries;

# Seconds until there is an answer again.
sub until_answered {
    my $begin = time;
    poll(20, sub { $client->get('/by-name/clustometa')->{status} == 200 });
    return time - $begin;
}

sub is_ours {
    my ($answer, $status, $what) = @_;
    is($answer->{status}, $status, "$what: $status");
    like($answer->{headers}{'content-type'}, qr{^application/json}, 'in JSON');
    ok(defined $answer->{headers}{'x-request-id'}, 'with its request id');
    return;
}

sub is_its_own {
    my ($answer, $wanted, $what) = @_;
    like($answer->{status}, $wanted, "$what: lighttpd says $answer->{status}");
    like($answer->{headers}{'content-type'} // '', qr{^text/html}, 'in HTML');
    is($answer->{headers}{$_}, undef, "without $_") for qw(x-request-id retry-after clusto-outcome);
    return;
}

subtest 'the database is unreachable' => sub {
    $postgres->stop('fast');
    for my $ask ([ get => '/by-name/ledger1' ], [ post => '/entity/pool', form => { name => 'early' } ], [ put => '/preferences/a', headers => { 'X-User-Id' => 'u' }, json => {} ]) {
        my ($method, @rest) = @$ask;
        my $answer = $client->$method(@rest);
        is_ours($answer, 503, "$method $rest[0]");
        is($answer->{headers}{'retry-after'}, 1, 'with Retry-After');
        is($answer->{headers}{'clusto-outcome'}, undef, 'and nothing unknown about it');
    }
    is($client->head('/by-name/ledger1')->{status}, 503, 'HEAD too');
    $postgres->start;
    cmp_ok(until_answered(), '<', $SOON, 'when it is back, so are we');
    is($client->post('/entity/pool', form => { name => 'early' })->{status}, 201, 'the refused write was not done');
    same_census($before);
};

subtest 'the outcome is unknown' => sub {
    $postgres->setting(synchronous_standby_names => 'nobody');
    my ($got) = parallel(2, sub {
        my ($i) = @_;
        return $front->client->post('/entity/basicappliance', form => { name => 'unknown1' }, headers => { 'Clusto-Description' => 'unknown1' }) if $i == 0;
        return { n => poll(10, sub { $postgres->psql("select pg_cancel_backend(pid) from pg_stat_activity where application_name like 'muster%' and wait_event = 'SyncRep'") }) };
    });
    $postgres->setting('synchronous_standby_names');
    is_ours($got, 503, 'a commit whose waiting was cancelled');
    is($got->{headers}{'clusto-outcome'}, 'unknown', 'Clusto-Outcome gets through');
    ok(defined $got->{headers}{'retry-after'}, 'and Retry-After');
    push @entries, [ unknown => make => 'unknown1', 503 ];
};

# What waits for a row that somebody else has is in a worker's hand for sure.
subtest 'a worker dies with a request in its hand' => sub {
    my $waiting = "select count(*) from pg_stat_activity where application_name like 'muster%' and wait_event_type = 'Lock'";
    for my $kind (qw(note ip)) {
        my $text = "died-$kind";
        my ($got) = parallel(3, sub {
            my ($i) = @_;
            if ($i == 0) {
                poll(10, sub { $postgres->psql("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") });
                return $front->client->post($kind eq 'note' ? '/attribute/ledger4' : '/resourcemanager/ipmanager/ledgerips', headers => { 'Clusto-Description' => $text },
                    form => $kind eq 'note' ? { key => 'note', value => $text } : { object => 'ledger4' });
            }
            if ($i == 1) {
                $postgres->psql("begin; select from entities where name in ('ledger4', 'ledgerips') for update; select pg_sleep(" . 20 * $SLOW . '); rollback', fails => 1);
                return {};
            }
            poll(15, sub { $postgres->psql($waiting) });
            kill 'KILL', Muster::Process::children_of($server->pid);
            # The process in PostgreSQL goes on until it has the row, and finds its client gone.
            sleep 0.2;
            $postgres->psql("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'");
            return {};
        });
        is_its_own($got, qr/^50[03]$/, $kind);
        push @entries, [ unknown => $kind, $text, $got->{status} ];
        cmp_ok(until_answered(), '<', $SOON, 'the next one has an answer');
        my @entry = write_one($client, $kind, "after-$kind", 5);
        is($entry[0], 'acknowledged', 'and a write is done');
        push @entries, \@entry;
        is($postgres->psql("select count(*) from clustoversioning where description = '$text'"), 0, 'what was in its hand was not done, nor tried again');
    }
    same_census($before, new_workers => 1);
};

subtest 'muster is not running' => sub {
    $server->stop;
    is_its_own($client->get('/by-name/ledger1'), qr/^503$/, 'a read');
    is_its_own($client->put('/attribute/ledger1/x', form => { value => 1 }), qr/^503$/, 'a write');
    $server->start;
    # disable-time in the sample is a second, of which lighttpd makes up to three.
    cmp_ok(until_answered(), '<', 3 + $SOON, 'when the server is back, so is all');
};

is_deeply([ check_ledger($postgres, @entries) ], [], 'nothing acknowledged is lost, nothing twice');
$_->stop for $front, $server;
done_testing;
