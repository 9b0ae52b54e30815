# 99-wait.t: clients that wait for changes: who is woken, by what, with what; who is not; and what
# becomes of them when something ends.
use v5.24;
use warnings;
use IO::Poll ();
use Muster::Client;
use Muster::Front;
use Muster::Process qw(gone poll processor_ms slurp);
use Muster::Waiting qw(answer begin_at is_waiting objects read_until waiting_on);
use Muster::World;
use Test::More;
use Time::HiRes qw(sleep time);

my $SLOW     = $ENV{MUSTER_SLOW} // 1;
my $world    = Muster::World->new(conf => { workers => 2, feed_waiters => 50 });
my $server   = $world->server;
my $client   = $world->client;
my $postgres = $world->postgres;

# --- clients that wait

sub begin {
    my ($path, %option) = @_;
    return begin_at(delete $option{port} // $world->front->port, $path, %option);
}

sub waiting_becomes { return waiting_on($client, @_) }

sub now { return $client->get('/changes?since=now')->{headers}{'clusto-next'} }

my $made = 0;

# A new object; its name.
sub make {
    my ($name) = @_;
    $name //= 'made' . ++$made;
    is($client->post('/entity/pool', form => { name => $name })->{status}, 201, "$name is created");
    return $name;
}

# MUSTER_WAITERS=10000: so many at once, behind nginx; two descriptors for each must be allowed there. Needs
# a machine that does nothing else.
# Over a connection that is there already: among 10,000 handles Perl takes milliseconds to make one more.
sub by_name_p99 {
    my ($ask, $seconds) = @_;
    my ($end, @times) = (time + $seconds);
    while (time < $end) {
        my $got = $ask->get('/by-name/testserver1');
        push @times, $got->{seconds} if $got->{status} == 200;
    }
    return (sort { $a <=> $b } @times)[ int(0.99 * @times) ] * 1000;
}

# Reads from all until each has ended or the time is over; how many are whole.
sub all_answered {
    my ($all, $seconds) = @_;
    my $end  = time + $seconds;
    my $poll = IO::Poll->new;
    my %of   = map { fileno($_->{socket}) => $_ } @$all;
    $poll->mask($_->{socket} => IO::Poll::POLLIN()) for @$all;
    my $open = @$all;
    while ($open > 0 && time < $end) {
        sleep 0.1;    # each poll looks at all of them
        $poll->poll(0.5);
        for my $socket ($poll->handles(IO::Poll::POLLIN() | IO::Poll::POLLHUP())) {
            my $waiting = $of{ fileno $socket };
            next if sysread $socket, $waiting->{bytes}, 65536, length $waiting->{bytes};
            $waiting->{ended} = 1;
            $poll->remove($socket);
            $open--;
        }
    }
    return scalar grep { $_->{ended} && $_->{bytes} =~ m{\AHTTP/1\.1 200 .*\]\s*\z}s } @$all;
}

sub begin_all {
    my ($front, $n, $since) = @_;
    my @all;
    while (@all < $n) {
        push @all, map { begin("/changes?since=$since&attrs=false", port => $front->port, headers => { 'Clusto-Wait' => 50 }) } 1 .. 100;
        my $count = @all;
        poll(20, sub { $client->metric('waiting_clients') >= $count });
    }
    return @all;
}

if (my $n = $ENV{MUSTER_WAITERS}) {
    subtest "$n clients wait" => sub {
        my $many  = Muster::Server->new(postgres => $postgres, schema => 0, conf => { workers => 4, feed_waiters => $n + 100, listen_backlog => 4096 });
        my $front = Muster::Front->new(server => $many, workers => 2, edit => sub { $_[0] });
        my $front_conf = slurp($front->dir . '/nginx.conf');
        note $front_conf =~ /(worker_connections \d+)/;
        $client = $front->client;
        my $others = $front->client(keep_alive => 1);
        my $before = by_name_p99($others, 3);
        my $begin  = time;
        my @all    = begin_all($front, $n, now());
        note sprintf 'all wait after %.1f s', time - $begin;
        waiting_becomes($n);
        my $memory = $many->memory($many->waiter, 'VmRSS');
        my $used   = processor_ms($many->waiter);
        my $during = by_name_p99($others, 3);
        note sprintf 'the waiter uses %d ms of a processor in 3 s', processor_ms($many->waiter) - $used;
        my $name   = make();
        $begin = time;
        $used  = processor_ms($many->waiter);
        is(all_answered(\@all, 30), $n, 'all are woken');
        my $seconds = time - $begin;
        my ($log, @at) = ($many->log);
        push @at, 60 * $1 + $2 while $log =~ m{^\S+T\d+:(\d+):([\d.]+)Z .*GET /changes\?since=\S+&attrs=false 200 [1-9]\d\d}mg;
        note sprintf 'and %d ms for waking; %d responses were sent within %.2f s', processor_ms($many->waiter) - $used, scalar @at, $at[-1] - $at[0];
        note sprintf 'memory %d KiB, at most %d; p99 of others %.2f ms, %.2f ms without; woken within %.2f s', $memory, $many->memory($many->waiter), $during, $before, $seconds;
        cmp_ok($many->memory($many->waiter), '<', 64 * 1024, 'less than 64 MiB');
        cmp_ok($during, '<', 1.5 * $SLOW * $before, 'others are as quick');
        cmp_ok($seconds, '<', 2 * $SLOW, 'within two seconds');
        $front->stop;
        $many->stop;
    };
    done_testing();
    exit;
}

