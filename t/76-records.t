# 76-records.t: FastCGI records that are wrong, on the socket itself: the connection is closed, and that is all:
# no worker dies, and other requests in flight are answered.
use v5.24;
use warnings;
use Muster::Client qw(parallel);
use Muster::Fastcgi qw(begin_request connect_to read_all record);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll);
use Muster::Server;
use Socket ();
use Test::More;

my $SLOW     = $ENV{MUSTER_SLOW} // 1;
my $postgres = Muster::Postgres->new;
my $server   = Muster::Server->new(postgres => $postgres, conf => { workers => 3, cache_size => 4, body_timeout => 2000 * $SLOW });
my $front    = Muster::Front->new(server => $server);
my @workers  = $server->workers(3);

my @get    = (REQUEST_METHOD => 'GET', PATH_INFO => '/__version__');
my @post   = (REQUEST_METHOD => 'POST', PATH_INFO => '/entity/pool', CONTENT_TYPE => 'application/x-www-form-urlencoded', CONTENT_LENGTH => 10);
my $begin  = record(1, pack('nCx5', 1, 0));
my $ending = record(4, '') . record(5, '');

# Any record.
sub any_record {
    my ($type, $id, $content, %header) = @_;
    my $padding = $header{padding} // 0;
    return pack('CCnnCC', $header{version} // 1, $type, $id, $header{length} // length $content, $padding, 0) . $content . "\0" x $padding;
}

# Sends these bytes, and says that there are no more; what comes back.
sub answer_to {
    my ($bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $socket = connect_to($server);
    while (length $bytes) {
        my $n = syswrite $socket, $bytes or last;
        substr $bytes, 0, $n, '';
    }
    shutdown $socket, Socket::SHUT_WR();
    return read_all($socket, 20 * $SLOW);
}

# Without the header of the record: the response's own.
sub status_of { return $_[0] =~ /Status: (\d+)/ ? $1 : substr($_[0], 8) =~ /\AContent-Type/ ? 200 : 0 }

sub all_live {
    my ($name) = @_;
    is_deeply([ sort $server->workers ], [ sort @workers ], "$name: every worker lives");
    return;
}

subtest 'what is right is read, however it is cut' => sub {
    my $params = begin_request(@get) =~ s/\A.{16}.{8}(.*).{8}\z/$1/sr;
    my $long   = pack('CN', 5, 0x80000000 | 70_000) . 'X_ONE' . 'x' x 70_000;
    my %right  = (
        'as it comes'              => $begin . record(4, $params) . $ending,
        'a record for each byte'   => $begin . join('', map { record(4, $_) } split //, $params) . $ending,
        'with padding'             => any_record(1, 1, pack('nCx5', 1, 0), padding => 255) . any_record(4, 1, $params, padding => 7) . $ending,
        'another number'           => any_record(1, 513, pack('nCx5', 1, 0)) . any_record(4, 513, $params) . any_record(4, 513, '') . any_record(5, 513, ''),
        'parameters of 140,000 bytes' => $begin . record(4, $params) . join('', map { record(4, $_) } unpack '(a30000)*', $long x 2) . $ending,
        'lengths of four bytes'    => $begin . record(4, $params . pack('NN', 0x80000003, 0x80000001) . 'X_Ay') . $ending,
        'without name and value'   => $begin . record(4, $params . "\0\0") . $ending,
    );
    is(status_of(answer_to($right{$_})), 200, $_) for sort keys %right;
    my $body = begin_request(@post);
    is(status_of(answer_to($body . join('', map { any_record(5, 1, $_, padding => 3) } split //, 'name=inbit') . record(5, ''))), 201, 'a body of many records');
    my $slow = connect_to($server);
    syswrite $slow, $_ for split //, $right{'as it comes'};
    is(status_of(read_all($slow, 20 * $SLOW)), 200, 'byte by byte');
    all_live('afterwards');
};

subtest 'what is wrong' => sub {
    my $values = sub { join '', map { pack('CC', length, 0) . $_ } @_ };
    my %wrong  = (
        'nothing'                              => '',
        'half a header'                        => substr($begin, 0, 5),
        'half a beginning'                     => substr($begin, 0, 12),
        'another version'                      => any_record(1, 1, pack('nCx5', 1, 0), version => 2),
        'no number'                            => any_record(1, 0, pack('nCx5', 1, 0)),
        'a beginning that is too long'         => any_record(1, 1, pack('nCx9', 1, 0)) . record(4, '') . record(5, ''),
        'no beginning'                         => record(4, '') . record(5, ''),
        'a name of 2 GiB'                      => $begin . record(4, pack('NC', 0xffffffff, 0)) . $ending,
        'a name and a value of 2 GiB each'     => $begin . record(4, pack('NN', 0xffffffff, 0xffffffff) . 'name') . $ending,
        'lengths whose sum is small in 32 bits' => $begin . record(4, pack('NN', 0xffffffff, 0xffffffff) x 100) . $ending,
        'a name that is one byte too long'     => $begin . record(4, pack('CC', 5, 0) . 'NAME') . $ending,
        'a value that is one byte too long'    => $begin . record(4, pack('CC', 4, 2) . 'NAMEv') . $ending,
        'a name without the value\'s length'   => $begin . record(4, pack('C', 4)) . $ending,
        'half a length'                        => $begin . record(4, pack('C', 0xff)) . $ending,
        'parameters that end in a record'      => $begin . any_record(4, 1, 'x', length => 500),
        'another request\'s parameters'        => $begin . any_record(4, 2, '') . $ending,
        'a body before the parameters'         => $begin . record(5, 'x') . $ending,
        'a question'                           => any_record(9, 0, $values->('FCGI_MAX_CONNS')),
        'the same question forty times'        => any_record(9, 0, $values->(('FCGI_MAX_CONNS') x 40)),
        'half a question'                      => $begin . any_record(9, 0, $values->('FCGI_MAX_CONNS'), length => 500),
        'more than 256 KiB of parameters'      => $begin . record(4, 'x' x 60_000) x 5 . $ending,
        'more than 1024 parameters'            => $begin . record(4, "\1\0x" x 1025) . $ending,
        'ended by the client'                  => $begin . record(2, '') . $ending,
    );
    is(answer_to($wrong{$_}), '', "$_: closed") for sort keys %wrong;
    my $body = begin_request(@post) . record(5, 'name=');
    my %late = (
        'a body that ends in a record'      => any_record(5, 1, 'late', length => 500),
        'a question inside the body'        => any_record(9, 0, $values->(('FCGI_MAX_CONNS') x 40)),
        'half a question inside the body'   => any_record(9, 0, $values->('FCGI_MAX_CONNS'), length => 500),
        'another request inside the body'   => any_record(1, 2, pack('nCx5', 1, 0)) x 1000,
        'parameters inside the body'        => record(4, ''),
        'another version inside the body'   => any_record(5, 1, 'x', version => 7),
    );
    is(status_of(answer_to($body . $late{$_} . record(5, 'late') . record(5, ''))), 408, "$_: refused") for sort keys %late;
    is($front->client->get('/by-name/late')->{status}, 404, 'and nothing is done');
    all_live('afterwards');
    for my $line ('a parameter that is longer than all parameters', 'a record that was not expected', 'a record of another version', 'more than 1024 parameters', 'more than 256 KiB of parameters') {
        like($server->log, qr/ warning: .*FastCGI: \Q$line\E: the connection is closed$/m, "the log: $line");
    }
};

# Requests of which some bytes are others, some are missing, some are there twice.
sub spoil {
    my ($bytes) = @_;
    for (1 .. 1 + rand 4) {
        my $at  = int rand length $bytes;
        my $how = rand;
        if    ($how < 0.4)  { substr $bytes, $at, 1, chr rand 256 }
        elsif ($how < 0.5)  { substr $bytes, $at, 4, pack 'N', 0x80000000 | rand 2**31 }
        elsif ($how < 0.65) { substr $bytes, $at, 1 + rand 20, '' }
        elsif ($how < 0.8)  { substr $bytes, $at, 0, substr $bytes, rand $at, 1 + rand 40 }
        elsif ($how < 0.9)  { substr $bytes, $at, 0, any_record(int rand 12, int rand 3, "\16\0FCGI_MAX_CONNS" x rand 12, rand() < 0.5 ? () : (length => int rand 65536)) }
        else                { $bytes = substr $bytes, 0, $at }
        last if !length $bytes;
    }
    return $bytes;
}

subtest 'a thousand that are spoilt, and others in flight' => sub {
    my $seed = $ENV{MUSTER_SEED} // int rand 1_000_000;
    note "seed $seed";
    my @whole = (begin_request(@get) . record(5, ''), begin_request(@post) . record(5, 'name=spoil') . record(5, ''));
    my @got   = parallel(6, sub {
        my ($i) = @_;
        if ($i < 2) {
            srand $seed + $i;
            answer_to(spoil($whole[ rand 2 ])) for 1 .. 500;
            return {};
        }
        my ($client, %count) = ($front->client);
        for my $n (1 .. 250) {
            my $answer = $client->get($n % 2 ? '/by-name/clustometa' : '/entity/clustometa');
            $count{ $answer->{complete} ? $answer->{status} : 0 }++;
        }
        return \%count;
    });
    my %sum;
    for my $count (@got) {
        $sum{$_} += $count->{$_} for keys %$count;
    }
    is_deeply(\%sum, { 200 => 1000 }, 'all others are answered') or diag explain \@got;
    all_live('afterwards');
    unlike($server->log, qr/killed by|exited/, 'none ever died');
};

$_->stop for $front, $server;
done_testing;
