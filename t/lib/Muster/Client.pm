# Muster::Client: a small HTTP client that shows everything it got, can send any bytes and can be many.
package Muster::Client;
use v5.24;
use warnings;
use Carp qw(croak);
use Exporter 'import';
use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use JSON::PP ();
use MIME::Base64 ();
use Muster::Description ();
use Muster::Process ();
use POSIX ();
use Test::More ();
use Time::HiRes ();

our @EXPORT_OK = qw(parallel form_encode uri_encode);

# Options: port (loopback) or unix (a socket that speaks HTTP); timeout in seconds (30); headers =>
# {} for every request; user, password for basic auth; keep_alive => 1 uses one connection as long
# as the server lets it; decode => 0 leaves long JSON as it is; described => 1 checks each response
# of request() against the description of the interface (Muster::Description).
sub new {
    my ($class, %option) = @_;
    my $self = bless { timeout => 30, %option }, $class;
    return $self;
}

for my $method (qw(get head put post patch delete options)) {
    no strict 'refs';
    *$method = sub {
        my ($self, $path, %option) = @_;
        return $self->request(uc $method, $path, %option);
    };
}

# The value of a metric without labels, by its name without "muster_"; undef if there is none.
sub metric {
    my ($self, $name) = @_;
    return ($self->get('/__metrics__')->{body} =~ /^muster_$name (\d+)$/m)[0];
}

# Percent-encodes everything but unreserved characters; text is taken as characters.
sub uri_encode {
    my ($text) = @_;
    utf8::encode($text = "$text");
    return $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger;
}

# name=value&...: from a hash (sorted, lists are repeated) or a list of pairs in its order.
sub form_encode {
    my ($form) = @_;
    return $form if !ref $form;
    my @pairs = ref $form eq 'ARRAY' ? @$form : map {
        my $name = $_;
        map { ($name, $_) } ref $form->{$name} ? @{ $form->{$name} } : $form->{$name}
    } sort keys %$form;
    my @text;
    while (my ($name, $value) = splice @pairs, 0, 2) {
        push @text, uri_encode($name) . '=' . uri_encode($value);
    }
    return join '&', @text;
}