# --- who is woken

subtest 'many wait, and no worker does' => sub {
    my $since = now();
    my @all   = map { begin("/changes?since=$since") } 1 .. 20;
    waiting_becomes(20);
    is($client->get('/by-name/testserver1')->{status}, 200, 'others are served');
    ok(is_waiting($_), 'no answer yet') for @all[ 0, 19 ];
    my $woken = $client->metric('waits_woken_total');
    my $name  = make();
    my @got   = map { answer($_) } @all;
    is(scalar(grep { $_->{status} == 200 && objects($_) eq $name } @got), 20, 'all are woken');
    is($client->metric('waits_woken_total'), $woken + 20, 'and counted');
    waiting_becomes(0, 'nobody waits any more');
    my $at_once = $client->get("/changes?since=$since");
    is($got[0]{body}, $at_once->{body}, 'the same body as at once');
    my %same = map { $_ => 1 } grep { !/^(?:date|x-request-id|connection|content-length|transfer-encoding)$/ } map { keys %{ $_->{headers} } } $got[0], $at_once;
    is($got[0]{headers}{$_}, $at_once->{headers}{$_}, "the same header: $_") for sort keys %same;
    is($client->get("/changes?since=$got[0]{headers}{'clusto-next'}")->{body}, "[]", "and from there it goes on");
};

subtest 'a request id, the log' => sub {
    my $waiting = begin('/changes?since=' . now(), headers => { 'X-Request-Id' => 'wait-1' });
    waiting_becomes(1);
    unlike($server->log, qr/\[wait-1\] GET/, 'no line yet');
    make();
    is(answer($waiting)->{headers}{'x-request-id'}, 'wait-1', "the client's own");
    ok($server->wait_log(qr{\[wait-1\] GET /changes\?since=\S+ 200 \d+ \d+\.\d+ -}), 'one line at the end');
};

subtest 'filters' => sub {
    my $since = now();
    my $mine  = begin("/changes?since=$since&object=made1");
    my $pools = begin("/changes?since=$since&driver=pool&attrs=false");
    my $racks = begin("/changes?since=$since&driver=basicrack");
    my $keys  = begin("/changes?since=$since&key=owner");
    waiting_becomes(4);
    my $name = make();
    is(objects(answer($pools)), $name, 'the driver passes');
    ok(is_waiting($_), 'others wait on') for $mine, $racks, $keys;
    waiting_becomes(3);
    $client->put('/attribute/made1/color', form => { value => 'red' });
    is(objects(answer($mine)), 'made1', 'the object passes');
    $client->put('/attribute/made1/owner', form => { value => 'me' });
    is(objects(answer($keys)), 'made1', 'the key passes');
    ok(is_waiting($racks), 'a rack was not changed');
    $client->post('/entity/basicrack', form => { name => 'rack99' });
    is(objects(answer($racks)), 'rack99', 'now it is created');
};

subtest 'a pool' => sub {
    my $pool   = make('pool99');
    my $member = make('member99');
    my $in     = begin('/changes?since=' . now() . "&pool=$pool&object=$member");
    waiting_becomes(1);
    make();
    ok(is_waiting($in), 'what is outside does not wake');
    $client->post("/entity/pool/$pool", query => { action => 'insert' }, form => { device => $member });
    my $answer = answer($in);
    is(objects($answer), $member, 'what comes in does');
    my $out = begin("/changes?since=$answer->{headers}{'clusto-next'}&pool=$pool&object=$member");
    waiting_becomes(1);
    $client->post("/entity/pool/$pool", query => { action => 'remove' }, form => { device => $member });
    is(answer($out)->{json}[0]{change}, 'left', 'and what leaves');
};

