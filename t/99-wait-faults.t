# 99-wait-faults.t: clients that wait for changes and misbehave, many that nothing wakes, and what is
# taken away meanwhile: descriptors, the waiter, the database, a role.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select ();
use IO::Socket::INET ();
use JSON::PP ();
use Muster::Fastcgi qw(begin_request connect_to record);
use Muster::Front;
use Muster::Process qw(gone poll processor_ms slurp which);
use Muster::Server;
use Muster::Waiting qw(answer begin_at is_waiting objects read_until waiting_on);
use Muster::World;
use Test::More;
use Time::HiRes qw(sleep time);

my $SLOW     = $ENV{MUSTER_SLOW} // 1;
my $world    = Muster::World->new(conf => { workers => 2, feed_waiters => 200, send_timeout => 60_000 * $SLOW, drain_timeout => 20_000 * $SLOW });
my $server   = $world->server;
my $client   = $world->client;
my $postgres = $world->postgres;

sub begin { my ($path, %option) = @_; return begin_at(delete $option{port} // $world->front->port, $path, %option) }
sub stream { my ($path, %option) = @_; return begin($path, %option, headers => { Accept => 'text/event-stream', %{ $option{headers} // {} } }) }
sub now { return ($_[0] // $client)->get('/changes?since=now')->{headers}{'clusto-next'} }

sub waiting_becomes { my ($n, $name, $c) = @_; return waiting_on($c // $client, $n, $name) }

my $made = 0;

sub make {
    my $name = 'fault' . ++$made;
    is($client->post('/entity/pool', form => { name => $name })->{status}, 201, "$name is created");
    return $name;
}

# One transaction with so many events of about 2 kB each.
sub write_much {
    my ($n) = @_;
    $postgres->psql("begin; with v as (insert into clustoversioning (\"user\", description) values (null, 'much') returning version), e as (select entity_id, row_number() over (order by entity_id) as i from entities where name like 'much%') insert into entity_attrs (entity_id, key, datatype, string_value, version) select e.entity_id, 'much', 'string', repeat('x', 2000), v.version from e, v where i <= $n; commit;");
    return;
}
$client->post('/entity/pool', form => [ map { (name => "much$_") } 1 .. 500 ]);

# --- directly at the socket, where no front server takes what is sent

sub begin_direct {
    my ($query, %header) = @_;
    my $socket = connect_to(delete $header{server} // $server);
    syswrite $socket, begin_request(REQUEST_METHOD => 'GET', SCRIPT_NAME => '', PATH_INFO => '/changes', QUERY_STRING => $query, HTTP_CLUSTO_WAIT => 40, %header) . record(5, '');
    return { socket => $socket, bytes => '' };
}

# Takes all bytes of a response's records from those that were read.
sub content {
    my ($bytes) = @_;
    my ($out, $ended) = ('', 0);
    while (length $bytes >= 8) {
        my (undef, $type, undef, $length, $padding) = unpack 'CCnnC', $bytes;
        last if length $bytes < 8 + $length + $padding;
        $out .= substr $bytes, 8, $length if $type == 6;
        $ended = 1 if $type == 3;
        substr $bytes, 0, 8 + $length + $padding, '';
    }
    return ($out, $ended);
}

subtest 'slow readers of a large response' => sub {
    my $since = now();
    my @slow  = map { begin_direct("since=$since") } 1 .. 30;
    my $quick = begin("/changes?since=$since");
    waiting_becomes(31);
    my $before = $server->memory($server->waiter, 'VmRSS');
    write_much(500);
    my $answer = answer($quick);
    is(scalar @{ $answer->{json} // [] }, 500, 'another one is not held up');
    my $name = make();
    is(objects(answer(begin("/changes?since=$answer->{headers}{'clusto-next'}"))), $name, 'nor the next');
    my $grown = $server->memory($server->waiter, 'VmRSS') - $before;
    note "the waiter has grown by $grown KiB";
    cmp_ok($grown, '<', 16 * 1024, 'they share what they are sent') unless $ENV{MUSTER_SANITIZED};
    my $whole = 0;
    for my $slow (@slow) {
        read_until($slow, undef);
        my ($content, $ended) = content($slow->{bytes});
        $whole++ if $ended && $content =~ s/\A.*?\r\n\r\n//s && $content eq $answer->{body};
    }
    is($whole, 30, 'they get all of it');
    waiting_becomes(0);
};

# Reads a stream, directly, until there are so many events in it; how many there are.
sub read_events {
    my ($stream, $n) = @_;
    my $end   = time + 20 * $SLOW;
    my $count = 0;
    while ($count < $n && time < $end) {
        read_until($stream, undef, 0.3 / $SLOW);    # or what there is
        $count = () = (content($stream->{bytes}))[0] =~ /^id: .*\ndata: /mg;
    }
    return $count;
}

subtest 'a slow reader of a stream' => sub {
    my $since = now();
    my $slow  = begin_direct("since=$since&key=much", HTTP_ACCEPT => 'text/event-stream');
    waiting_becomes(1);
    my $before = $server->memory($server->waiter, 'VmRSS');
    for (1 .. 10) {
        my $quick = begin('/changes?key=much&since=' . now());
        waiting_becomes(2);
        write_much(200);
        is(scalar @{ answer($quick)->{json} // [] }, 200, 'another one is not held up');
    }
    my $grown = $server->memory($server->waiter, 'VmRSS') - $before;
    note "the waiter has grown by $grown KiB";
    cmp_ok($grown, '<', 8 * 1024, 'what it does not take is not kept for it') unless $ENV{MUSTER_SANITIZED};
    is(read_events($slow, 2000), 2000, 'it gets all of it in the end');
    my @seqs = (content($slow->{bytes}))[0] =~ /"seq": (\d+)/g;
    is("@seqs", join(' ', sort { $a <=> $b } @seqs), 'in order');
    close $slow->{socket};
    waiting_becomes(0);
};

subtest 'what was sent is not kept' => sub {
    my $since   = now();
    my @streams = map { begin_direct("since=$since&key=much&key=other$_", HTTP_ACCEPT => 'text/event-stream') } 1 .. 30;
    waiting_becomes(30);
    my $before = $server->memory($server->waiter, 'VmRSS');
    write_much(300);
    is(scalar(grep { read_events($_, 300) == 300 } @streams), 30, 'all get it');
    my $grown;
    ok($ENV{MUSTER_SANITIZED} || poll(10, sub { ($grown = $server->memory($server->waiter, 'VmRSS') - $before) < 8 * 1024 }), 'the waiter has not grown') or diag "$grown KiB";
    close $_->{socket} for @streams;
    waiting_becomes(0);
};

subtest 'half-closed connections' => sub {
    my @all = (map({ begin('/changes?since=' . now()) } 1 .. 3), map({ begin_direct('since=' . now()) } 1 .. 3));
    waiting_becomes(6);
    shutdown $_->{socket}, 1 for @all;
    waiting_becomes(0, 'are over');
    my $waiting = begin('/changes?since=' . now());
    waiting_becomes(1);
    my $name = make();
    is(objects(answer($waiting)), $name, 'others are woken');
};

subtest 'many whom nothing wakes' => sub {
    my $since = now();
    my @all   = map { begin("/changes?since=$since&object=never$_") } 1 .. 150;
    waiting_becomes(150);
    my $used  = processor_ms($server->waiter);
    my $begin = time;
    my $some  = begin("/changes?since=$since&driver=pool");
    waiting_becomes(151);
    for (1 .. 20) { make() if $_ == 20; $client->put('/attribute/much1/colour', form => { value => $_ }) }
    is(answer($some)->{status}, 200, 'one with another filter is woken');
    note sprintf 'the waiter used %d ms in %d ms', processor_ms($server->waiter) - $used, 1000 * (time - $begin);
    waiting_becomes(150, 'they wait on');
    my $last = begin("/changes?since=$since&object=never0", headers => { 'Clusto-Wait' => 1 });
    my $next = answer($last)->{headers}{'clusto-next'};
    isnt($next, $since, 'when the time is up, with a new cursor');
    is($client->get("/changes?since=$next")->{json} && scalar @{ $client->get("/changes?since=$next")->{json} }, 0, 'from where there is nothing');
    close $_->{socket} for @all;
    waiting_becomes(0);
};

subtest 'a cursor far behind' => sub {
    my $since = now();
    make() for 1 .. 15;
    my $begin  = time;
    my $answer = answer(begin("/changes?since=$since&driver=pool"));
    cmp_ok(scalar @{ $answer->{json} }, '>=', 1, 'what there is comes at once');
    cmp_ok(time - $begin, '<', 20 * $SLOW, 'without waiting');
};

subtest 'Clusto-Wait' => sub {
    my $since = now();
    my @twice = ([ 'Clusto-Wait', '2' ], [ 'Clusto-Wait', '3' ]);
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $world->front->port);
    syswrite $socket, "GET /changes?since=$since HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" . join('', map { "$_->[0]: $_->[1]\r\n" } @twice) . "\r\n";
    is(answer({ socket => $socket, bytes => '' })->{status}, 200, 'twice: an answer');
    for my $path ('/by-name/testserver1', '/entity/pool/much1', '/history', '/__version__') {
        my $begin  = time;
        my $answer = answer(begin($path, headers => { Accept => 'text/event-stream' }));
        is($answer->{status}, 200, "$path: an answer");
        unlike($answer->{headers}{'content-type'}, qr/event-stream/, 'no stream');
        cmp_ok(time - $begin, '<', 20 * $SLOW, 'which does not wait');
    }
    is(answer(begin('/by-name/testserver1', headers => { 'Clusto-Wait' => 'x' }))->{status}, 200, 'elsewhere it is ignored');
};

# --- what is taken away

subtest 'PostgreSQL is started again during a stream' => sub {
    my $stream = stream('/changes?driver=pool&since=' . now());
    waiting_becomes(1);
    my $first = make();
    ok(read_until($stream, qr/$first"/), 'before');
    $postgres->stop('immediate');
    $postgres->start;
    ok(poll(20 * $SLOW, sub { $client->get('/by-name/testserver1')->{status} == 200 }), 'it is back');
    my $second = make();
    ok(read_until($stream, qr/$second"/), 'after');
    is(scalar(() = $stream->{bytes} =~ /^data: /mg), 2, 'each once');
    close $stream->{socket};
    waiting_becomes(0);
};

# The waiter is stopped until there is something for all of them.
subtest 'what one client waits for can not be read' => sub {
    my $other = Muster::Server->new(postgres => $postgres, schema => 0, conf => { workers => 1, statement_timeout => 1000 });
    my $front = Muster::Front->new(server => $other);
    my $since = now();
    my %alice = ('X-User-Id' => 'alice');
    my $begin = sub { return begin("$_[0]since=$since", port => $front->port, headers => $_[1]) };
    my @all   = map { $begin->(@$_) } ['/changes?'], [ '/preferences/?changes&', \%alice ], ['/changes?driver=pool&'];
    waiting_becomes(3, undef, $front->client);
    kill 'STOP', $other->waiter;
    is($client->post('/preferences/vim', headers => \%alice, json => { tabs => 4 })->{status}, 204, 'a preference is set');
    my $name    = make();
    my $release = $postgres->hold('lock table muster_preferences in access exclusive mode') // die 'no lock';
    kill 'CONT', $other->waiter;
    is(objects(answer($all[$_])), $name, 'another is woken') for 0, 2;
    ok(is_waiting($all[1]), 'it waits on');
    $release->();
    is(answer($all[1])->{status}, 200, 'and is woken when it can be read');
    $front->stop;
    $other->stop;
};

# Only the query reads rows of entity_attrs, and each takes longer than the waiter has.
subtest 'a query that takes too long' => sub {
    $postgres->psql('create role follower login; grant pg_read_all_data, pg_write_all_data to follower');
    my $other = Muster::Server->new(postgres => $postgres, schema => 0, conninfo => $postgres->conninfo =~ s/user=\w+/user=follower/r, conf => { workers => 1 });
    my $front = Muster::Front->new(server => $other);
    my $since = now();
    my @all   = map { begin("/changes?attrs=false&since=$since$_", port => $front->port) } '', '&q=attr+crew+%3D+web', '&driver=pool';
    waiting_becomes(3, undef, $front->client);
    kill 'STOP', $other->waiter;
    my $name = make();
    is($client->put("/attribute/$name/crew", form => [ value => 'web' ])->{status}, 200, 'with an attribute');
    $postgres->psql("create policy slow on entity_attrs using (pg_sleep(5 + attr_id * 0) is not null); alter table entity_attrs enable row level security");
    kill 'CONT', $other->waiter;
    is(objects(answer($all[$_])), "$name $name", 'another is woken') for 0, 2;
    my $empty = answer($all[1]);
    is_deeply([ @{$empty}{qw(status json)} ], [ 200, [] ], 'it is told to come again');
    is($empty->{headers}{'clusto-next'}, $since, 'from where it was');
    $postgres->psql('alter table entity_attrs disable row level security; drop policy slow on entity_attrs');
    is(objects(answer(begin("/changes?attrs=false&since=$since&q=attr+crew+%3D+web", port => $front->port))), $name, 'and is told what there was');
    $front->stop;
    $other->stop;
};

# Directly: a front server may send the request again.
subtest 'PostgreSQL is gone when a client begins to wait' => sub {
    my $other = Muster::Server->new(postgres => $postgres, schema => 0, conf => { workers => 1, log_level => 'info' });
    my $front = Muster::Front->new(server => $other);
    my $pool  = make();
    my $since = now();
    kill 'STOP', $other->waiter;
    my $waiting = begin_direct("since=$since&pool=$pool", server => $other);
    ok(poll(20 * $SLOW, sub { $front->client->get('/__metrics__')->{body} =~ m{route="GET /changes",status="200"} }), 'the worker has handed it over');
    $postgres->stop('immediate');
    kill 'CONT', $other->waiter;
    read_until($waiting, undef);
    my ($content, $ended) = content($waiting->{bytes});
    like($content, qr/^Status: 503 /m, 'it is told to come again');
    like($content, qr/^Retry-After: \d+\r$/m, 'soon');
    ok($ended, 'by a whole response');
    ok(poll(20 * $SLOW, sub { $other->log =~ m{GET \S+ 503 } }), 'so says the log');
    $postgres->start;
    ok(poll(20 * $SLOW, sub { $client->get('/by-name/testserver1')->{status} == 200 }), 'PostgreSQL is back');
    $front->stop;
    $other->stop;
};

subtest 'a reload while a client takes nothing' => sub {
    my $slow = begin_direct('since=' . now());
    waiting_becomes(1);
    write_much(500);
    ok(poll(20 * $SLOW, sub { IO::Select->new($slow->{socket})->can_read(0) }), 'something was sent');
    my $old = $server->waiter;
    $server->signal('HUP');
    my $is_other = sub { $_[0] != $old && slurp("/proc/$_[0]/comm") eq "muster-waiter\n" };
    ok(poll(20 * $SLOW, sub { grep { $is_other->($_) } $server->process->children }), 'another waiter');
    my $waiting = begin('/changes?since=' . now());
    ok(poll(20 * $SLOW, sub { $client->metric('waiting_clients') >= 1 }), 'with which one can wait');
    my $name = make();
    is(objects(answer($waiting)), $name, 'and is woken');
    read_until($slow, undef);
    my ($content, $ended) = content($slow->{bytes});
    ok($ended, 'the slow one gets its response to the end') or diag length $content;
    ok(poll(20 * $SLOW, sub { gone($old) }), 'then the old waiter ends');
};

# The configuration is read again: returns when no worker is left that has the setting from before.
sub reload {
    my ($feed_waiters) = @_;
    my @old = $server->workers(2);
    $server->write_conf(feed_waiters => $feed_waiters);
    $server->signal('HUP');
    ok(poll(60, sub { gone(@old) }), "feed_waiters is $feed_waiters");
    return;
}

subtest 'a reload that changes feed_waiters' => sub {
    my $since = now();
    my @all   = map { begin("/changes?since=$since") } 1 .. 3;
    waiting_becomes(3);
    my $old = $server->waiter;
    $server->write_conf(feed_waiters => 0);
    $server->signal('HUP');
    is(scalar(grep { answer($_)->{status} == 200 } @all), 3, '0: all get an answer');
    ok(poll(20 * $SLOW, sub { gone($old) }), 'the waiter ends');
    my $begin = time;
    is(answer(begin("/changes?since=$since"))->{status}, 200, 'and nobody waits');
    cmp_ok(time - $begin, '<', 20 * $SLOW, 'any more');
    reload(2);
    ok($server->waiter, '2: there is a waiter');
    my @two;
    ok(poll(20 * $SLOW, sub { @two = map { begin("/changes?since=$since") } 1 .. 2; return poll(5, sub { $client->metric('waiting_clients') == 2 }) }), 'two wait');
    is($client->get("/changes?since=$since", headers => { 'Clusto-Wait' => 5 })->{status}, 429, 'a third does not');
    close $_->{socket} for @two;
    waiting_becomes(0);
};

# Requests come all the time while the last waiter ends: each gets an answer.
subtest 'feed_waiters becomes 0 while clients come' => sub {
    for my $round (1 .. 5) {
        reload(200);
        ok($server->waiter, 'there is a waiter');
        my $since = now();
        my @all   = map { begin("/changes?since=$since") } 1 .. 20;
        $server->write_conf(feed_waiters => 0);
        $server->signal('HUP');
        push @all, map { begin("/changes?since=$since") } 1 .. 40;
        my %count;
        $count{ answer($_, 10)->{status} }++ for @all;
        is_deeply(\%count, { 200 => 60 }, 'all get an answer') or diag explain \%count;
    }
    reload(200);
    ok($server->waiter, 'there is a waiter again');
};

subtest 'a role is taken away during a stream' => sub {
    my %reader = (who => 'anonymous', roles => 'read');
    my $other  = Muster::Server->new(postgres => $postgres, schema => 0, conf => { workers => 1, access => [ \%reader ] });
    my $front  = Muster::Front->new(server => $other);
    my $since  = now();
    my $stream = stream("/changes?since=$since", port => $front->port);
    ok(read_until($stream, qr/\r\n\r\n/), 'a stream');
    $other->write_conf(access => [ { %reader, roles => 'write' } ]);
    $other->signal('HUP');
    ok(read_until($stream, undef), 'it ends with the reload');
    my $status;
    ok(poll(20 * $SLOW, sub { ($status = $front->client->get("/changes?since=$since")->{status}) == 401 }), 'and is refused then') or diag $status;
    $front->stop;
    $other->stop;
};

subtest 'the supervisor is killed' => sub {
    my $other = Muster::Server->new(postgres => $postgres, schema => 0, allow_errors => 1, conf => { workers => 1 });
    my $front = Muster::Front->new(server => $other);
    my $since = now();
    my @all   = map { begin("/changes?since=$since", port => $front->port) } 1 .. 3;
    waiting_becomes(3, undef, $front->client);
    my @pids = ($other->waiter, $other->workers);
    kill 'KILL', $other->pid;
    is(scalar(grep { answer($_)->{status} == 200 } @all), 3, 'all get an answer');
    ok(poll(20 * $SLOW, sub { !grep { !gone($_) } @pids }), 'the waiter ends, and the worker');
    $front->stop;
};

for my $limit ([ 80, 16 ], [ 70, 6 ], [ 60, 0 ]) {
    my ($descriptors, $places) = @$limit;
    subtest "$descriptors descriptors" => sub {
        my $prlimit = which('prlimit') // plan skip_all => 'prlimit is missing (Debian: util-linux)';
        local $ENV{MUSTER_WRAPPER} = join ' ', $prlimit, "--nofile=$descriptors", '--', $ENV{MUSTER_WRAPPER} // ();
        my $few   = Muster::Server->new(postgres => $postgres, schema => 0, conf => { workers => 2 });
        my $front = Muster::Front->new(server => $few);
        my $since = now();
        my @all   = map { begin("/changes?since=$since", port => $front->port) } 1 .. $places;
        waiting_becomes($places, undef, $front->client);
        my $answer = $front->client->get("/changes?since=$since", headers => { 'Clusto-Wait' => 20 });
        is($answer->{status}, 429, 'one more is refused');
        like($few->log, qr/feed_waiters is \d+, but there are descriptors for $places only/, 'the log says why');
        my @at_once = map { begin("/changes?since=$since", port => $front->port) } 1 .. 100;
        is(scalar(grep { $_->{status} !~ /^(?:200|429|503)$/ } map { answer($_) } @at_once), 0, 'also many at once');
        my $used = processor_ms($few->waiter);
        sleep 1;
        cmp_ok(processor_ms($few->waiter) - $used, '<', 300, 'the waiter does not spin');
        my $name = make();
        is(scalar(grep { objects(answer($_)) eq $name } @all), $places, 'the others are woken');
        is($front->client->get('/by-name/testserver1')->{status}, 200, 'and served');
        $front->stop;
        $few->stop;
    };
}

$world->stop;
done_testing();