# One request. $path goes out as it is (encode names yourself). Options: headers (hash, or list of
# pairs to repeat names), query and form (see form_encode), json (sent with its type), body (bytes),
# type (Content-Type), timeout in seconds. The answer is a hash:
#   status, reason, headers (lower case, joined by ", "), header_list (pairs as sent), body (bytes),
#   json (decoded, undef if it is none), complete (false: it broke off), error (undef, or why there
#   is no answer), seconds, raw (head as it came)
sub request {
    my ($self, $method, $path, %option) = @_;
    my @headers = _pairs($self->{headers}, $option{headers});
    my $body    = $option{body};
    my $type    = $option{type};
    if (exists $option{json}) {
        $body = JSON::PP->new->utf8->canonical->allow_nonref->encode($option{json});
        $type //= 'application/json';
    }
    elsif (exists $option{form}) {
        $body = form_encode($option{form});
        $type //= 'application/x-www-form-urlencoded';
    }
    if (exists $option{query}) {
        my $query = form_encode($option{query});
        $path .= ($path =~ /\?/ ? '&' : '?') . $query if length $query;
    }
    my %have = map { lc $_->[0] => 1 } @headers;
    unshift @headers, [ Host => 'localhost' ] unless $have{host};
    push @headers, [ 'Content-Type' => $type ] if defined $type && !$have{'content-type'};
    push @headers, [ 'Content-Length' => length $body ] if defined $body && !$have{'content-length'} && !$have{'transfer-encoding'};
    push @headers, [ Authorization => 'Basic ' . MIME::Base64::encode("$self->{user}:$self->{password}", '') ]
        if defined $self->{user} && !$have{authorization};
    push @headers, [ Connection => $self->{keep_alive} ? 'keep-alive' : 'close' ] unless $have{connection};
    my $bytes = "$method $path HTTP/1.1\r\n" . join('', map { "$_->[0]: $_->[1]\r\n" } @headers) . "\r\n" . ($body // '');
    my $answer = $self->raw($bytes, method => $method, timeout => $option{timeout});
    Muster::Description::note($method, $path, $answer) if $self->{described};
    return $answer;
}

# The same, and asserts that it has this status: expect($what, $status, $method, $path, %option).
sub expect {
    my ($self, $what, $status, @request) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 2; # in tests a function calls this
    my $answer = $self->request(@request);
    Test::More::is($answer->{status}, $status, $what) or Test::More::diag(substr $answer->{body}, 0, 500);
    return $answer;
}

sub _pairs {
    my @pairs;
    for my $headers (grep { defined } @_) {
        if (ref $headers eq 'HASH') {
            push @pairs, map { [ $_, $headers->{$_} ] } sort keys %$headers;
        }
        else {
            my @list = @$headers;
            while (my ($name, $value) = splice @list, 0, 2) { push @pairs, [ $name, $value ] }
        }
    }
    return @pairs;
}

# Sends exactly these bytes and reads one answer. Options: method (HEAD has no body), pause => {
# after => bytes, seconds => n } stops in the middle, abort => 1 sends and disconnects, begun => sub
# that is called when the answer begins to come, before any of it is read, timeout => seconds.
sub raw {
    my ($self, $bytes, %option) = @_;
    utf8::downgrade($bytes, 1) or utf8::encode($bytes);
    my $begin  = Time::HiRes::time();
    my $answer = { status => 0, reason => '', headers => {}, header_list => [], body => '', complete => 0 };
    my $end    = $begin + ($option{timeout} // $self->{timeout}) * ($ENV{MUSTER_SLOW} // 1);
    my $kept   = delete $self->{connection};
    my $socket = $kept // $self->connect;
    if (!$socket) {
        $answer->{error} = "connect: $@";
        return $answer;
    }
    eval {
        _send($socket, $bytes, $end, $option{pause});
        if ($option{abort}) {
            close $socket;
            die "aborted\n";
        }
        if ($option{begun}) {
            IO::Select->new($socket)->can_read($end - Time::HiRes::time()) or die "read: time is up\n";
            $option{begun}->();
        }
        $self->_read_answer($socket, $answer, $end, uc($option{method} // ($bytes =~ /\A(\w+)/)[0] // ''));
        1;
    } or chomp($answer->{error} = $@);
    # A kept connection that was closed meanwhile: once more on a new one.
    return $self->raw($bytes, %option) if $kept && $answer->{error} && $answer->{status} == 0;
    $self->{connection} = $socket
        if $self->{keep_alive} && $answer->{complete} && $answer->{keep} && lc($answer->{headers}{connection} // '') ne 'close';
    $answer->{seconds} = Time::HiRes::time() - $begin;
    return $answer;
}

sub connect {
    my ($self) = @_;
    return defined $self->{unix}
        ? IO::Socket::UNIX->new(Peer => $self->{unix})
        : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => $self->{timeout});
}

sub _send {
    my ($socket, $bytes, $end, $pause) = @_;
    my $sent = 0;
    $socket->blocking(0);
    while ($sent < length $bytes) {
        if ($pause && $sent == $pause->{after}) {
            Time::HiRes::sleep($pause->{seconds});
            $pause = undef;
        }
        my $size = $pause ? $pause->{after} - $sent : length($bytes) - $sent;
        my $n = syswrite $socket, $bytes, $size, $sent;
        if (defined $n) { $sent += $n; next }
        # The answer may be there although the other side read no further.
        return if $!{EPIPE} || $!{ECONNRESET};
        die "send: $!\n" unless $!{EAGAIN} || $!{EINTR};
        die "send: time is up\n" if Time::HiRes::time() > $end;
        # A server that answers before it has read everything must not be waited for.
        return if IO::Select->new($socket)->can_read(0);
        IO::Select->new($socket)->can_write(0.1);
    }
    return;
}

# Fills $$buffer with at least one more byte; false at the end of the stream.
sub _more {
    my ($socket, $buffer, $end) = @_;
    while (1) {
        my $left = $end - Time::HiRes::time();
        die "read: time is up\n" if $left <= 0;
        next unless IO::Select->new($socket)->can_read($left);
        my $n = sysread $socket, $$buffer, 262144, length $$buffer;
        return $n if defined $n;
        return 0 if $!{ECONNRESET};
        die "read: $!\n" unless $!{EAGAIN} || $!{EINTR};
    }
}

sub _read_answer {
    my ($self, $socket, $answer, $end, $method) = @_;
    my $buffer = '';
    while (1) {
        until ($buffer =~ /\r?\n\r?\n/) {
            _more($socket, \$buffer, $end) or die length $buffer ? "broken head\n" : "no answer\n";
        }
        $buffer =~ s/\A(.*?\r?\n)\r?\n//s;
        _parse_head($answer, $1);
        last unless $answer->{status} =~ /^1\d\d$/;
    }
    my $headers = $answer->{headers};
    if ($method eq 'HEAD' || $answer->{status} == 204 || $answer->{status} == 304) {
        @$answer{qw(complete keep)} = (1, 1);
        # Whatever comes though nothing may is an error that tests want to see.
        $answer->{body} = $buffer;
    }
    elsif (lc($headers->{'transfer-encoding'} // '') eq 'chunked') {
        _read_chunks($socket, \$buffer, $answer, $end);
    }
    elsif (defined $headers->{'content-length'}) {
        while (length $buffer < $headers->{'content-length'}) { _more($socket, \$buffer, $end) or last }
        $answer->{body}     = substr $buffer, 0, $headers->{'content-length'};
        $answer->{complete} = length $answer->{body} == $headers->{'content-length'} ? 1 : 0;
        $answer->{keep}     = 1;
    }
    else {
        1 while _more($socket, \$buffer, $end);
        $answer->{body}     = $buffer;
        $answer->{complete} = 1;
    }
    if ($self->{decode} // 1 and length $answer->{body} && ($headers->{'content-type'} // '') =~ m{^application/json}) {
        $answer->{json} = eval { JSON::PP->new->utf8->allow_nonref->decode($answer->{body}) };
    }
    return;
}

sub _parse_head {
    my ($answer, $head) = @_;
    $answer->{raw} = $head;
    my ($line, @lines) = split /\r?\n/, $head;
    @$answer{qw(protocol status reason)} = $line =~ m{^(HTTP/\d\.\d) (\d{3}) ?(.*)$} or die "bad status line: $line\n";
    $answer->{headers}     = {};
    $answer->{header_list} = [];
    for (@lines) {
        my ($name, $value) = /^([^:\s]+):\s*(.*?)\s*$/ or die "bad header: $_\n";
        push @{ $answer->{header_list} }, [ $name, $value ];
        my $slot = \$answer->{headers}{ lc $name };
        $$slot = defined $$slot ? "$$slot, $value" : $value;
    }
    return;
}

# $at walks through the buffer, which is cut only now and then: a regular expression with captures,
# or a cut, at every chunk would copy it each time.
sub _read_chunks {
    my ($socket, $buffer, $answer, $end) = @_;
    my $at = 0;
    while (1) {
        my $line;
        while (($line = index $$buffer, "\r\n", $at) < 0) { _more($socket, $buffer, $end) or return }
        my ($digits) = substr($$buffer, $at, $line - $at) =~ /\A([0-9A-Fa-f]+)[ \t]*(?:;.*)?\z/ or die "bad chunk\n";
        my $size = hex $digits;
        $at = $line + 2;
        my $whole = 1;
        while ($whole && length($$buffer) - $at < $size + 2) { $whole = _more($socket, $buffer, $end) }
        my $left = length($$buffer) - $at;
        $answer->{body} .= substr $$buffer, $at, $left < $size ? $left : $size;
        return unless $whole;
        last if $size == 0;
        $at += $size + 2;
        if ($at > 1_000_000) {
            substr($$buffer, 0, $at) = '';
            $at = 0;
        }
    }
    @$answer{qw(complete keep)} = (1, 1);
    return;
}

# Runs `$n` children at once, each `$code->($i)`; what they return (plain data) comes back as a list
# in order. They begin together. A child that dies yields { died => why }.
sub parallel {
    my ($n, $code, %option) = @_;
    pipe my $gate_out, my $gate_in or croak "pipe: $!";
    my @children;
    for my $i (0 .. $n - 1) {
        pipe my $out, my $in or croak "pipe: $!";
        my $pid = fork // croak "fork: $!";
        if ($pid == 0) {
            close $gate_in;
            close $out;
            sysread $gate_out, my $go, 1;
            my @result = eval { $code->($i) };
            my $data   = $@ ? { died => "$@" } : @result > 1 ? \@result : $result[0];
            binmode $in;
            print {$in} JSON::PP->new->utf8->allow_nonref->allow_blessed->encode($data);
            close $in;
            # No END blocks, no destructors: all that belongs to the parent.
            POSIX::_exit(0);
        }
        close $in;
        push @children, [ $pid, $out ];
    }
    close $gate_out;
    close $gate_in;
    my $end = Time::HiRes::time() + ($option{timeout} // 120) * ($ENV{MUSTER_SLOW} // 1);
    my @results;
    for my $child (@children) {
        my ($pid, $out) = @$child;
        my $text = '';
        while (1) {
            my $left = $end - Time::HiRes::time();
            if ($left <= 0) {
                kill 'KILL', $pid;
                $text = '{"died":"time is up"}';
                last;
            }
            next unless IO::Select->new($out)->can_read($left);
            last unless sysread $out, $text, 65536, length $text;
        }
        waitpid $pid, 0;
        push @results, length $text ? JSON::PP->new->utf8->allow_nonref->decode($text) : { died => 'without a word' };
    }
    return @results;
}

1;