subtest 'a question' => sub {
    my $member = make('member98');
    my $since  = now();
    my @same   = map { begin("/changes?since=$since&q=attr+mood+%3D+good") } 1 .. 2;
    my $other  = begin("/changes?since=$since&q=attr+mood+%3D+'bad'+or+name+in+(a,+b)");
    my $stream = begin("/changes?since=$since&q=attr+mood+%3D+good", headers => { Accept => 'text/event-stream' });
    waiting_becomes(4);
    $client->put("/attribute/$member/mood", form => { value => 'so so' });
    is($client->get("/changes?since=$since&q=attr+mood+%3D+'so+so'")->{json}[0]{object}, "/pool/$member", 'a change that nobody waits for');
    ok(is_waiting($_), 'does not wake') for @same, $other;
    $client->put("/attribute/$member/mood", form => { value => 'good' });
    is(objects(answer($_)), $member, 'what fits does') for @same;
    ok(read_until($stream, qr/^data: .*"value": "good"/m), 'in a stream, too');
    ok(is_waiting($other), 'who asks for something else waits');
    my $since_then = now();
    my $leaving    = begin("/changes?since=$since_then&q=attr+mood+%3D+good");
    waiting_becomes(3);
    $client->put("/attribute/$member/mood", form => { value => 'bad' });
    is(answer($leaving)->{json}[0]{change}, 'left', 'what does not fit any more');
    is(objects(answer($other)), $member, 'and now what the other waits for');
    close $stream->{socket};
    waiting_becomes(0);
};

subtest 'limits and pages' => sub {
    my $since   = now();
    my $waiting = begin("/changes?since=$since&limit=1&driver=pool");
    waiting_becomes(1);
    $postgres->psql("begin; with v as (select nextval('clustoversioning_version_seq') as n) insert into entities (type, driver, name, version) select 'pool', 'pool', 'many' || i, 1 from generate_series(1, 3) i; commit;");
    my $answer = answer($waiting);
    is(scalar @{ $answer->{json} }, 1, 'no more than the limit');
    is($answer->{headers}{'clusto-more'}, 'true', 'there is more');
    my @names = objects($answer);
    for (1 .. 2) {
        $answer = $client->get("/changes?since=$answer->{headers}{'clusto-next'}&limit=1&driver=pool");
        push @names, objects($answer);
    }
    is("@names", 'many1 many2 many3', 'nothing is left out, nothing comes twice');
};

subtest 'time is up' => sub {
    my $since   = now();
    my $begin   = time;
    my $waiting = begin("/changes?since=$since&object=nothing", headers => { 'Clusto-Wait' => 2 * $SLOW });
    waiting_becomes(1);
    my $out = $client->metric('waits_timed_out_total');
    make();
    my $answer = answer($waiting);
    cmp_ok(time - $begin, '>=', 1.9, 'not before');
    is($answer->{status}, 200, 'an answer');
    is_deeply($answer->{json}, [], 'empty');
    isnt($answer->{headers}{'clusto-next'}, $since, 'but with a new cursor');
    is($answer->{headers}{'clusto-more'}, 'false', 'and no more');
    is($answer->{headers}{'clusto-made'}, $client->get('/changes?since=now')->{headers}{'clusto-made'}, 'made when that point was');
    is($client->metric('waits_timed_out_total'), $out + 1, 'counted');
    my $quiet = $client->get('/changes?since=' . now(), headers => { 'Clusto-Wait' => 1 });
    is($quiet->{headers}{'clusto-made'}, $answer->{headers}{'clusto-made'}, 'also where nothing was made meanwhile');
    is($client->get('/changes?since=' . now(), headers => { 'Clusto-Wait' => $_ })->{status}, 400, "Clusto-Wait: $_ is refused") for '51', '-1', 'x', '';
    is($client->get('/changes?since=' . now(), headers => { 'Clusto-Wait' => 0 })->{status}, 200, '0: at once');
    my $head = begin('/changes?since=' . now(), method => 'HEAD');
    ok(read_until($head, undef, 10), 'HEAD does not wait');
};

