# Muster::Proxy: stands between a program and PostgreSQL on a Unix socket, knows where messages begin and
# end, and lets things go wrong at exactly the place that a test wants.
package Muster::Proxy;
use v5.24;
use warnings;
use Carp qw(croak);
use IO::Select ();
use IO::Socket::UNIX ();
use JSON::PP ();
use Muster::Process qw(poll temp_dir unix_up);
use Scalar::Util qw(refaddr);
use Time::HiRes qw(time);

# --- the test's side

# Options: to => a Muster::Postgres.
sub new {
    my ($class, %option) = @_;
    my $self = bless { postgres => $option{to}, dir => temp_dir() }, $class;
    my $lib  = $INC{'Muster/Proxy.pm'} =~ s{/Muster/Proxy\.pm\z}{}r;
    $self->{process} = Muster::Process->start(
        [ $^X, "-I$lib", '-MMuster::Proxy', '-e', 'Muster::Proxy::serve(@ARGV)', $self->{dir}, $option{to}->socket_dir . '/.s.PGSQL.5432' ],
        out => "$self->{dir}/log",
        cwd => '/',
    );
    poll(20, sub { unix_up("$self->{dir}/control") }) or croak 'the proxy does not start: ' . Muster::Process::slurp("$self->{dir}/log");
    return $self;
}

# What libpq is told to come this way.
sub conninfo {
    my ($self, $database) = @_;
    return sprintf 'host=%s dbname=%s user=postgres', $self->{dir}, $database // $self->{postgres}{database};
}

sub _tell {
    my ($self, %what) = @_;
    my $control = IO::Socket::UNIX->new(Peer => "$self->{dir}/control") or croak "proxy: $!";
    print {$control} JSON::PP::encode_json(\%what), "\n";
    $control->flush;
    my $answer = <$control> // croak 'proxy: no answer';
    return JSON::PP::decode_json($answer);
}

# pass: as if it were not there. stall: nothing is passed on, new connections are taken in and left
# alone; pass goes on with everything. refuse: closes new connections.
sub pass   { return $_[0]->_tell(mode => 'pass') }
sub stall  { return $_[0]->_tell(mode => 'stall') }
sub refuse { return $_[0]->_tell(mode => 'refuse') }

# Requests to cancel wait here (1), or go on (0).
sub hold_cancels { return $_[0]->_tell(hold_cancels => $_[1]) }

# New connections go to another Muster::Postgres, as when an address moves.
sub move { return $_[0]->_tell(to => $_[1]->socket_dir . '/.s.PGSQL.5432') }

# Breaks off all connections.
sub cut { return $_[0]->_tell(cut => 1) }

# The next time (or `times`) that the prepared statement whose name matches `statement` comes by:
#   when  'before': it is not passed on; 'sent': it is, with all up to the sync, but its answer is not
#         waited for; 'answered': the server has done it and says so, and that is not passed on
#   then  'cut' (default) breaks the connection off; 'stall' leaves it as it is, silent
#   bytes (when answered) so many bytes of the answer are passed on
#   after so many such statements pass first
sub on {
    my ($self, $statement, %rule) = @_;
    return $self->_tell(rule => { when => 'answered', then => 'cut', times => 1, bytes => 0, after => 0, statement => $statement, %rule });
}

# Runs this SQL in every session, between two transactions, as a pooler might.
sub inject { return $_[0]->_tell(inject => $_[1]) }

# Counts: connections now, fired (rules), cancels (requests to cancel), taken (connections ever).
sub state { return $_[0]->_tell }
sub fired { return $_[0]->_tell->{fired} }

sub stop { return $_[0]{process}->stop }

# --- the proxy

