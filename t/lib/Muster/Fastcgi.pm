# Muster::Fastcgi: talks to a muster's socket as a front server does, or does not, in pieces.
package Muster::Fastcgi;
use v5.24;
use warnings;
use Exporter 'import';
use IO::Socket::UNIX ();

our @EXPORT_OK = qw(begin_request connect_to read_all record);

# One record of the only request on a connection, as bytes: 4 are parameters, 5 a piece of the body.
sub record { my ($type, $content) = @_; return pack('CCnnCC', 1, $type, 1, length $content, 0, 0) . $content }

sub _params {
    my (%param) = @_;
    my @pairs = map { my $name = $_; map { [ $name, $_ ] } ref $param{$name} ? @{ $param{$name} } : $param{$name} } sort keys %param;
    return join '', map { pack('CC', length $_->[0], length $_->[1]) . $_->[0] . $_->[1] } @pairs;
}

# A request up to its body, from its variables; one that has a list comes that often.
sub begin_request { return record(1, pack('nCx5', 1, 0)) . record(4, _params(@_)) . record(4, '') }

sub connect_to { return IO::Socket::UNIX->new(Peer => $_[0]->socket) // die "$!" }

# All up to the end of the stream, or dies.
sub read_all {
    my ($socket, $limit) = @_;
    my $bytes = '';
    local $SIG{ALRM} = sub { die "nothing within $limit seconds\n" };
    alarm $limit;
    1 while sysread $socket, $bytes, 65536, length $bytes;
    alarm 0;
    return $bytes;
}

1;
