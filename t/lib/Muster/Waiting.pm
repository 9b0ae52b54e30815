# Muster::Waiting: clients that wait for an answer, while the test does something else.
package Muster::Waiting;
use v5.24;
use warnings;
use Exporter 'import';
use IO::Select ();
use IO::Socket::INET ();
use JSON::PP ();
use Muster::Process qw(poll);
use Test::More ();
use Time::HiRes qw(time);

our @EXPORT_OK = qw(answer begin_at is_waiting objects read_until waiting_on);

my $SLOW = $ENV{MUSTER_SLOW} // 1;

# Sends a request to a port and does not wait for the answer. Options: headers, method.
sub begin_at {
    my ($port, $path, %option) = @_;
    my $socket  = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) // die "connect: $@";
    my %headers = ('Clusto-Wait' => 40, %{ $option{headers} // {} });
    my $method  = $option{method} // 'GET';
    syswrite $socket, "$method $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers) . "\r\n";
    return { socket => $socket, bytes => '' };
}

# Reads until the pattern is there, or the end where there is none; false: not within so many seconds.
sub read_until {
    my ($waiting, $pattern, $seconds) = @_;
    my $end = time + ($seconds // 20) * $SLOW;
    while (!$waiting->{ended} && !($pattern && $waiting->{bytes} =~ $pattern)) {
        my $left = $end - time;
        return 0 if $left <= 0 || !IO::Select->new($waiting->{socket})->can_read($left);
        $waiting->{ended} = !sysread $waiting->{socket}, $waiting->{bytes}, 65536, length $waiting->{bytes};
    }
    return !$pattern || $waiting->{bytes} =~ $pattern;
}

sub is_waiting {
    my ($waiting) = @_;
    return !read_until($waiting, qr/./s, 0.2 / $SLOW);
}

# The whole answer as Muster::Client gives it: status, headers, body, json.
sub answer {
    my ($waiting, $seconds) = @_;
    read_until($waiting, undef, $seconds) or return { status => 0, headers => {}, body => '' };
    my ($head, $body) = split /\r\n\r\n/, $waiting->{bytes}, 2;
    my ($status) = ($head // '') =~ m{\AHTTP/1\.1 (\d+)};
    my %headers = map { /^([^:]+): (.*)$/ ? (lc $1 => $2) : () } split /\r\n/, $head // '';
    $body = join '', $body =~ /[0-9a-f]+\r\n(.*?)\r\n(?=[0-9a-f]+\r\n)/gs if ($headers{'transfer-encoding'} // '') eq 'chunked';
    return { status => $status // 0, headers => \%headers, body => $body // '', json => eval { JSON::PP->new->utf8->decode($body) } };
}

# The names of the objects of a page of changes.
sub objects {
    my ($page) = @_;
    return join ' ', map { $_->{object} =~ s{.*/}{}r } @{ $page->{json} // [] };
}

# Asserts that before long so many clients wait, as the metrics of the server say that this client asks.
sub waiting_on {
    my ($client, $n, $name) = @_;
    my $waiting;
    Test::More::ok(poll(60, sub { $waiting = $client->metric('waiting_clients'); defined $waiting && $waiting == $n }), $name // "$n clients wait")
        or Test::More::diag($waiting);
    return;
}

1;