sub serve {
    my ($dir, $to) = @_;
    my %p = (
        to => $to, mode => 'pass', rules => [], fired => 0, cancels => 0, taken => 0, pairs => {}, by_fd => {},
        controls => {}, read => IO::Select->new,
    );
    $p{listen}  = IO::Socket::UNIX->new(Local => "$dir/.s.PGSQL.5432", Listen => 256) // die "listen: $!\n";
    $p{control} = IO::Socket::UNIX->new(Local => "$dir/control",       Listen => 16)  // die "listen: $!\n";
    chmod 0777, "$dir/.s.PGSQL.5432";
    $p{read}->add($p{listen}, $p{control});
    while (1) {
        my $write = IO::Select->new(map { my $pair = $_; map { length $pair->{out}{$_} ? $pair->{$_} : () } qw(client server) } values %{ $p{pairs} });
        my ($readable, $writable) = IO::Select->select($p{read}, $write->count ? $write : undef, undef, 10);
        for my $socket (@{ $writable // [] }) {
            my $pair = $p{by_fd}{ fileno($socket) // -1 } or next;
            _write(\%p, $pair, $socket == $pair->{client} ? 'client' : 'server');
        }
        for my $socket (@{ $readable // [] }) {
            if    ($socket == $p{listen})  { _accept(\%p) }
            elsif ($socket == $p{control}) { my $new = $p{control}->accept or next; $p{controls}{ refaddr $new } = $new; $p{read}->add($new) }
            elsif ($p{controls}{ refaddr $socket }) { _control(\%p, $socket) }
            else {
                my $pair = $p{by_fd}{ fileno($socket) // -1 } or next;    # closed a moment ago
                _read(\%p, $pair, $socket == $pair->{client} ? 'client' : 'server');
            }
        }
    }
}

sub _control {
    my ($p, $socket) = @_;
    my $line = <$socket>;
    $p->{read}->remove($socket);
    delete $p->{controls}{ refaddr $socket };
    return unless defined $line;
    my $what = JSON::PP::decode_json($line);
    if ($what->{mode}) {
        $p->{mode} = $what->{mode};
        _flush($p, $_) for $p->{mode} eq 'pass' ? values %{ $p->{pairs} } : ();
    }
    if (defined $what->{hold_cancels}) {
        $p->{hold_cancels} = $what->{hold_cancels};
        _flush($p, $_) for values %{ $p->{pairs} };
    }
    $p->{to} = $what->{to} if $what->{to};
    if ($what->{rule}) { push @{ $p->{rules} }, $what->{rule} }
    if ($what->{cut})  { _drop($p, $_) for values %{ $p->{pairs} } }
    if (defined $what->{inject}) {
        for my $pair (values %{ $p->{pairs} }) {
            push @{ $pair->{inject} }, $what->{inject};
            _inject($pair);
        }
    }
    print {$socket} JSON::PP::encode_json({
        connections => scalar(keys %{ $p->{pairs} }), map { $_ => $p->{$_} } qw(fired cancels taken),
    }), "\n";
    close $socket;
    return;
}

sub _accept {
    my ($p) = @_;
    my $client = $p->{listen}->accept or return;
    $p->{taken}++;
    return close $client if $p->{mode} eq 'refuse';
    my $server = IO::Socket::UNIX->new(Peer => $p->{to}) or return close $client;
    $_->blocking(0) for $client, $server;
    my $pair = { client => $client, server => $server, in => { client => '', server => '' }, out => { client => '', server => '' }, inject => [] };
    $p->{pairs}{ refaddr $pair } = $pair;
    $p->{by_fd}{ fileno $_ } = $pair for $client, $server;
    $p->{read}->add($client, $server);
    return;
}

sub _drop {
    my ($p, $pair) = @_;
    return unless delete $p->{pairs}{ refaddr $pair };
    for my $socket (@$pair{qw(client server)}) {
        delete $p->{by_fd}{ fileno $socket };
        $p->{read}->remove($socket);
        close $socket;
    }
    return;
}

sub _read {
    my ($p, $pair, $from) = @_;
    my $n = sysread $pair->{$from}, $pair->{in}{$from}, 262144, length $pair->{in}{$from};
    return if !defined $n && ($!{EAGAIN} || $!{EINTR});
    if (!$n) {
        # The other side is told, unless the connection is to hang.
        return _drop($p, $pair) unless $p->{mode} eq 'stall' || $pair->{silent};
        $p->{read}->remove($pair->{$from});
        $pair->{over} = 1;
        _drop($p, $pair) if $from eq 'client';
        return;
    }
    _flush($p, $pair);
    return;
}

sub _write {
    my ($p, $pair, $to) = @_;
    my $n = syswrite $pair->{$to}, $pair->{out}{$to};
    return substr($pair->{out}{$to}, 0, $n) = '' if defined $n;
    _drop($p, $pair) unless $!{EAGAIN} || $!{EINTR};
    return;
}

# Passes on what is whole.
sub _flush {
    my ($p, $pair) = @_;
    return if $p->{mode} eq 'stall' || $pair->{silent};
    1 while $p->{pairs}{ refaddr $pair } && !$pair->{silent} && _from_client($p, $pair);
    1 while $p->{pairs}{ refaddr $pair } && !$pair->{silent} && _from_server($p, $pair);
    for my $to (qw(server client)) {
        _write($p, $pair, $to) if $p->{pairs}{ refaddr $pair } && length $pair->{out}{$to};
    }
    return _drop($p, $pair) if $pair->{over} && $p->{pairs}{ refaddr $pair };
    return;
}

sub _act {
    my ($p, $pair, $rule) = @_;
    $p->{fired}++;
    for my $to (qw(server client)) {
        _write($p, $pair, $to) if $p->{pairs}{ refaddr $pair } && length $pair->{out}{$to};
    }
    if ($rule->{then} eq 'stall') { $pair->{silent} = 1 }
    else                          { _drop($p, $pair) }
    return 0;
}

sub _rule_for {
    my ($p, $name) = @_;
    for my $rule (@{ $p->{rules} }) {
        next unless $rule->{times} > 0 && $name =~ /\A(?:$rule->{statement})\z/;
        next if $rule->{after}-- > 0;
        $rule->{times}--;
        return $rule;
    }
    return;
}

# One message of the client's; false: there is no whole one.
sub _from_client {
    my ($p, $pair) = @_;
    my $in = \$pair->{in}{client};
    if (!$pair->{begun}) {
        return 0 if length $$in < 8;
        my ($size, $code) = unpack 'NN', $$in;
        return 0 if length $$in < $size;
        if ($code == 80877102) {
            $p->{cancels}++ unless $pair->{cancel}++;
            return 0 if $p->{hold_cancels};
        }
        $pair->{begun} = 1;
        $pair->{out}{server} .= substr $$in, 0, $size, '';
        return 1;
    }
    return 0 if length $$in < 5;
    my ($type, $size) = unpack 'aN', $$in;
    return 0 if length $$in < $size + 1;
    return 0 if $pair->{injecting};
    my $message = substr $$in, 0, $size + 1, '';
    $pair->{idle} = 0;
    if ($type eq 'B' && !$pair->{rule}) {
        my (undef, $name) = unpack 'Z*Z*', substr $message, 5;
        my $rule = _rule_for($p, $name);
        return _act($p, $pair, $rule) if $rule && $rule->{when} eq 'before';
        $pair->{rule} = $rule;
        # What the server has said so far is passed on, nothing after it.
        if ($rule) { 1 while _from_server($p, $pair, 1) }
    }
    $pair->{out}{server} .= $message;
    return _act($p, $pair, $pair->{rule}) if $type eq 'S' && $pair->{rule} && $pair->{rule}{when} eq 'sent';
    return 1;
}

sub _from_server {
    my ($p, $pair, $regardless) = @_;
    my $in = \$pair->{in}{server};
    return 0 if length $$in < 5;
    my ($type, $size) = unpack 'aN', $$in;
    return 0 if length $$in < $size + 1;
    my $message = substr $$in, 0, $size + 1, '';
    if ($pair->{injecting}) {
        $pair->{injecting} = 0 if $type eq 'Z';
        _inject($pair) if $type eq 'Z';
        _from_client($p, $pair) if $type eq 'Z';
        return 1;
    }
    $pair->{idle} = $type eq 'Z' && substr($message, 5) eq 'I';
    if ($pair->{rule} && !$regardless) {
        $pair->{held} .= $message;
        return 1 unless $type eq 'Z' && $pair->{rule}{when} eq 'answered';
        $pair->{out}{client} .= substr $pair->{held}, 0, $pair->{rule}{bytes};
        return _act($p, $pair, $pair->{rule});
    }
    $pair->{out}{client} .= $message;
    _inject($pair) if $pair->{idle};
    return 1;
}

# Only between two transactions, and when nothing of the next one has come.
sub _inject {
    my ($pair) = @_;
    return if !$pair->{idle} || $pair->{injecting} || length $pair->{in}{client} || !@{ $pair->{inject} };
    my $sql = shift @{ $pair->{inject} };
    $pair->{injecting} = 1;
    my $message = 'Q' . pack('NZ*', 5 + length $sql, $sql);
    $pair->{out}{server} .= $message;
    my $n = syswrite $pair->{server}, $pair->{out}{server};
    substr($pair->{out}{server}, 0, $n) = '' if defined $n;
    return;
}

1;
