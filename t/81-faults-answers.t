# 81-faults-answers.t: the connection to the database fails at every step of a write: what was not
# acknowledged is either known not to have happened or said to be unknown, and nothing happens twice.
use v5.24;
use warnings;
use Muster::Census qw(census same_census);
use Muster::Client qw(parallel);
use Muster::Fastcgi qw(begin_request connect_to record);
use Muster::Front;
use Muster::Ledger qw(bad_answers check_ledger prepare_ledger tally write_one);
use Muster::Postgres;
use Muster::Process qw(poll);
use Muster::Proxy;
use Muster::Server;
use Test::More;
use Time::HiRes qw(sleep time);

my $SLOW     = $ENV{MUSTER_SLOW} // 1;
my $postgres = Muster::Postgres->new(settings => { synchronous_commit => 'on' });
my $proxy    = Muster::Proxy->new(to => $postgres);
my $server   = Muster::Server->new(
    postgres => $postgres,
    conninfo => $proxy->conninfo,
    conf     => { workers => 1, statement_timeout => 1000 * $SLOW, lock_timeout => 500 * $SLOW, connect_timeout => 1000 * $SLOW },
);
my $front  = Muster::Front->new(server => $server);
my $client = $front->client;
prepare_ledger($client);
my $before = census(server => $server, postgres => $postgres, front => $front, workers => 1);

my ($number, @entries) = (0);

