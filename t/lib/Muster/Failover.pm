# Muster::Failover: a cluster under load, in whatever way it runs: switchover, a node killed, the primary paused, the
# standby killed, both killed: nothing acknowledged is lost, nothing done twice, no answer is old, and writes go on
# as soon as there is a primary that takes them.
package Muster::Failover;
use v5.24;
use warnings;
use Exporter 'import';
use Muster::Client;
use Muster::Front;
use Muster::Ledger qw(bad_answers check_ledger prepare_ledger tally);
use Muster::Process qw(poll);
use Muster::Server;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(check_failover);

my $SLOW = $ENV{MUSTER_SLOW} // 1;
my $SOON = 2 * $SLOW;    # seconds in which writes go on

my ($cluster, $server, $front, $client, $pid);

# A process that reads until end_reads: the longest time between two answers, and that for /__live__.
sub begin_reads {
    my ($file) = @_;
    my $pid = fork // die $!;
    return $pid if $pid;
    my ($stop, $last, $gap, $live) = (0, time, 0, 0);
    local $SIG{TERM} = sub { $stop = 1 };
    while (!$stop) {
        my $answer = Muster::Client->new(%$client, timeout => 20)->get('/__live__');
        my $took   = $answer->{status} == 200 ? $answer->{seconds} : 1000;
        $live = $took if $took > $live;
        if (Muster::Client->new(%$client, timeout => 20)->get('/by-name/ledger1')->{status} == 200) {
            $gap  = time - $last if time - $last > $gap;
            $last = time;
        }
        sleep 0.05;
    }
    Muster::Process::spew($file, sprintf '%.2f %.2f', $gap, $live);
    POSIX::_exit(0);
}

sub end_reads {
    my ($pid, $file) = @_;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    return split / /, Muster::Process::slurp($file);
}

# Waits until the cluster takes writes, after what `$seen` sees, and then until we do: both times. While the cluster
# changes its mind, which it may on a busy machine, it takes none.
sub writes_again {
    my ($seen) = @_;
    state $tries = 0;
    my ($taken, $by);
    for (my $end = time + 150 * $SLOW; time < $end; sleep 0.05) {
        undef $taken if $taken && !$cluster->takes_writes($by);
        if (!$taken && $seen->()) {
            ($by) = grep { $cluster->takes_writes($_) } qw(one two);
            $taken = time if $by;
        }
        my $status = Muster::Client->new(%$client, timeout => 10)->post('/entity/basicserver', form => { name => 'seen' . $tries++ })->{status};
        return ($taken, time) if $taken && $status == 201;
    }
    return ($taken, undef);
}

# The cluster is in trouble while many write and read; `$seen` says that it was noticed, `$after` mends what is left
# of it. How long the cluster needs is its own affair, and measured; what is asked of us is what comes on top.
sub under_load {
    my ($what, $trouble, $seen, $after) = @_;
    subtest $what => sub {
        my $load  = Muster::Ledger->begin(6, sub { $front->client }, name => $what =~ s/\W+/_/gr);
        my $file  = "$cluster->{dir}/reads";
        my $reads = begin_reads($file);
        sleep 2;
        my $began = time;
        $trouble->();
        my ($taken, $ours) = writes_again($seen);
        ok($taken, 'the cluster takes writes again') or diag map { "$_: " . $cluster->state_of($_) . "\n" } qw(one two);
        ok($taken && $ours && $ours - $taken < $SOON, "so do we, within $SOON s");
        note sprintf 'the cluster took %.1f s, we %.1f s more', $taken - $began, $ours - $taken if $taken && $ours;
        $after->() if $after;
        sleep 2;
        my ($gap, $live) = end_reads($reads, $file);
        my @entries = $load->end;
        note join ', ', "reads stood still for at most $gap s, /__live__ took $live s", tally(@entries);
        cmp_ok($live, '<', 1.5 * $SLOW, '/__live__ was answered at once, throughout');
        is_deeply([ bad_answers(@entries) ], [], 'no 500, every 503 says when to come back, no answer is old');
        my $primary = poll(90, sub { $cluster->is_well });
        ok($primary, 'both nodes are well again') or diag map { "$_: " . $cluster->state_of($_) . "\n" } qw(one two);
        is_deeply([ check_ledger($cluster->node($primary // $cluster->primary // 'one'), @entries) ], [], 'nothing acknowledged is lost, nothing refused is there, nothing twice');
        is($server->pid, $pid, 'without a restart') && ok($server->alive, 'it runs');
    };
    return;
}

# What there is to be seen of the trouble: another primary, or the same that is alone.
sub another { my ($before) = @_; return sub { ($cluster->primary // $before) ne $before } }
sub alone { my ($name) = @_; return sub { $cluster->is_alone($name) } }

sub primary_of_two { return poll(90, sub { $cluster->is_well }) || die "the cluster does not become well\n" }

# Asserts all of it, of a new cluster of this class, which is a Muster::Cluster.
sub check_failover {
    my ($class) = @_;
    plan skip_all => 'not below the sanitizers: a cluster and its load take all of the machine' if $ENV{MUSTER_SANITIZED};
    my $missing = $class->missing;
    plan skip_all => $missing if $missing;
    $cluster = $class->new;
    $server = Muster::Server->new(conninfo => $cluster->conninfo('one', 'two'), conf => { workers => 8, cache_size => 8, statement_timeout => 5000 });
    $front  = Muster::Front->new(server => $server, workers => 2);
    $client = $front->client;
    $pid    = $server->pid;
    prepare_ledger($client);

    my $before = primary_of_two();
    under_load('switchover' => sub { $cluster->switch_over }, another($before));

    $before = primary_of_two();
    under_load('node killed' => sub { $cluster->kill_node($before) }, another($before), sub { $cluster->run_node($before) });

    # So that the one that hangs is the first to be tried.
    if (primary_of_two() ne 'one') {
        $cluster->switch_over;
        poll(60, sub { ($cluster->is_well // '') eq 'one' }) or die 'one is not the primary';
    }
    under_load('primary paused' => sub { $cluster->pause('one') }, another('one'), sub { $cluster->resume('one') });

    $before = primary_of_two();
    my $standby = $cluster->other($before);
    under_load('standby killed' => sub { $cluster->kill_node($standby) }, alone($before), sub { $cluster->run_node($standby) });

    under_load('both killed' => sub {
        $cluster->kill_node($_) for qw(one two);
        sleep 2;
        $cluster->run_node($_) for qw(one two);
    }, sub { 1 });
    $_->stop for $front, $server, $cluster;
    return;
}

1;
