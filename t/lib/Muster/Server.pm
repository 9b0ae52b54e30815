# Muster::Server: one muster on one database, from a configuration given as a hash.
package Muster::Server;
use v5.24;
use warnings;
use Carp qw(croak);
use JSON::PP ();
use Muster::Process qw(build_dir poll run slurp spew temp_dir unix_up which);
use Test::More ();

# Options:
#   postgres  the Muster::Postgres; conninfo to use another way to it
#   conf      settings as a hash: numbers, texts, JSON::PP::true/false, lists, groups; \'text' goes
#             in as it stands; undef leaves a default of ours out
#   more      libconfig text for a second file that wins over the first
#   schema    0: don't run --init-db
#   via       'spawn-fcgi': started by it, on an inherited socket; 'front': not started by us at
#             all, a front server does (its command is in $server->command)
#   args      more arguments
#   start     0: don't start yet
#   allow_errors  1: sanitizer reports and a bad exit don't fail the test
sub new {
    my ($class, %option) = @_;
    my $dir  = temp_dir();
    my $via  = $option{via} // '';
    my $self = bless {
        dir     => $dir,
        socket  => "$dir/muster.sock",
        program => program(),
        via     => $via,
        args    => $option{args} // [],
        allow_errors => $option{allow_errors},
    }, $class;
    $self->{conf} = {
        listen        => $via ? 'fd:0' : "unix:$self->{socket}",
        listen_mode   => \'"0666"',
        workers       => 2,
        drain_timeout => 5000 * ($ENV{MUSTER_SLOW} // 1),
        doc_dir       => doc_dir(),
        database      => $option{conninfo} // ($option{postgres} ? $option{postgres}->conninfo : undef),
        %{ $option{conf} // {} },
    };
    $self->write_conf;
    spew("$dir/more.conf", $option{more}) if defined $option{more};
    $self->{more} = defined $option{more};
    $self->init_db if $option{schema} // 1;
    $self->start if ($option{start} // 1) && $via ne "front";
    return $self;
}

sub program {
    my $program = $ENV{MUSTER_PROGRAM} // build_dir() . '/muster';
    croak "$program is not there: build first, or say where in MUSTER_BUILD_DIR" unless -x $program;
    return $program;
}

# Where the documentation is: the build puts the texts and the HTML made of them there, as installed.
sub doc_dir {
    return build_dir() . '/share';
}

# --- the configuration

sub write_conf {
    my ($self, %change) = @_;
    my $conf = $self->{conf} = { %{ $self->{conf} }, %change };
    my $text = join '', map { "$_ = " . _libconfig($conf->{$_}) . ";\n" }
        grep { defined $conf->{$_} } sort keys %$conf;
    my $path = spew("$self->{dir}/muster.conf", $text);
    # As whoever puts a token_key in it has to.
    chmod 0640, $path or croak "$path: $!";
    return $path;
}

sub _libconfig {
    my ($value) = @_;
    return $$value if ref $value eq 'SCALAR';
    return $value ? 'true' : 'false' if JSON::PP::is_bool($value);
    return '( ' . join(', ', map { _libconfig($_) } @$value) . ' )' if ref $value eq 'ARRAY';
    return '{ ' . join(' ', map { "$_ = " . _libconfig($value->{$_}) . ';' } sort keys %$value) . ' }'
        if ref $value eq 'HASH';
    return $value if $value =~ /\A-?\d+\z/;
    return '"' . $value =~ s/(["\\])/\\$1/gr . '"';
}

sub conf_args {
    my ($self) = @_;
    return ('-c', "$self->{dir}/muster.conf", $self->{more} ? ('-c', "$self->{dir}/more.conf") : ());
}

# The whole command line, with the wrapper that MUSTER_WRAPPER names ("valgrind -q ...").
sub command {
    my ($self, @args) = @_;
    return (split(' ', $ENV{MUSTER_WRAPPER} // ''), $self->{program}, $self->conf_args, @args, @{ $self->{args} });
}

# Runs muster to its end with these arguments: status, out, err. Takes run's options.
sub run_program {
    my ($self, $args, %option) = @_;
    return run([ $self->command(@$args) ], cwd => '/', %option);
}

sub init_db {
    my ($self) = @_;
    my $result = $self->run_program(['--init-db']);
    croak "--init-db: $result->{status}\n$result->{out}$result->{err}" if $result->{status} != 0;
    return $result;
}

# One request by --once: env is the CGI environment beyond what is usual, body the standard input.
sub once {
    my ($self, $method, $target, %option) = @_;
    my ($path, $query) = split /\?/, $target, 2;
    my $body = $option{body} // '';
    my %env  = (
        GATEWAY_INTERFACE => 'CGI/1.1',
        REQUEST_METHOD    => $method,
        SCRIPT_NAME       => '',
        PATH_INFO         => $path =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger,
        REQUEST_URI       => $target,
        QUERY_STRING      => $query // '',
        SERVER_PROTOCOL   => 'HTTP/1.1',
        SERVER_NAME       => 'localhost',
        SERVER_PORT       => 80,
        length $body ? (CONTENT_LENGTH => length $body) : (),
        %{ $option{env} // {} },
    );
    return $self->run_program(['--once'], env => \%env, stdin => $body, timeout => $option{timeout} // 60);
}

# --- life

sub start {
    my ($self) = @_;
    unlink $self->{socket} if $self->{via};
    my @command = $self->command('-f');
    if ($self->{via} eq 'spawn-fcgi') {
        my $spawn = which('spawn-fcgi') // croak 'spawn-fcgi is missing (Debian: spawn-fcgi)';
        unshift @command, $spawn, '-n', '-s', $self->{socket}, '-b', 1024, '-M', '0666', '--';
    }
    $self->{log_start} = length slurp("$self->{dir}/log");
    my $process = $self->{process} = Muster::Process->start(
        \@command,
        out => "$self->{dir}/log",
        cwd => '/',
    );
    my $listen = $self->{conf}{listen};
    my $up     = sub {
        return Muster::Process::http_up($1) if $listen =~ /:(\d+)\z/ && $listen !~ /^(unix|fd):/;
        return unix_up($self->{socket});
    };
    poll(30, sub { !$process->alive || $up->() }) && $process->alive
        or croak "muster did not start:\n" . $self->log;
    return $self;
}

sub pid     { return $_[0]{process}->pid }
sub process { return $_[0]{process} }
sub alive   { return $_[0]{process} && $_[0]{process}->alive }
sub socket  { return $_[0]{socket} }
sub dir     { return $_[0]{dir} }
sub signal  { return $_[0]{process}->signal($_[1]) }

# What was written to standard error, or to the log file that the configuration names.
sub log {
    my ($self) = @_;
    my $to = $self->{conf}{log_destination} // 'stderr';
    return slurp("$self->{dir}/log") . ($to =~ m{^/} ? slurp($to) : '');
}

# Waits until the log has this pattern; the match (first group or all), or undef.
sub wait_log {
    my ($self, $pattern, $seconds) = @_;
    my $found;
    poll($seconds // 10, sub { ($found) = $self->log =~ /($pattern)/; defined $found });
    return $found;
}

# The workers' pids; waits until there are `$count` where given.
sub workers {
    my ($self, $count) = @_;
    my @pids;
    poll(15, sub { @pids = grep { !_is_waiter($_) } $self->{process}->children; !defined $count || @pids == $count });
    return @pids;
}

# The pid of the process that holds the connections of waiting clients.
sub waiter {
    my ($self) = @_;
    my $pid;
    poll(15, sub { ($pid) = grep { _is_waiter($_) } $self->{process}->children; $pid });
    return $pid;
}

sub _is_waiter { return slurp("/proc/$_[0]/comm") eq "muster-waiter\n" }

# Memory of a process in KiB: VmHWM (peak resident), VmRSS.
sub memory {
    my ($class_or_self, $pid, $what) = @_;
    $what //= 'VmHWM';
    my ($kib) = slurp("/proc/$pid/status") =~ /^$what:\s+(\d+) kB/m;
    return $kib;
}

# Starts the peak of a process anew (needs the right to write its clear_refs; true if done).
sub reset_peak {
    my ($self, $pid) = @_;
    open my $out, '>', "/proc/$pid/clear_refs" or return 0;
    print {$out} "5\n";
    return close $out;
}

# TERM and wait; the exit status. Fails the test on a bad status or a sanitizer's report.
sub stop {
    my ($self, $signal, $seconds) = @_;
    return unless $self->{process};
    my $status = $self->{process}->stop($signal // 'TERM', $seconds // 20);
    $self->check_end($status) unless ($signal // 'TERM') eq 'KILL';
    return $status;
}

sub restart {
    my ($self) = @_;
    $self->stop;
    return $self->start;
}

sub check_end {
    my ($self, $status) = @_;
    return if $self->{allow_errors} || $self->{checked}++;
    my $log = $self->log;
    my @bad = grep { /Sanitizer|runtime error:|Assertion .* failed|==\d+== (?:Invalid|Conditional|Use of)/ } split /\n/, $log;
    if (@bad || defined $status && $status != 0) {
        Test::More::fail('muster ends well');
        Test::More::diag("exit status $status") if defined $status;
        Test::More::diag(length $log > 6000 ? '...' . substr($log, -6000) : $log);
    }
    return;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@);
    return if !$self->{process} || $self->{process}{owner} != $$;
    $self->stop if $self->{process}->alive;
    return;
}

1;