subtest 'a client leaves' => sub {
    my $dropped = $client->metric('waits_dropped_total');
    my @all     = map { begin('/changes?since=' . now(), headers => { 'X-Request-Id' => "leaves-$_" }) } 1 .. 5;
    waiting_becomes(5);
    close $all[$_]{socket} for 0 .. 3;
    waiting_becomes(1, 'four have left');
    is($client->metric('waits_dropped_total'), $dropped + 4, 'counted');
    ok($server->wait_log(qr{\[leaves-1\] GET /changes\S+ 499 0}), 'and in the log');
    make();
    is(answer($all[4])->{status}, 200, 'the fifth is woken');
};

subtest 'no more than feed_waiters' => sub {
    my @all = map { begin('/changes?since=' . now()) } 1 .. 50;
    waiting_becomes(50);
    my $answer = $client->get('/changes?since=' . now(), headers => { 'Clusto-Wait' => 30 });
    is($answer->{status}, 429, 'one more is refused');
    like($answer->{headers}{'retry-after'}, qr/^\d+$/, 'for a while');
    is($client->metric('waits_refused_total'), 1, 'counted');
    is($client->get('/changes?since=' . now())->{status}, 200, 'who does not wait is not');
    make();
    is(scalar(grep { answer($_)->{status} == 200 } @all), 50, 'the others are woken');
    waiting_becomes(0, 'there is room again');
};

# --- preferences

subtest 'preferences' => sub {
    my %alice = ('X-User-Id' => 'alice');
    my $path  = '/preferences/?changes&since=' . now();
    my $mine  = begin($path, headers => \%alice);
    my $bobs  = begin($path, headers => { 'X-User-Id' => 'bob' });
    waiting_becomes(2);
    $client->post('/preferences/vim', headers => \%alice, json => { tabs => 4 });
    my $answer = answer($mine);
    is($answer->{json}[0]{container}, 'vim', 'the user is woken');
    is($answer->{body}, $client->get($path, headers => \%alice)->{body}, 'as at once');
    ok(is_waiting($bobs), 'another is not');
    make();
    ok(is_waiting($bobs), 'nor by the inventory');
    $client->delete('/preferences/vim', headers => \%alice);
    $client->post('/preferences/mutt', headers => { 'X-User-Id' => 'bob' }, json => { a => 1 });
    is_deeply([ map { $_->{container} } @{ answer($bobs)->{json} } ], ['mutt'], 'but by his own');
};

# --- streams