# One write while this goes wrong; verdict, status, answers of the ledger.
sub attempt {
    my ($kind, @rule) = @_;
    my $fired = $proxy->fired;
    $proxy->on(@rule);
    my @entry = write_one($client, $kind, 'step' . ++$number, $number % 16);
    push @entries, \@entry;
    my %rule = @rule[ 1 .. $#rule ];
    is($proxy->fired - $fired, $rule{times} // 1, "$kind: the proxy was at @rule") or diag explain \@entry;
    ok(!defined $entry[5], 'a failure says when to come back') or diag $entry[5];
    return @entry;
}

sub works {
    my ($name) = @_;
    my @entry = write_one($client, 'note', 'works' . ++$number, 1);
    push @entries, \@entry;
    is($entry[0], 'acknowledged', $name // 'the next one is written') or diag explain \@entry;
    return;
}

sub there {
    my ($text) = @_;
    return $postgres->psql("select count(*) from clustoversioning where description = '$text'");
}

my %commit = (note => 'commit', make => 'commit', ip => 'commit', append => 'commit', set => 'prefs_set');

subtest 'COMMIT was done, its answer is lost' => sub {
    for my $kind (sort keys %commit) {
        my ($verdict, undef, $text, $status) = attempt($kind, $commit{$kind});
        is("$status $verdict", '503 unknown', "$kind: said to be unknown");
        is(there($text), 1, "$kind: it was done") if $kind =~ /note|make|ip/;
        works();
    }
    my ($verdict, undef, $text) = attempt('note', 'commit', bytes => 7);
    is($verdict, 'unknown', 'half of the answer arrived');
    same_census($before);
};

subtest 'COMMIT was sent and never arrived' => sub {
    for my $kind (sort keys %commit) {
        my ($verdict, undef, $text, $status) = attempt($kind, $commit{$kind}, when => 'before');
        is("$status $verdict", '503 unknown', "$kind: the outcome is unknown");
        is(there($text), 0, "$kind: it was not done");
        works();
    }
    same_census($before);
};

subtest 'COMMIT is under way and the connection breaks' => sub {
    for my $kind (sort keys %commit) {
        my ($verdict, undef, $text, $status) = attempt($kind, $commit{$kind}, when => 'sent');
        is("$status $verdict", '503 unknown', "$kind: the outcome is unknown");
        works();
    }
    same_census($before);
};

subtest 'before that, it is not done, nor tried again' => sub {
    my %early = (note => 'add_attrs', make => 'create', ip => 'lock_change', append => 'prefs_lock');
    for my $kind (sort keys %early) {
        for my $when (qw(before sent answered)) {
            works();    # after a pause a connection that breaks counts as one that was dead already
            my ($verdict, undef, $text, $status) = attempt($kind, $early{$kind}, when => $when);
            is("$status $verdict", '503 refused', "$kind: the connection breaks in the middle ($when), perhaps over this");
            is(there($text), 0, 'and it is not done');
        }
    }
    works();
    same_census($before);
};

subtest 'COMMIT is never answered' => sub {
    for my $kind (qw(note set)) {
        for my $when (qw(sent answered)) {
            my ($verdict, undef, $text, $status, $seconds) = attempt($kind, $commit{$kind}, when => $when, then => 'stall');
            is("$status $verdict", '503 unknown', "$kind: at our timeout the outcome is unknown");
            cmp_ok($seconds, '<', 10 * $SLOW, 'which is soon');
        }
    }
    works();
    ok(poll(10, sub { $proxy->state->{connections} <= 1 }), 'no connection is left');
    same_census($before);
};

is_deeply([ check_ledger($postgres, @entries) ], [], 'nothing acknowledged is lost, nothing refused is there, nothing twice');

subtest 'the network swallows everything' => sub {
    works();
    $proxy->stall;
    my $begin  = time;
    my $answer = $client->get('/by-name/ledger1');
    is($answer->{status}, 503, 'a read: 503');
    ok(defined $answer->{headers}{'retry-after'}, 'with Retry-After');
    cmp_ok(time - $begin, '<', 10 * $SLOW, 'within statement_timeout and what we wait beyond it');
    my @entry = write_one($client, 'note', 'swallowed', 2);
    push @entries, \@entry;
    is("$entry[3] $entry[0]", '503 refused', 'a write, when there is no connection: refused');
    cmp_ok($entry[4], '<', 5 * $SLOW, 'within connect_timeout');
    my @times = map { my $a = $client->get('/by-name/ledger1'); $a->{status} == 503 ? $a->{seconds} : () } 1 .. 6;
    is(scalar @times, 6, 'more: 503 all of them');
    cmp_ok((sort { $a <=> $b } @times)[2], '<', 0.5 * $SLOW, 'most of them at once');
    is($client->get('/__version__')->{status}, 200, 'what needs no database is answered');
    $proxy->pass;
    $begin = time;
    ok(poll(20, sub { $client->get('/by-name/ledger1')->{status} == 200 }), 'when it is back, so are we');
    cmp_ok(time - $begin, '<', 2 * $SLOW + 1, 'soon');
    works();
    same_census($before);
};

subtest 'the client leaves while the network swallows everything' => sub {
    works();
    my $taken = $proxy->state->{taken};
    $proxy->on('lock_change', when => 'sent', then => 'stall');
    my $leaver = $front->client(timeout => 1);
    parallel(2, sub {
        my ($i) = @_;
        if ($i == 1) { sleep 0.3 * $SLOW; $proxy->stall; return {} }
        $leaver->put('/attribute/ledger3/left', form => { value => 1 });
        return {};
    });
    my $begin = time;
    is($client->get('/__version__')->{status}, 200, 'the worker goes on');
    cmp_ok(time - $begin, '<', 8 * $SLOW, 'before the network does');
    ok(poll(10, sub { $proxy->state->{taken} > $taken }), 'it tried to cancel');
    $proxy->pass;
    $begin = time;
    ok(poll(20, sub { $client->get('/by-name/ledger1')->{status} == 200 }), 'the worker comes back');
    cmp_ok(time - $begin, '<', 2 * $SLOW + 1, 'soon');
    works();
    same_census($before);
};

# A statement may fail by itself after it was to be cancelled, and before: then the next one on the
# connection would be.
subtest 'a request to cancel that comes late' => sub {
    works();
    my $cancels = $proxy->state->{cancels};
    my $release = $postgres->hold('lock table entities') // die 'no lock';
    $proxy->hold_cancels(1);
    my $leaver = connect_to($server);
    print {$leaver} begin_request(REQUEST_METHOD => 'GET', PATH_INFO => '/by-name/ledger1'), record(5, '');
    $leaver->flush;
    my $waits = sub { $postgres->psql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") };
    ok(poll(10, $waits), 'a request waits for a lock');
    close $leaver;
    ok(poll(10, sub { $proxy->state->{cancels} > $cancels }), 'its client leaves: it is to be cancelled');
    ok(poll(10, sub { !$waits->() }), 'it has waited too long before that');
    my ($late) = parallel(2, sub {
        my ($i) = @_;
        return $client->get('/by-name/ledger1') if $i == 0;
        poll(10, $waits);
        $proxy->hold_cancels(0);
        sleep 0.2 * $SLOW;
        $release->();
        return {};
    });
    is($late->{status}, 200, 'which the next request has nothing to do with') or diag $late->{body};
    $proxy->hold_cancels(0);
    same_census($before);
};

subtest 'a result that does not come is waited for once' => sub {
    works();
    my $fired = $proxy->fired;
    $proxy->on('ref_by_name|object_by_name', then => 'stall');
    my $answer = $client->get('/by-name/ledger1');
    is($proxy->fired - $fired, 1, 'the proxy was there');
    is($answer->{status}, 503, 'a read fails at our timeout, and is not tried again');
    ok(defined $answer->{headers}{'retry-after'}, 'with Retry-After');
    is($client->get('/by-name/ledger1')->{status}, 200, 'the next one is answered');
    ok(poll(10, sub { $proxy->state->{connections} <= 1 }), 'no connection is left');
    same_census($before);
};

subtest 'the server is silent after the client has left' => sub {
    works();
    $proxy->refuse;
    $proxy->cut;
    is($client->get('/by-name/ledger1')->{status}, 503, 'the connection is lost');
    $proxy->pass;
    sleep 0.3;    # longer than the pause after one failed attempt
    my ($fired, $cancels) = @{ $proxy->state }{qw(fired cancels)};
    $proxy->on('lock_change', then => 'stall');
    $front->client(timeout => 0.5)->put('/attribute/ledger1/left', form => { value => 1 });
    ok(poll(10, sub { $proxy->state->{cancels} > $cancels }), 'its statement is cancelled');
    is($proxy->fired - $fired, 1, 'the proxy was there');
    works('what another client writes is written');
    same_census($before);
};

# Most results are there before anybody has looked whether the client still is.
subtest 'clients that close at once' => sub {
    works();
    my $taken = $proxy->state->{taken};
    for (1 .. 200) {
        my $socket = $client->connect;
        $socket->syswrite("GET /by-name/ledger1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        close $socket;
    }
    works();
    cmp_ok($proxy->state->{taken} - $taken, '<=', $SLOW > 1 ? 3 : 0, '200 quick reads cost no new connection');
};

subtest 'all prepared statements are gone' => sub {
    for my $sql ('deallocate all', 'discard all') {
        for my $kind (qw(append ip make note set)) {
            works();
            $proxy->inject($sql);
            my @entry = write_one($client, $kind, 'discard' . ++$number, $number % 16);
            push @entries, \@entry;
            is($entry[0], 'acknowledged', "$kind after $sql") or diag explain \@entry;
            $proxy->inject($sql);
            is($client->get('/by-name/ledger1')->{status}, 200, 'a read');
            $proxy->inject($sql);
            is($client->get('/entity/basicserver')->{status}, 200, 'a list');
        }
    }
    same_census($before);
};

$_->stop for $front, $server;

subtest 'cut off now and then, under load' => sub {
    my $own = Muster::Server->new(postgres => $postgres, conninfo => $proxy->conninfo, schema => 0, conf => { workers => 3 });
    my $door = Muster::Front->new(server => $own);
    my $cut  = census(server => $own, postgres => $postgres, front => $door, workers => 3);
    my $load = Muster::Ledger->begin(4, sub { $door->client });
    # Until enough is written: how long that takes depends on what else the machine does.
    my $before  = $postgres->psql('select count(*) from clustoversioning');
    my $written = sub { return $postgres->psql('select count(*) from clustoversioning') - $before };
    my ($least, $most) = (time + 4, time + 180 * ($ENV{MUSTER_SLOW} // 1));
    while (time < $least || time < $most && $written->() < 60) {
        sleep 0.1 + rand 0.2;
        my $way = int rand 4;
        if    ($way == 0) { $proxy->cut }
        elsif ($way == 1) { $proxy->on('commit|prefs_set', times => 2) }
        elsif ($way == 2) { $proxy->on('commit|prefs_set|add_attrs|create|take_ip', times => 2, when => 'sent') }
        else              { $proxy->inject('discard all') }
    }
    my @more = $load->end;
    diag join ', ', tally(@more);
    cmp_ok(scalar(grep { $_->[0] eq 'acknowledged' } @more), '>', 20, 'most are written');
    cmp_ok(scalar(grep { $_->[0] eq 'unknown' } @more), '>', 2, 'some outcomes are unknown');
    is_deeply([ bad_answers(@more) ], [], 'no 500, every 503 says when to come back, no answer is old');
    push @entries, @more;
    same_census($cut);
    $door->stop;
    $own->stop;
};

is_deeply([ check_ledger($postgres, @entries) ], [], 'nothing acknowledged is lost, nothing refused is there, nothing twice');

done_testing;
