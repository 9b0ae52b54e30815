# 25-lists.t: long lists arrive whole and in order, and the worker's memory does not grow with them.
use v5.24;
use warnings;
use Muster::Data qw(load_many);
use Muster::Front;
use Muster::Postgres;
use Muster::Server;
use Test::More;

my $many     = $ENV{MUSTER_FAST} ? 30_000 : 100_000;
my $growth   = 8 * 1024;    # KiB that a long list may take beyond a short one
my $postgres = Muster::Postgres->new(settings => { shared_buffers => '128MB' });
# One worker, whose memory is looked at; a sanitizer's or valgrind's memory is not ours.
my %conf     = (workers => 1, statement_timeout => 120_000);
my $muster   = Muster::Server->new(postgres => $postgres, conf => \%conf, start => 0);
my $measured = !$ENV{MUSTER_WRAPPER} && Muster::Process::run([ 'grep', '-q', '__asan_init', $muster->{program} ])->{status} != 0;
load_many($postgres, count => $many, attrs => 3, pool => 'everything');

# The list that $path gives, in $mode, by a worker that has only answered $before before.
sub fresh {
    my ($path, $headers, $name, $check) = @_;
    $muster->start;
    my ($pid)  = $muster->workers(1);
    my $front  = Muster::Front->new(server => $muster);
    my $client = $front->client(timeout => 120, decode => 0);
    my $short  = $client->get($path, headers => { %$headers, 'Clusto-Page' => 1, 'Clusto-Per-Page' => 100 });
    is $short->{status}, 200, "$name: a page of 100";
    is_deeply [ @{ $short->{headers} }{qw(clusto-pages clusto-per-page)} ], [ $many / 100, 100 ], '... of so many';
    my $before = $muster->memory($pid);
    my $long   = $client->get($path, headers => $headers);
    my $after  = $muster->memory($pid);
    is $long->{status}, 200, "$name: all" or diag $long->{error} // $long->{body};
    ok $long->{complete}, '... whole';
    $check->($long->{body});
    is_deeply [ $muster->workers(1) ], [$pid], '... by the same worker';
    SKIP: {
        skip 'memory of this build says nothing', 1 unless $measured;
        cmp_ok $after - $before, '<=', $growth, '... and little memory';
        diag sprintf '%s: %d KiB, then %d KiB for %d bytes in %.2f s', $name, $before, $after, length $long->{body}, $long->{seconds};
    }
    $front->stop;
    $muster->stop;
    return;
}

# Every server once, in the order of the ids.
sub in_order {
    my ($pattern) = @_;
    return sub {
        my ($body) = @_;
        my ($n, $wrong) = (0, undef);
        while ($body =~ /$pattern/g) {
            $n++;
            $wrong //= $1 if $1 != $n;
        }
        is $n, $many, "... $many objects";
        is $wrong, undef, '... each at its place';
        is substr($body, 0, 2) . substr($body, -2), "[\n\n]", '... from bracket to bracket';
    };
}

my $path = qr{^ +"/basicserver/server(\d{6})",?$}m;
my $name = qr{^ +"name": "server(\d{6})",?$}m;
fresh('/entity/basicserver', {}, 'compact', in_order($path));
fresh('/entity/basicserver', { 'Clusto-Mode' => 'expanded' }, 'expanded', in_order($name));
fresh('/from-pools?pool=everything', { 'Clusto-Mode' => 'expanded' }, 'a pool', in_order($name));
fresh('/by-attr?key=key3', { 'Clusto-Mode' => 'expanded' }, 'by attribute', in_order($name));

done_testing;
