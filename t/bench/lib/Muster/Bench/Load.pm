# Muster::Bench::Load: puts load on something for a while and tells how fast it was, and who used the
# processors meanwhile.
package Muster::Bench::Load;
use v5.24;
use warnings;
use Carp qw(croak);
use Exporter 'import';
use JSON::PP ();
use Muster::Process qw(run slurp spew temp_dir which);
use POSIX ();

our @EXPORT_OK = qw(cpu_of machine pgbench wrk);

my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());

# --- processor time

# Seconds that the processes of each group, all that descends from them, and children that ended have
# used: { name => seconds } of { name => [pids] }.
sub cpu_of {
    my ($groups) = @_;
    my (%stat, %below);
    opendir my $proc, '/proc' or croak "/proc: $!";
    for my $pid (grep { /^\d+$/ } readdir $proc) {
        my @stat = slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) \S (\d+) (?:\S+ ){9}(\d+) (\d+) (\d+) (\d+) \S+ \S+ (\d+) /s or next;
        $stat{$pid} = \@stat;
        push @{ $below{ $stat[0] } }, $pid;
    }
    my %seconds;
    for my $group (keys %$groups) {
        $seconds{$group} = 0;
        my @todo = @{ $groups->{$group} };
        while (defined(my $pid = shift @todo)) {
            $seconds{$group} += _seconds($pid, @{ $stat{$pid} }) if $stat{$pid};
            push @todo, @{ $below{$pid} // [] };
        }
    }
    return \%seconds;
}

# Ticks are of ten milliseconds; of a process with one thread the kernel may know nanoseconds.
sub _seconds {
    my ($pid, undef, $user, $system, $child_user, $child_system, $threads) = @_;
    my ($nanoseconds) = $threads == 1 ? slurp("/proc/$pid/schedstat") =~ /^([1-9]\d*) / : undef;
    my $own = defined $nanoseconds ? $nanoseconds / 1e9 : ($user + $system) / $ticks;
    return $own + ($child_user + $child_system) / $ticks;
}

# Seconds that the processors of the machine were busy, and that they could have been.
sub machine {
    my ($user, $nice, $system, $idle, $wait, @other) = slurp('/proc/stat') =~ /^cpu +(.*)/m ? split(' ', $1) : (0) x 8;
    my $busy = $user + $nice + $system + ($other[0] // 0) + ($other[1] // 0) + ($other[2] // 0);
    return ($busy / $ticks, ($busy + $idle + $wait) / $ticks);
}

# --- load

# Around the script: wrk ends when all requests have their responses, as those that it leaves behind cost
# the program more than others. What it found is printed as JSON.
my $begin = <<'LUA';
local ffi = require('ffi')
ffi.cdef [[
    struct moment { long seconds, nanoseconds; };
    int clock_gettime(int, struct moment *);
    int getpid(void);
    int kill(int, int);
]]
local moment, idle = ffi.new('struct moment'), 0
function delay()
    ffi.C.clock_gettime(1, moment)
    local now = tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
    started = started or now
    if now < started + SECONDS then return 0 end
    idle = idle + 1
    if idle == CLIENTS then
        lasted = now - started
        ffi.C.kill(ffi.C.getpid(), 2)
        wrk.thread:stop()
    end
    return 3600000
end
function setup(thread) the_thread = thread end
LUA

my $done = <<'LUA';
function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format('\nRESULT {"requests": %d, "seconds": %f, "bytes": %d, "p50": %.0f, "p99": %.0f, ' ..
        '"not_2xx": %d, "broken": %d}\n', summary.requests, the_thread:get('lasted'), summary.bytes,
        latency:percentile(50), latency:percentile(99), e.status, e.connect + e.read + e.write + e.timeout))
end
LUA

# Options: url (of the server), lua (statements that end in `request = function() ... end`), clients,
# seconds, seed. Returns rate (per second), count, size, p50 and p99 (ms), errors.
sub wrk {
    my (%option) = @_;
    state $dir = temp_dir();
    my $head   = $begin =~ s/SECONDS/$option{seconds}/r =~ s/CLIENTS/$option{clients}/r;
    my $script = spew("$dir/script.lua", "math.randomseed($option{seed})\n$head$option{lua}\n$done");
    my $result = run(
        [
            which('wrk') // croak('wrk is missing (Debian: wrk)'), '-t1', "-c$option{clients}",
            '-d1h', '--timeout', '30s', '--latency', '-s', $script, $option{url},
        ],
        timeout => $option{seconds} + 60,
    );
    my ($json) = $result->{out} =~ /^RESULT (.*)/m or croak "wrk: $result->{out}$result->{err}";
    my $got = JSON::PP::decode_json($json);
    return {
        rate   => $got->{requests} / $got->{seconds},
        count  => $got->{requests},
        size   => $got->{requests} ? $got->{bytes} / $got->{requests} : 0,
        p50    => $got->{p50} / 1000,
        p99    => $got->{p99} / 1000,
        errors => $got->{not_2xx} + $got->{broken},
    };
}

# Options: postgres, database, sql (a pgbench script), variables {}, clients, seconds (rounded up),
# session (settings as libpq's PGOPTIONS), seed.
sub pgbench {
    my (%option) = @_;
    state $dir = temp_dir();
    my $postgres = $option{postgres};
    my $script   = spew("$dir/script.sql", $option{sql});
    my $vars     = $option{variables} // {};
    my $result   = run(
        [
            "$postgres->{bin}/pgbench", '-n', '-M', 'prepared', '-f', $script, '-c', $option{clients}, '-j', 1,
            '-T', POSIX::ceil($option{seconds}), "--random-seed=$option{seed}", '-h', $postgres->socket_dir, '-U', 'postgres',
            (map { ('-D', "$_=$vars->{$_}") } sort keys %$vars), $option{database},
        ],
        env     => { PGOPTIONS => $option{session} },
        timeout => $option{seconds} + 60,
    );
    my ($rate)  = $result->{out} =~ /^tps = ([\d.]+) \(without/m or croak "pgbench: $result->{out}$result->{err}$option{sql}";
    my ($count) = $result->{out} =~ /actually processed: (\d+)/;
    my ($mean)  = $result->{out} =~ /^latency average = ([\d.]+)/m;
    my ($bad)   = $result->{out} =~ /failed transactions: (\d+)/;
    $bad += () = $result->{err} =~ /aborted/g;
    return { rate => 0 + $rate, count => 0 + $count, mean => 0 + $mean, errors => $bad // 0 };
}

1;