sub stream { my ($path, %option) = @_; return begin($path, %option, headers => { Accept => 'text/event-stream', %{ $option{headers} // {} } }) }

# The id of the last event.
sub last_id { return ($_[0]{bytes} =~ /^id: ?(\S+)\r?$/mg)[-1] }

for my $kind ('nginx', 'lighttpd', 'apache', 'haproxy') {
    subtest "a stream through $kind" => sub {
        my $front = Muster::Front->new(server => $server, kind => $kind);
        my $port  = $front->port;
        my $one   = stream('/changes?since=' . now(), port => $port);
        ok(read_until($one, qr/\r\n\r\n/, 5), 'the head comes at once') or return diag $one->{bytes};
        ok(read_until($one, qr/^:\r?\nid: \S/m, 5), 'and the cursor, should there be no event');
        like($one->{bytes}, qr{^Content-Type: text/event-stream}mi, 'as a stream');
        waiting_becomes(1);
        my $first = make();
        ok(read_until($one, qr/"[^"]*$first"/), 'a change comes as it happens');
        my $second = make();
        ok(read_until($one, qr/"[^"]*$second"/), 'another one, too');
        my $id = last_id($one);
        close $one->{socket};
        my $third = make();
        waiting_becomes(0, 'a client that leaves is seen');
        my $two   = stream('/changes', port => $port, headers => { 'Last-Event-ID' => $id });
        ok(read_until($two, qr/"[^"]*$third"/), 'it goes on where it was');
        unlike($two->{bytes}, qr/$second/, 'and not before');
        waiting_becomes(1);
        my $fourth = make();
        ok(read_until($two, qr/"[^"]*$fourth"/), 'and goes on');
        close $two->{socket};
        make();
        waiting_becomes(0);
        $front->stop;
    };
}

subtest 'a comment in a stream' => sub {
    my $stream = stream('/changes?since=' . now() . '&object=nothing');
    waiting_becomes(1);
    ok(read_until($stream, qr/^:\s*\nid: ?\S+\s*\n\s*\n/m, 5), 'at the beginning');
    make();
    my $before = last_id($stream);
    ok(read_until($stream, qr/^:.*^:\s*\n/ms, 25), 'every 15 seconds');
    ok(read_until($stream, qr/^:.*^:\s*\nid: ?\S+\s*\n\s*\n/ms, 5) && last_id($stream) ne ($before // ''), 'with a new cursor');
    close $stream->{socket};
    waiting_becomes(0);
};

# --- what ends

subtest 'a reload' => sub {
    my $since   = now();
    my @all     = map { begin("/changes?since=$since") } 1 .. 10;
    my $stream  = stream("/changes?since=$since");
    waiting_becomes(11);
    my $old   = $server->waiter;
    my $begin = time;
    $server->signal('HUP');
    my @got = map { answer($_) } @all;
    is(scalar(grep { $_->{status} == 200 && $_->{body} =~ /^\[\s*\]/ } @got), 10, 'everybody gets an empty answer');
    ok(read_until($stream, undef), 'a stream ends');
    ok(poll(10 * $SLOW, sub { gone($old) }), 'the old process ends');
    cmp_ok(time - $begin, '<', 4 * $SLOW, 'at once');
    my $waiting = begin("/changes?since=$got[0]{headers}{'clusto-next'}");
    waiting_becomes(1, 'with the new one one can wait');
    isnt($server->waiter, $old, 'another process');
    my $name = make();
    is(objects(answer($waiting)), $name, 'and is woken');
};

subtest 'the waiter is killed' => sub {
    my $since = now();
    my @all   = map { begin("/changes?since=$since") } 1 .. 3;
    waiting_becomes(3);
    my $old = $server->waiter;
    kill 'KILL', $old;
    is(scalar(grep { answer($_)->{status} >= 500 } @all), 3, 'the front server sees a closed connection');
    ok($server->wait_log(qr/waiter $old was killed by signal 9/), 'the log says so');
    my @again = map { begin("/changes?since=$since") } 1 .. 3;
    waiting_becomes(3, 'another one takes its place');
    my $name = make();
    is(scalar(grep { objects(answer($_)) eq $name } @again), 3, 'and they are woken');
};

subtest 'PostgreSQL is started again' => sub {
    my @all = map { begin('/changes?since=' . now()) } 1 .. 3;
    waiting_becomes(3);
    my $short = begin('/changes?since=' . now(), headers => { 'Clusto-Wait' => 3 * $SLOW });
    waiting_becomes(4);
    $postgres->stop('fast');
    my $answer = answer($short);
    is($answer->{status}, 200, 'whose time is up gets an answer meanwhile');
    ok(is_waiting($_), 'the others wait on') for @all;
    $postgres->start;
    ok(poll(20 * $SLOW, sub { $client->get('/by-name/testserver1')->{status} == 200 }), 'it is back');
    my $name = make();
    is(scalar(grep { objects(answer($_)) eq $name } @all), 3, 'and they are woken');
};

subtest 'a front server that keeps connections' => sub {
    my $front = Muster::Front->new(server => $server, keepalive => 8);
    for (1 .. 3) {
        my $waiting = begin('/changes?since=' . now(), port => $front->port);
        waiting_becomes(1);
        my $name = make();
        is(objects(answer($waiting)), $name, 'is woken');
        is($front->client->get('/by-name/testserver1')->{status}, 200, 'and served');
    }
    unlike($front->log, qr/upstream prematurely|unexpected/, 'and nginx sees no error');
    $front->stop;
};

subtest 'without a waiter' => sub {
    my $none  = Muster::Server->new(postgres => $postgres, schema => 0, conf => { workers => 1, feed_waiters => 0 });
    my $front = Muster::Front->new(server => $none);
    my $since = now();
    my $begin = time;
    is($front->client->get("/changes?since=$since", headers => { 'Clusto-Wait' => 30 })->{status}, 200, 'an answer');
    cmp_ok(time - $begin, '<', 10 * $SLOW, 'at once');
    $front->stop;
    $none->stop;
};

subtest 'TERM' => sub {
    my $since  = now();
    my @all    = map { begin("/changes?since=$since") } 1 .. 10;
    my $stream = stream("/changes?since=$since");
    waiting_becomes(11);
    my $begin = time;
    $server->signal('TERM');
    is(scalar(grep { my $a = answer($_); $a->{status} == 200 && $a->{body} =~ /^\[\s*\]/ } @all), 10, 'everybody gets an empty answer');
    ok(read_until($stream, undef), 'a stream ends');
    is($server->process->wait(10 * $SLOW), 0, 'the server ends');
    cmp_ok(time - $begin, '<', 4 * $SLOW, 'at once');
};

$world->front->stop;
$postgres->stop;
done_testing();
