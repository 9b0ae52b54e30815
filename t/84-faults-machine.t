# 84-faults-machine.t: the machine gives trouble: workers are killed all the time, descriptors run out, the log
# can't be written, the clock is set back and forth.
use v5.24;
use warnings;
use IO::Socket::UNIX ();
use Muster::Census qw(census same_census);
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Ledger qw(bad_answers check_ledger prepare_ledger tally write_one);
use Muster::Postgres;
use Muster::Process qw(poll processor_ms run slurp spew temp_dir which);
use Muster::Server;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $SLOW     = $ENV{MUSTER_SLOW} // 1;
my $SECONDS  = $ENV{MUSTER_FAST} ? 3 : 6;
my $postgres = Muster::Postgres->new(settings => { synchronous_commit => 'on' });
my @entries;

# The state before the trouble, to be compared with same_census() after it.
sub count_all { my ($server, $front, $workers) = @_; return census(server => $server, postgres => $postgres, front => $front, workers => $workers) }

subtest 'workers are killed every 200 ms under load' => sub {
    my $server = Muster::Server->new(postgres => $postgres, conf => { workers => 3, cache_size => 4, restart_limit => 1000 });
    my $front  = Muster::Front->new(server => $server, workers => 2);
    my $client = $front->client;
    prepare_ledger($client);
    my $before = count_all($server, $front, 3);
    my $kills  = 0;
    my $load   = Muster::Ledger->begin(6, sub { $front->client }, name => 'kill');
    for (my $end = time + $SECONDS; time < $end; sleep 0.2) {
        my @workers = Muster::Process::children_of($server->pid);
        $kills += kill 'KILL', $workers[ rand @workers ] if @workers;
    }
    my @more = $load->end;
    diag "$kills kills: ", join ', ', tally(@more);
    push @entries, @more;
    cmp_ok($kills, '>', 2 * $SECONDS, 'many were killed');
    cmp_ok(scalar(grep { $_->[0] eq 'acknowledged' } @more), '>', $kills, 'more was written');
    cmp_ok(scalar(grep { $_->[0] !~ /acknowledged|read/ || $_->[3] != 200 && $_->[0] eq 'read' } @more), '<=', 16 * $kills, 'a death costs the requests that it had in hand at most');
    is_deeply([ bad_answers(@more) ], [], 'no 500, every 503 says when to come back, no answer is old');
    is_deeply([ check_ledger($postgres, @entries) ], [], 'nothing acknowledged is lost, nothing refused is there, nothing twice');
    is(scalar $server->workers(3), 3, 'there are as many workers as before');
    same_census($before, new_workers => 1);
    $_->stop for $front, $server;
};

subtest 'more deaths than restart_limit' => sub {
    my $server = Muster::Server->new(postgres => $postgres, schema => 0, conf => { workers => 2, restart_limit => 4 });
    my $front  = Muster::Front->new(server => $server);
    my $client = $front->client;
    my $before = count_all($server, $front, 2);
    for (1 .. 15) {
        kill 'KILL', Muster::Process::children_of($server->pid);
        sleep 0.1;
    }
    my $begin  = time;
    my $answer = $client->get('/by-name/ledger1');
    is($answer->{status}, 200, 'a request waits for a new worker');
    cmp_ok(time - $begin, '<', 2 * $SLOW + 1, 'not long');
    like($server->log, qr/died within a minute: new ones are started slowly/, 'the log says so');
    is(scalar $server->workers(2), 2, 'all come back');
    same_census($before, new_workers => 1);
    $_->stop for $front, $server;
};

# Runs the server under limits of its own.
sub limited {
    my ($limits, %option) = @_;
    my $prlimit = which('prlimit') // return;
    local $ENV{MUSTER_WRAPPER} = join ' ', $prlimit, @$limits, '--', $ENV{MUSTER_WRAPPER} // ();
    return Muster::Server->new(postgres => $postgres, schema => 0, %option);
}

for my $descriptors (20, 10) {
    subtest "$descriptors descriptors" => sub {
        my $server = limited(["--nofile=$descriptors"], conf => { workers => 2 }) // plan skip_all => 'prlimit is missing (Debian: util-linux)';
        my $front  = Muster::Front->new(server => $server, workers => 2);
        my $before = count_all($server, $front, 2);
        my $ask    = sub {
            my ($seconds) = @_;
            my $end = time + $seconds;
            my %count;
            for my $got (parallel(32, sub {
                my ($c, %n) = ($front->client);
                while (time < $end) { my $a = $c->get(rand() < 0.8 ? '/by-name/ledger1' : '/entity/basicserver'); $n{ $a->{complete} ? $a->{status} : 0 }++ }
                return \%n;
            })) {
                $count{$_} += $got->{$_} for keys %$got;
            }
            return join ' ', sort keys %count;
        };
        is($ask->(1.5), 200, '32 clients at once: all are answered');
        $postgres->psql("select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like 'muster%'");
        is($ask->(1.5), 200, 'also when the database has to be connected to again');
        is_deeply([ write_one($front->client, 'note', "few$descriptors", 1) ]->[0], 'acknowledged', 'and it is written');
        same_census($before);
        $_->stop for $front, $server;
    };
}

