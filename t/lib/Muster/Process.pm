# Muster::Process: starts programs for a test, waits for them within a limit and leaves none running.
package Muster::Process;
use v5.24;
use warnings;
use Carp qw(croak confess);
use Cwd ();
use Errno ();
use Exporter 'import';
use Fcntl ();
use File::Basename ();
use File::Temp ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use POSIX ();
use Socket ();
use Time::HiRes ();

our @EXPORT_OK = qw(build_dir free_port gone http_up poll processor_ms run slurp spew source_dir temp_dir unix_up which);

# Every process and directory of this test, with the pid of the perl that made them: a forked child
# must not clean up what its parent still uses.
my @started;
my $owner = $$;

# A test that is interrupted ends the usual way, so that END runs.
for my $signal (qw(INT TERM HUP)) {
    $SIG{$signal} //= sub { exit 130 };
}
$SIG{PIPE} = 'IGNORE';

# The top of the source tree, and of the build (the tree itself unless MUSTER_BUILD_DIR says).
sub source_dir {
    state $dir = $ENV{MUSTER_SRC_DIR} // Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../../..');
    return $dir;
}

sub build_dir {
    return $ENV{MUSTER_BUILD_DIR} // source_dir();
}

# A directory of our own, short enough for Unix sockets in it (107 bytes), gone at the end unless
# MUSTER_KEEP is set. Others may enter it: PostgreSQL runs as somebody else under root.
sub temp_dir {
    my $base = $ENV{TMPDIR} // '/tmp';
    $base = '/tmp' if length $base > 60;
    my $dir = File::Temp::tempdir('muster-XXXXXXXX', DIR => $base, CLEANUP => !$ENV{MUSTER_KEEP});
    chmod 0755, $dir or croak "$dir: $!";
    return $dir;
}

# The path of a program, also from the places that are not in everybody's PATH; undef: not there.
sub which {
    my ($name) = @_;
    for my $dir (split(/:/, $ENV{PATH} // ''), '/usr/local/sbin', '/usr/sbin', '/sbin') {
        return "$dir/$name" if length $dir && -f "$dir/$name" && -x _;
    }
    return undef;
}

sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or return '';
    local $/ = undef;
    return scalar(<$in>) // '';
}

sub spew {
    my ($path, $text) = @_;
    open my $out, '>:raw', $path or croak "$path: $!";
    print {$out} $text;
    close $out or croak "$path: $!";
    return $path;
}

# Asks `$true->()` until it says yes; the last answer comes back, false after $seconds.
# MUSTER_SLOW stretches every limit (valgrind, sanitizers, a busy machine).
sub poll {
    my ($seconds, $true) = @_;
    my $end  = Time::HiRes::time() + $seconds * ($ENV{MUSTER_SLOW} // 1);
    my $wait = 0.005;
    while (1) {
        my $answer = $true->();
        return $answer if $answer;
        return $answer if Time::HiRes::time() > $end;
        Time::HiRes::sleep($wait);
        $wait *= 1.5 if $wait < 0.1;
    }
}

# A loopback port on which nothing listens at the moment. It is below those that the kernel gives to outgoing
# connections: one of them could have it when a server starts there, or starts again.
sub free_port {
    my ($above) = slurp('/proc/sys/net/ipv4/ip_local_port_range') =~ /^(\d+)/;
    my $ports   = ($above // 0) - 10_000;
    for my $try (1 .. 100) {
        # Not by rand: a seed would give the same to two tests.
        my $port   = $ports > 1000 ? 10_000 + ($$ * 7919 + int(1e6 * Time::HiRes::time())) % $ports : 0;
        my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1, ReuseAddr => 1) or next;
        return $socket->sockport;
    }
    croak "no free port: $@";
}

# Does somebody accept on this port, on this Unix socket?
sub http_up {
    my ($port) = @_;
    return !!IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 5);
}

sub unix_up {
    my ($path) = @_;
    return 0 unless -S $path;
    return !!IO::Socket::UNIX->new(Peer => $path);
}

