# 20-supervisor.t: the processes: workers that die, TERM, HUP, USR1, connections that a front server
# keeps, answers that break off, a database that goes and comes, sockets made and inherited.
use v5.24;
use warnings;
use Fcntl ();
use IO::Socket::UNIX ();
use Muster::Client qw(parallel);
use Muster::Data qw(load_many);
use Muster::Fastcgi qw(begin_request connect_to read_all record);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(gone poll run slurp spew temp_dir unix_up);
use Muster::Server;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $postgres = Muster::Postgres->new;
my $seconds  = $ENV{MUSTER_FAST} ? 2 : 4;

sub server { return Muster::Server->new(postgres => $postgres, @_) }

# $n clients that ask for $what until the time is over, and $meanwhile->(), in a process of its own, is done;
# the statuses with their counts (0: no whole answer).
sub load {
    my ($front, $n, $what, $meanwhile, $for) = @_;
    my $end     = time + ($for // $seconds);
    my $done    = temp_dir() . '/done';
    my @results = parallel($n + 1, sub {
        my ($i) = @_;
        if ($i == $n) {
            $meanwhile->($end) if $meanwhile;
            spew($done, '');
            return {};
        }
        my ($client, %count) = ($front->client);
        while (time < $end || !-e $done) {
            my $answer = $client->request(@$what);
            $count{ $answer->{complete} ? $answer->{status} : 0 }++;
        }
        return \%count;
    });
    my %sum;
    for my $result (@results) {
        die $result->{died} if exists $result->{died};
        $sum{$_} += $result->{$_} for keys %$result;
    }
    return \%sum;
}

sub only_status {
    my ($sum, $status, $name) = @_;
    is(join(' ', sort keys %$sum), $status, $name) or diag explain $sum;
    return;
}

sub workers_of { return Muster::Process::children_of($_[0]) }

my $muster = server(conf => { workers => 3 });
Muster::Data::load_example($postgres);
my $front = Muster::Front->new(server => $muster, workers => 2);

subtest 'a worker that is killed costs its own request at most' => sub {
    my $kills = 0;
    # A list: requests that can share a query of the database would be served several at once.
    my $sum = load($front, 4, [ GET => '/entity/basicserver' ], sub {
        my ($end, %killed) = @_;
        while (time < $end - 0.3 || keys %killed < 2) {
            my @workers = workers_of($muster->pid);
            my $victim = $workers[ rand @workers ];
            $killed{$victim} = kill 'KILL', $victim if $victim;
            # A worker takes its time to start: the next one is killed when requests are answered again.
            poll(10, sub { $front->client->get('/entity/basicserver')->{status} == 200 });
            sleep 0.25;
        }
    });
    my @workers = $muster->workers(3); # the last death is in the log
    $kills = () = $muster->log =~ /was killed by signal 9 \(Killed\)/g;
    cmp_ok($kills, '>', 1, "$kills deaths are in the log, with their reason");
    my $failed = 0;
    $failed += $sum->{$_} for grep { $_ != 200 } keys %$sum;
    cmp_ok($failed, '<=', $kills, "no more failed requests ($failed) than deaths");
    # How many there are in that time depends on the machine.
    cmp_ok($sum->{200}, '>', $kills, 'the others were answered');
    is(scalar @workers, 3, 'there are as many workers as before');
};

subtest 'HUP: a new configuration without a lost request' => sub {
    my @before = $muster->workers(3);
    my $sum    = load($front, 4, [ POST => '/driverlist' ], sub {
        my ($end) = @_;
        while (time < $end - 0.5) {
            kill 'HUP', $muster->pid;
            sleep 0.3;
        }
    });
    only_status($sum, 405, 'every request was answered');
    ok(poll(10, sub { gone(@before) }), 'the old workers are gone');
    $muster->write_conf(response_headers => ['X-New: 1'], workers => 2);
    $muster->signal('HUP');
    ok(poll(10, sub { ($front->client->get('/__version__')->{headers}{'x-new'} // '') eq '1' }), 'a new setting is in force');
    is(scalar $muster->workers(2), 2, 'and another number of workers');
    $muster->write_conf(nonsense => 1, listen_backlog => 5);
    $muster->signal('HUP');
    ok($muster->wait_log(qr/muster\.conf:\d+: setting "nonsense": unknown/), 'a bad file: its errors are in the log');
    ok($muster->wait_log(qr/the configuration stays as it was/), 'and that nothing changes');
    is($front->client->get('/__version__')->{headers}{'x-new'}, 1, 'nor does it');
    $muster->write_conf(nonsense => undef);
    $muster->signal('HUP');
    ok($muster->wait_log(qr/setting "listen_backlog" takes effect with a restart/), 'what HUP can not change is said');
};

subtest 'what is wrong with the role is said once' => sub {
    my $other     = server(conninfo => $postgres->conninfo . ' application_name=other', conf => { workers => 3 });
    my $connected = sub { $postgres->psql("select coalesce(string_agg(pid::text, ' ' order by pid), '') from pg_stat_activity where application_name = 'other'") =~ s/\s+\z//r };
    my $warnings  = sub { scalar(() = $other->log =~ /the role "postgres" is a superuser/g) };
    ok(poll(10, sub { (() = $connected->() =~ /\d+/g) == 3 }), 'three workers are connected');
    ok(poll(10, sub { $warnings->() > 0 }), 'a warning');
    is($warnings->(), 1, 'one');
    my $before = $connected->();
    kill 'KILL', ($other->workers)[0];
    ok(poll(10, sub { $connected->() ne $before && (() = $connected->() =~ /\d+/g) == 3 }), 'another worker is connected');
    is($warnings->(), 1, 'which does not repeat it');
    my %old = map { $_ => 1 } split ' ', $connected->();
    $other->signal('HUP');
    ok(poll(10, sub { my @now = split ' ', $connected->(); @now == 3 && !grep { $old{$_} } @now }), 'reloaded');
    ok(poll(10, sub { $warnings->() > 1 }), 'a warning again');
    is($warnings->(), 2, 'one more');
    $other->stop;
};

subtest 'connections that the front server keeps open block no one' => sub {
    my $keeping = Muster::Front->new(server => $muster, workers => 2, keepalive => 32);
    for my $what ([ GET => '/__version__', 200 ], [ POST => '/driverlist', 405 ]) {
        my $status = pop @$what;
        my $sum    = load($keeping, 16, $what, undef, 2);
        only_status($sum, $status, "two workers, sixteen clients: $what->[0]");
    }
    my $slowest = (sort { $b <=> $a } map { $keeping->client->get('/__version__')->{seconds} } 1 .. 50)[0];
    cmp_ok($slowest, '<', 2 * ($ENV{MUSTER_SLOW} // 1), 'no request waits for a kept connection to time out');
    unlike($keeping->log, qr/upstream prematurely|Connection reset/, 'and nginx sees no error');
    $keeping->stop;
};

subtest 'a slow client holds a worker for at most body_timeout' => sub {
    my $one  = server(conf => { workers => 1, body_timeout => 400 }, schema => 0);
    my $idle = connect_to($one);
    my $t    = time;
    my $next = connect_to($one);
    my $ask  = begin_request(REQUEST_METHOD => 'GET', PATH_INFO => '/__version__') . record(5, '');
    syswrite $next, $ask;
    like(read_all($next, 10), qr/Status: 200 .*"\d+\.\d+/s, 'a connection that says nothing');
    cmp_ok(time - $t, '<', 5 * ($ENV{MUSTER_SLOW} // 1), 'is closed');
    is(read_all($idle, 5), '', 'without a word');
    my $slow = connect_to($one);
    syswrite $slow, begin_request(REQUEST_METHOD => 'POST', PATH_INFO => '/entity/pool', CONTENT_LENGTH => 10) . record(5, 'name=');
    like(read_all($slow, 10), qr/Status: 408 /, 'a body that does not come');
    $next = connect_to($one);
    syswrite $next, substr $ask, 0, 20;
    my $last = connect_to($one);
    syswrite $last, $ask;
    like(read_all($last, 10), qr/Status: 200 /, 'half a request');
    $one->stop;
};

subtest 'TERM: requests in flight finish' => sub {
    my $own  = server(conf => { workers => 2, drain_timeout => 8000 }, schema => 0);
    my $door = Muster::Front->new(server => $own, workers => 1);
    my @got  = parallel(4, sub {
        my ($i) = @_;
        if ($i == 3) {    # holds the table, so that the others wait in the database
            $postgres->psql('begin; lock table entities; select pg_sleep(1.5); commit;');
            return { status => 200 };
        }
        sleep 0.5;
        if ($i == 2) {
            sleep 0.4;
            kill 'TERM', $own->pid;
            return { status => 200 };
        }
        return $door->client->get('/by-name/testserver1');
    });
    is_deeply([ map { $_->{status} } @got ], [ 200, 200, 200, 200 ], 'and are answered');
    is($own->process->wait(10), 0, 'the server ends with status 0');
    ok(!-e $own->socket, 'and removes its socket');
    like($own->log, qr/ending on TERM.*: ended/s, 'the log says so');
};

subtest 'TERM: but not forever' => sub {
    my $own  = server(conf => { workers => 1, drain_timeout => 700, statement_timeout => 0, lock_timeout => 0 }, schema => 0);
    my $door = Muster::Front->new(server => $own, workers => 1);
    my ($status) = parallel(3, sub {
        my ($i) = @_;
        if ($i == 2) {
            $postgres->psql('begin; lock table entities; select pg_sleep(4); commit;');
            return;
        }
        sleep 0.4;
        return $door->client->get('/by-name/testserver1')->{status} if $i == 1;
        sleep 0.6;
        kill 'TERM', $own->pid;
        my $t = time;
        poll(10, sub { !unix_up($own->socket) && gone(workers_of($own->pid)) });
        return time - $t;
    });
    cmp_ok($status, '<', 3 * ($ENV{MUSTER_SLOW} // 1), 'drain_timeout bounds it');
    is($own->process->wait(10), 0, 'the server ends with status 0');
    like($own->log, qr/did not end within drain_timeout/, 'and the log says who did not');
};

subtest 'the supervisor dies: its workers end' => sub {
    my $own     = server(conf => { workers => 2 }, schema => 0, allow_errors => 1);
    my @workers = $own->workers(2);
    $own->signal('KILL');
    ok(poll(10, sub { gone(@workers) }), 'no process is left');
    ok(-S $own->socket, 'its socket is');
    $own->start;
    is(scalar $own->workers(2), 2, 'a new one takes the place of a dead socket');
    my $second = run([ $own->command('-f') ], timeout => 10);
    is($second->{status}, 1, 'but not of a living one');
    like($second->{err}, qr/another server is listening on /, 'and says why');
    $own->stop;
    spew($own->socket, 'something');
    my $file = run([ $own->command('-f') ], timeout => 10);
    is($file->{status}, 1, 'nor of a file');
    like($file->{err}, qr/is there and is no socket/, 'and says why');
    is(slurp($own->socket), 'something', 'which stays');
};

subtest 'USR1 opens the log again' => sub {
    my $dir = temp_dir();
    chmod 0777, $dir;
    my $own  = server(conf => { workers => 1, log_destination => "$dir/muster.log" }, schema => 0);
    my $door = Muster::Front->new(server => $own);
    $door->client->get('/__version__');
    like(slurp("$dir/muster.log"), qr{GET /__version__ 200 \d+ \d+\.\d+ -}, 'one line a request');
    rename "$dir/muster.log", "$dir/muster.log.1";
    $own->signal('USR1');
    ok(poll(10, sub { $door->client->get('/__meta__'); slurp("$dir/muster.log") =~ m{GET /__meta__ 200} }), 'the new file is written to');
    my $old = slurp("$dir/muster.log.1");
    $door->client->get('/driverlist');
    like(slurp("$dir/muster.log"), qr{GET /driverlist 200}, 'all that follows is there');
    is(slurp("$dir/muster.log.1"), $old, 'and nothing in the old one');
    $own->stop;
};

subtest 'max_requests' => sub {
    my $own  = server(conf => { workers => 1, max_requests => 5 }, schema => 0);
    my $door = Muster::Front->new(server => $own);
    my ($first) = $own->workers(1);
    my @status = map { $door->client->get('/__version__')->{status} } 1 .. 12;
    is_deeply([ grep { $_ != 200 } @status ], [], 'every request is answered');
    isnt(($own->workers(1))[0], $first, 'by one worker after the other');
    unlike($own->log, qr/error:/, 'which is no error');
    $own->stop;
};

subtest 'a request id' => sub {
    my $client = $front->client;
    $client->get('/__version__', headers => { 'X-Request-Id' => 'abc-1.2_Z' });
    ok($muster->wait_log(qr{\[abc-1\.2_Z\] GET /__version__ 200}), 'the given one is in the log');
    $client->get('/by-name/forged', headers => { 'X-Request-Id' => 'a b] GET /' });
    like($muster->wait_log(qr{\[[^\]]*\] GET /by-name/forged}), qr/^\[[0-9a-f]{8}-[0-9a-f]+\] /, 'one that is not well-formed is replaced by one of ours');
    my $naming = Muster::Front->new(server => $muster, edit => sub { $_[0] =~ s/#(?=fastcgi_param REQUEST_ID )//r });
    $naming->client->get('/by-name/named', headers => { 'X-Request-Id' => 'a b] GET /' });
    like($muster->wait_log(qr{\[[^\]]*\] GET /by-name/named}), qr/^\[[0-9a-f]{32}\] /, "or by nginx's, where the sample's line is in force");
    $naming->stop;
    my $direct = connect_to($muster);
    syswrite $direct, begin_request(REQUEST_METHOD => 'GET', PATH_INFO => '/by-name/direct', REQUEST_ID => '../x') . record(5, '');
    read_all($direct, 10);
    like($muster->wait_log(qr{\[[^\]]*\] GET /by-name/direct}), qr/^\[[0-9a-f]{8}-[0-9a-f]+\] /, 'one of the front server is looked at as well');
};

subtest 'an answer that breaks off is seen to' => sub {
    load_many($postgres, count => 20000, attrs => 3);
    for my $kind ('nginx', 'lighttpd') {
        my $door = Muster::Front->new(server => $muster, kind => $kind);
        my @list = ('/entity/basicserver', headers => { 'Clusto-Mode' => 'expanded' });
        my $client = $door->client(decode => 0);
        my $whole = $client->get(@list);
        is(() = $whole->{body} =~ /"name":/g, 20_002, "$kind: the whole list arrives");
        ok($whole->{complete} && $whole->{body} =~ /\]\z/, 'to its end');
        for my $how ('the worker is killed', 'the database connection is lost') {
            my ($answer) = parallel(2, sub {
                my ($i) = @_;
                if ($i == 0) {
                    my $got = $client->get(@list);
                    return { map { $_ => $got->{$_} } qw(status complete) };
                }
                my $waiting = time + 10;
                until (time > $waiting) {
                    my $busy = $postgres->psql("select max(pid) from pg_stat_activity where state <> 'idle' and pid <> pg_backend_pid() and backend_type = 'client backend'");
                    next unless $busy;
                    if ($how =~ /worker/) { kill 'KILL', workers_of($muster->pid) }
                    else { $postgres->psql("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'") }
                    last;
                }
                return {};
            });
            ok(!$answer->{complete} || $answer->{status} >= 500, "$kind: $how: the client knows")
                or diag explain $answer;
            $muster->workers(2);
        }
        $door->stop;
    }
};

subtest 'the database goes and comes' => sub {
    # A connection that was ended while it was made was a failed attempt, which is followed by a pause.
    ok(poll(10, sub { $front->client->get('/by-name/testserver1')->{status} == 200 }), 'connected');
    my $sum = load($front, 4, [ GET => '/by-name/testserver1' ], undef, 1);
    only_status($sum, 200, 'while it is there: 200');
    $postgres->stop('fast');
    $sum = load($front, 4, [ GET => '/by-name/testserver1' ], undef, 1);
    only_status($sum, 503, 'while it is unreachable: 503');
    my $answer = $front->client->get('/by-name/testserver1');
    like($answer->{headers}{'retry-after'}, qr/^\d+$/, 'with Retry-After');
    is($front->client->get('/__version__')->{status}, 200, 'what needs no database is answered');
    my $late = server(conf => { workers => 1 }, schema => 0);
    my $door = Muster::Front->new(server => $late);
    is($door->client->get('/by-name/testserver1')->{status}, 503, 'a server that starts without it answers');
    $postgres->start;
    # Within the pause between two attempts, which is a second at most.
    ok(poll(10, sub { $front->client->get('/by-name/testserver1')->{status} == 200 }), 'back: requests are answered');
    ok(poll(10, sub { $door->client->get('/by-name/testserver1')->{status} == 200 }), 'also by the one that started without it');
    $postgres->restart('immediate');
    $sum = load($front, 4, [ GET => '/by-name/testserver1' ], undef, 1);
    only_status($sum, 200, 'lost and back between two requests: no client notices');
    $late->stop;
};

subtest 'sockets that are inherited' => sub {
    for my $how ('fd:0', 'systemd') {
        my $own  = server(conf => { listen => $how, workers => 1 }, schema => 0, start => 0);
        my $none = run([ $own->command('-f') ], timeout => 10);
        is($none->{status}, 1, "$how: without one nothing starts");
        like($none->{err}, qr/no listening socket was passed/, 'and the log says why');
        my $listen = IO::Socket::UNIX->new(Local => $own->socket, Listen => 16) // die "$!";
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            my $fd = $how eq 'systemd' ? 3 : 0;
            fcntl $listen, Fcntl::F_SETFD(), 0; # not closed by exec
            POSIX::dup2(fileno($listen), $fd) if fileno($listen) != $fd;
            %ENV = (%ENV, LISTEN_PID => $$, LISTEN_FDS => 1) if $how eq 'systemd';
            open STDERR, '>>', $own->dir . '/log';
            # No -f: with an inherited socket it stays where it is.
            exec $own->command or POSIX::_exit(127);
        }
        close $listen;
        my $next = connect_to($own);
        syswrite $next, begin_request(REQUEST_METHOD => 'GET', PATH_INFO => '/__version__') . record(5, '');
        like(read_all($next, 10), qr/Status: 200 /, "$how: answered");
        kill 'TERM', $pid;
        waitpid $pid, 0;
        is($?, 0, 'ends well');
        ok(-S $own->socket, 'and leaves the socket to its owner');
    }
};

subtest 'a daemon' => sub {
    my $dir = temp_dir();
    my $own = server(conf => { workers => 1, pid_file => "$dir/pid", log_destination => "$dir/log" }, schema => 0, start => 0);
    my $started = run([ $own->command ], timeout => 20);
    is($started->{status}, 0, 'the start returns');
    ok(unix_up($own->socket), 'when it listens');
    my ($pid) = slurp("$dir/pid") =~ /^(\d+)\n$/;
    ok($pid && kill(0, $pid), 'its process id is in the file');
    my $second = run([ $own->command ], timeout => 20);
    is($second->{status}, 1, 'a second one does not start');
    like($second->{err}, qr/belongs to a server that is running/, 'and says why');
    kill 'TERM', $pid;
    ok(poll(10, sub { gone($pid) }), 'TERM ends it');
    ok(!-e "$dir/pid" && !-e $own->socket, 'and its files');
    $own->write_conf(log_destination => "$dir/no/such/directory");
    my $bad = run([ $own->command ], timeout => 20);
    is($bad->{status}, 1, 'a start that fails returns 1');
    like($bad->{err}, qr/No such file/, 'and says why');
    ok(!-e $own->socket, 'nothing is left');
};

subtest 'options' => sub {
    my $own = server(schema => 0, start => 0);
    is($own->run_program(['-t'])->{status}, 0, '-t: fine');
    $own->write_conf(workers => 'many');
    my $bad = $own->run_program(['-t']);
    is($bad->{status}, 1, '-t: not fine');
    like($bad->{err}, qr{/muster\.conf:\d+: setting "workers": must be an integer}, 'with file and line');
    for my $case (
        [ statement_timeout => 4294967297, 'must be from 0 to 3600000, not 4294967297' ],
        [ database => 'foo bar baz', 'missing "="' ], [ listen => '::1:9000', 'must be in brackets' ],
        [ user => 'no-such-user', 'there is no user' ], [ doc_dir => '/nonexistent/texts', 'is not a directory' ],
    ) {
        my ($name, $value, $why) = @$case;
        my $wrong = server(schema => 0, start => 0);
        $wrong->write_conf($name => $value);
        $bad = $wrong->run_program(['-t']);
        is($bad->{status}, 1, "-t: $name = $value");
        like($bad->{err}, qr{/muster\.conf:\d+: setting "$name": .*\Q$why\E}, '  with file and line');
    }
    like($own->run_program(['-V'])->{out}, qr/^muster \d+\.\d+/, '-V');
    like($own->run_program(['--help'])->{out}, qr/^usage: /, '--help');
    is($own->run_program(['--nonsense'])->{status}, 2, 'an unknown option');
};

$front->stop;
is($muster->stop, 0, 'the server ends well after all this');
done_testing();