subtest 'too few descriptors to work with' => sub {
    my $server = limited(['--nofile=7'], conf => { workers => 1 }) // plan skip_all => 'prlimit is missing (Debian: util-linux)';
    my $socket = IO::Socket::UNIX->new(Peer => $server->socket);
    ok($server->wait_log(qr/accept: Too many open files/), 'the log says so');
    sleep 2.2;
    my $lines = () = $server->log =~ /Too many open files/g;
    cmp_ok($lines, '<=', 8, 'but not all the time');
    my ($pid) = $server->workers(1);
    cmp_ok(processor_ms($pid), '<', 1000, 'nor is time spent on it');
    is($server->stop, 0, 'it ends well');
};

my @mounts;
END { run([ 'umount', '-l', $_ ]) for @mounts }

subtest 'the log\'s disk is full' => sub {
    my $dir     = temp_dir();
    my $mounted = $> == 0 && run([ 'mount', '-t', 'tmpfs', '-o', 'size=256k,mode=0777', 'none', $dir ])->{status} == 0;
    push @mounts, $dir if $mounted;
    my $log    = "$dir/log";
    # Otherwise there is a device that is always full.
    my $full = spew("$dir/full", qq(#!/bin/sh\nexec "\$@" 2>/dev/full\n));
    chmod 0755, $full;
    local $ENV{MUSTER_WRAPPER} = $mounted ? $ENV{MUSTER_WRAPPER} : join ' ', $full, $ENV{MUSTER_WRAPPER} // ();
    my $server = Muster::Server->new(postgres => $postgres, schema => 0, conf => { workers => 2, $mounted ? (log_destination => $log) : () });
    my $front  = Muster::Front->new(server => $server);
    my $client = $front->client;
    my $before = count_all($server, $front, 2);
    if ($mounted) {
        open my $out, '>', "$dir/filler" or die $!;
        1 while syswrite $out, "\0" x 4096;
        close $out;
    }
    my @status = map { $client->get('/by-name/clustometa')->{status} } 1 .. 200;
    is_deeply([ grep { $_ != 200 } @status ], [], 'every request is answered');
    is([ write_one($client, 'note', 'logless', 1) ]->[0], 'acknowledged', 'and writes are done');
    my ($victim) = $server->workers(2);
    kill 'KILL', $victim;
    is(scalar $server->workers(2), 2, 'workers are replaced');
    is($client->get('/by-name/ledger1')->{status}, 200, 'and work');
    if ($mounted) {
        cmp_ok((-s $log) % 4096, '==', 0, 'the log ended where the disk did');
        unlink "$dir/filler";
        poll(10, sub { $client->get('/by-name/after-it'); slurp($log) =~ /after-it/ });
        $client->get('/by-name/after-it') for 1 .. 20;
        my @lines = grep { /after-it/ } split /\n/, slurp($log);
        # A line that was cut off may stand before one.
        my @bad = grep { !/\d{4}-\d\d-\d\dT[\d:.]+Z \d+ info: \[\S+\] GET/ } @lines;
        cmp_ok(scalar @lines, '>', 20, 'with space again it goes on');
        is_deeply(\@bad, [], 'with whole entries');
    }
    same_census($before, new_workers => 1);
    is($server->stop, 0, 'it ends well');
    $front->stop;
};

subtest 'the log may not grow' => sub {
    my $dir = temp_dir();
    chmod 0777, $dir;
    my $server = limited(['--fsize=8192'], conf => { workers => 2, log_destination => "$dir/log" }) // plan skip_all => 'prlimit is missing (Debian: util-linux)';
    my $front  = Muster::Front->new(server => $server);
    my $before = count_all($server, $front, 2);
    my @status = map { $front->client->get('/by-name/clustometa')->{status} } 1 .. 200;
    is_deeply([ grep { $_ != 200 } @status ], [], 'every request is answered');
    is(-s "$dir/log", 8192, 'the limit was reached');
    same_census($before);
    is($server->stop, 0, 'it ends well');
    $front->stop;
};

# The library that lies about the time of day, and the monotonic clock left alone.
my ($faketime) = grep { -e } map { glob "$_/faketime/libfaketime.so.1" } glob('/usr/lib/*-linux-gnu'), '/usr/lib', '/usr/lib64', '/usr/local/lib';

subtest 'the clock is set back, and forth' => sub {
    plan skip_all => 'libfaketime is missing (Debian: faketime)' unless $faketime;
    plan skip_all => 'not below the sanitizers, which want to be first' if $ENV{MUSTER_SANITIZED} || $ENV{MUSTER_WRAPPER};
    my $clock = temp_dir() . '/clock';
    my $set   = sub { spew("$clock.new", "$_[0]\n"); rename "$clock.new", $clock };
    $set->('+0');
    local %ENV = (
        %ENV, LD_PRELOAD => $faketime, FAKETIME_TIMESTAMP_FILE => $clock, FAKETIME_NO_CACHE => 1,
        FAKETIME_DONT_FAKE_MONOTONIC => 1, DONT_FAKE_MONOTONIC => 1,
    );
    my $server = Muster::Server->new(
        postgres => $postgres, schema => 0,
        conf     => { workers => 2, body_timeout => 500 * $SLOW, lock_timeout => 500 * $SLOW, statement_timeout => 1000 * $SLOW, drain_timeout => 2000 },
    );
    delete @ENV{qw(LD_PRELOAD FAKETIME_TIMESTAMP_FILE)};
    my $front  = Muster::Front->new(server => $server);
    my $client = $front->client;
    my $before = count_all($server, $front, 2);
    my $day    = sub { return POSIX::strftime('%Y-%m-%d', gmtime(time + 86400 * $_[0])) };
    for my $jump ('-3d', '+0', '+5d', '-10d') {
        is($client->get('/by-name/ledger1')->{status}, 200, "before $jump");
        $set->($jump);
        my $mark = 'mark' . $jump =~ s/\W/x/r;
        $client->get("/by-name/$mark");
        like($server->wait_log(qr/\S+ \d+ info: \[\S+\] GET \S*$mark /), qr/^\Q${\ $day->($jump =~ s|d||r)}\E/, "$jump: the server sees it");
        my @slow = grep { $_->{status} != 200 || $_->{seconds} > 2 * $SLOW } map { $client->get('/by-name/clustometa') } 1 .. 20;
        is_deeply(\@slow, [], 'it answers as before');
        my @entry = write_one($client, 'note', "clock$jump", 3);
        push @entries, \@entry;
        is($entry[0], 'acknowledged', 'and writes');
        # A body that does not come.
        my $slow = IO::Socket::UNIX->new(Peer => $server->socket) // die $!;
        my $begin = time;
        syswrite $slow, _half_request();
        my $got = '';
        eval { local $SIG{ALRM} = sub { die "time is up\n" }; alarm 20; 1 while sysread $slow, $got, 4096, length $got; alarm 0; 1 } or diag $@;
        like($got, qr/Status: 408/, 'body_timeout holds');
        cmp_ok(time - $begin, '<', 5 * $SLOW, 'in its time');
        # A lock that somebody holds.
        my ($answer) = parallel(2, sub {
            my ($i) = @_;
            if ($i == 1) { $postgres->psql("begin; select from entities where name = 'ledger4' for update; select pg_sleep(" . 3 * $SLOW . '); rollback', fails => 1); return {} }
            poll(10, sub { $postgres->psql("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") });
            my $a = $client->put('/attribute/ledger4/x', form => { value => 1 });
            $postgres->psql("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'");
            return { map { $_ => $a->{$_} } qw(status seconds) };
        });
        is($answer->{status}, 503, 'lock_timeout holds');
    }
    my ($victim) = $server->workers(2);
    kill 'KILL', $victim;
    is(scalar $server->workers(2), 2, 'a dead worker is replaced');
    same_census($before, new_workers => 1);
    $set->('-20d');
    my $begin = time;
    is($server->stop, 0, 'it ends well');
    cmp_ok(time - $begin, '<', 10 * $SLOW, 'in its time');
    $front->stop;
};

sub _half_request {
    my $record = sub { my ($type, $content) = @_; return pack('CCnnCC', 1, $type, 1, length $content, 0, 0) . $content };
    my %param  = (REQUEST_METHOD => 'POST', PATH_INFO => '/entity/pool', CONTENT_LENGTH => 10);
    return $record->(1, pack('nCx5', 1, 0))
        . $record->(4, join '', map { pack('CC', length $_, length $param{$_}) . $_ . $param{$_} } sort keys %param)
        . $record->(4, '') . $record->(5, 'name=');
}

is_deeply([ check_ledger($postgres, @entries) ], [], 'nothing acknowledged is lost, nothing refused is there, nothing twice');
done_testing;