# Runs a program to its end. Options: stdin => text, env => {}, user => name, timeout => seconds
# (default 60). A hash: status (exit code, or -signal), out, err.
sub run {
    my ($command, %option) = @_;
    my $dir = File::Temp->newdir('muster-run-XXXXXXXX', TMPDIR => 1);
    chmod 0755, "$dir";
    my $process = Muster::Process->start(
        $command, %option,
        out => "$dir/out",
        err => "$dir/err",
        in  => defined $option{stdin} ? spew("$dir/in", $option{stdin}) : '/dev/null',
    );
    my $status = $process->wait($option{timeout} // 60);
    if (!defined $status) {
        $process->stop('KILL');
        croak "@$command: not done after " . ($option{timeout} // 60) . " seconds\n" . slurp("$dir/err");
    }
    return { status => $status, out => slurp("$dir/out"), err => slurp("$dir/err") };
}

# Starts a program: $command is a list. Options: out, err, in (paths; err defaults to out), env =>
# {}, user => name to become (root only), cwd, deathsig (what it gets should this perl die without
# a word, default TERM).
sub start {
    my ($class, $command, %option) = @_;
    my @command  = @$command;
    my $setpriv  = which('setpriv');
    my $deathsig = $option{deathsig} // 'TERM';
    my $user     = $> == 0 ? $option{user} : undef;
    my @become   = defined $user ? (getpwnam $user)[ 2, 3 ] : ();
    croak "no user $user" if defined $user && !@become;
    unshift @command, $setpriv, '--pdeathsig', $deathsig if $setpriv;

    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        eval {
            _redirect($option{in}  // '/dev/null', Fcntl::O_RDONLY(), 0);
            _redirect($option{out} // '/dev/null', _append(), 1);
            _redirect($option{err} // $option{out} // '/dev/null', _append(), 2);
            $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE USR1 USR2 CHLD);
            chdir $option{cwd} or die "$option{cwd}: $!\n" if defined $option{cwd};
            if (@become) {
                $) = "$become[1] $become[1]";
                POSIX::setgid($become[1]) or die "setgid: $!\n";
                POSIX::setuid($become[0]) or die "setuid: $!\n";
            }
            local %ENV = (%ENV, %{ $option{env} // {} });
            delete $ENV{$_} for grep { !defined $ENV{$_} } keys %ENV;
            no warnings 'exec';
            exec { $command[0] } @command or die "$command[0]: $!\n";
        };
        syswrite STDERR, "cannot start: $@";
        POSIX::_exit(127);
    }
    my $self = bless { pid => $pid, owner => $$, name => $command->[0], log => $option{err} // $option{out} }, $class;
    push @started, $self;
    return $self;
}

sub _append { return Fcntl::O_WRONLY() | Fcntl::O_CREAT() | Fcntl::O_APPEND() }

sub _redirect {
    my ($path, $flags, $fd) = @_;
    my $opened = POSIX::open($path, $flags, 0644) // die "$path: $!\n";
    POSIX::dup2($opened, $fd) // die "dup2: $!\n";
    POSIX::close($opened) if $opened > 2;
    return;
}

sub pid { return $_[0]{pid} }

# Waits up to $seconds; the exit code, or -signal, or undef while it still runs.
sub wait {
    my ($self, $seconds) = @_;
    poll($seconds, sub { $self->_reap }) unless defined $self->{status};
    return $self->{status};
}

sub alive {
    my ($self) = @_;
    return !$self->_reap;
}

sub _reap {
    my ($self) = @_;
    return 1 if defined $self->{status};
    my $got = waitpid $self->{pid}, POSIX::WNOHANG();
    return 0 if $got == 0;
    $self->{status} = $got < 0 ? 0 : ($? & 127) ? -($? & 127) : $? >> 8;
    return 1;
}

sub signal {
    my ($self, $signal) = @_;
    return 0 if $self->_reap;
    return kill $signal, $self->{pid};
}

# Sends the signal and waits; after $seconds (default 20) it is killed. The exit status as wait's.
sub stop {
    my ($self, $signal, $seconds) = @_;
    $self->signal($signal // 'TERM');
    return $self->{status} if defined $self->wait($seconds // 20);
    warn "# $self->{name} (pid $self->{pid}) did not end after $signal; killed\n";
    $self->{was_killed} = 1;
    $self->signal('KILL');
    return $self->wait(10);
}

# Pids of the direct children, oldest first.
sub children {
    my ($self) = @_;
    return children_of($self->{pid});
}

sub children_of {
    my ($parent) = @_;
    my @pids;
    opendir my $proc, '/proc' or croak "/proc: $!";
    for my $pid (grep { /^\d+$/ } readdir $proc) {
        my ($state, $ppid) = slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) (\S) (\d+)/s or next;
        push @pids, $pid if $ppid == $parent && $state ne 'Z';
    }
    return sort { $a <=> $b } @pids;
}

# True when none of these processes runs any more; a zombie does not count as running.
sub gone {
    my (@pids) = @_;
    return !grep { (slurp("/proc/$_/stat") =~ /^\d+ \(.*\) (\S)/s ? $1 : 'Z') ne 'Z' } @pids;
}

# Milliseconds of processor time that a process has used.
sub processor_ms {
    my ($pid) = @_;
    my ($user, $system) = (split ' ', slurp("/proc/$pid/stat") =~ s/.*\) //sr)[ 11, 12 ];
    return ($user + $system) * 1000 / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

END {
    if ($$ == $owner) {
        local $?;
        # Last started, first stopped: front servers before programs before databases.
        for my $process (reverse @started) {
            next if $process->{owner} != $$ || !$process->alive;
            $process->stop($process->{end_signal} // 'TERM', $process->{end_seconds} // 10);
        }
    }
}

1;
