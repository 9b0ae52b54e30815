# 89-autofailover.t: a cluster of pg_auto_failover under load: switchover, a node killed, the primary paused, the
# standby killed, both killed: nothing acknowledged is lost, nothing done twice, no answer is old, and writes go on
# as soon as there is a primary that takes them.
use v5.24;
use warnings;
use Muster::Autofailover;
use Muster::Client;
use Muster::Front;
use Muster::Ledger qw(bad_answers check_ledger prepare_ledger tally);
use Muster::Process qw(poll);
use Muster::Server;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $SLOW = $ENV{MUSTER_SLOW} // 1;

plan skip_all => 'takes minutes: MUSTER_CLUSTER=1 runs it' unless $ENV{MUSTER_CLUSTER};
my $missing = Muster::Autofailover->missing;
plan skip_all => $missing if $missing;

my $cluster = Muster::Autofailover->new;
my $server  = Muster::Server->new(conninfo => $cluster->conninfo('one', 'two'), conf => { workers => 8, cache_size => 8, statement_timeout => 5000 });
my $front   = Muster::Front->new(server => $server, workers => 2);
my $client  = $front->client;
my $pid     = $server->pid;
prepare_ledger($client);

# The cluster is in trouble while many write and read; `$after` mends what is left of it. `$cluster->{after}`
# tells that what takes writes is what took over.
sub under_load {
    my ($what, $trouble, $after) = @_;
    subtest $what => sub {
        my $load = Muster::Ledger->begin(6, sub { $front->client }, name => $what =~ s/\W+/_/gr);
        my %gap  = (read => 0, live => 0, write => 0);
        my $reads = fork // die $!;
        my $file  = "$cluster->{dir}/gaps";
        if (!$reads) {
            my $stop = 0;
            local $SIG{TERM} = sub { $stop = 1 };
            my %last = (read => time);
            while (!$stop) {
                for ([ live => '/__live__' ], [ read => '/by-name/ledger1' ]) {
                    my ($kind, $path) = @$_;
                    my $answer = Muster::Client->new(%$client, timeout => 20)->get($path);
                    if ($kind eq 'live') {    # how long it took: a read between two of them may wait
                        my $took = $answer->{status} == 200 ? $answer->{seconds} : 1000;
                        $gap{live} = $took if $took > $gap{live};
                        next;
                    }
                    next if $answer->{status} != 200;
                    $gap{$kind} = time - $last{$kind} if time - $last{$kind} > $gap{$kind};
                    $last{$kind} = time;
                }
                sleep 0.05;
            }
            Muster::Process::spew($file, join ' ', map { sprintf '%.2f', $gap{$_} } qw(read live));
            POSIX::_exit(0);
        }
        sleep 2;
        my $began = time;
        $trouble->();
        # The cluster takes writes again: as psql sees it, on whichever node.
        my $taken = 0;
        my $n     = 0;
        my ($ours, $tries) = (0, 0);
        state $round = 0;
        $round++;
        my $end = time + 150 * $SLOW;
        while (time < $end && !($taken && $ours)) {
            if (!$taken) {
                for my $name (grep { !$cluster->{paused}{$_} } qw(one two)) {
                    my $got = $cluster->node($name)->psql("select 'taken' where not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off'");
                    $taken = time if $got =~ /taken/ && $cluster->{after}->();
                }
            }
            my $answer = Muster::Client->new(%$client, timeout => 10)->post('/entity/basicserver', form => { name => "seen$round-" . $tries++ });
            $ours = $answer->{status} == 201 && $taken ? time : 0;
            sleep 0.05;
        }
        ok($taken, 'the cluster takes writes again');
        cmp_ok($ours - $taken, '<', 2 * $SLOW, 'so do we, within two seconds');
        diag sprintf '%s: the cluster took %.1f s, we %.1f s more', $what, $taken - $began, $ours - $taken;
        $after->() if $after;
        sleep 2;
        kill 'TERM', $reads;
        waitpid $reads, 0;
        my @entries = $load->end;
        my ($read, $live) = split / /, Muster::Process::slurp($file);
        diag join ', ', "reads stood still for at most $read s, /__live__ took $live s", tally(@entries);
        cmp_ok($live, '<', 1.5 * $SLOW, '/__live__ was answered at once, throughout');
        is_deeply([ bad_answers(@entries) ], [], 'no 500, every 503 says when to come back, no answer is old');
        my $primary = $cluster->primary;
        is_deeply([ check_ledger($cluster->node($primary), @entries) ], [], 'nothing acknowledged is lost, nothing refused is there, nothing twice');
        is($server->pid, $pid, 'without a restart') && ok($server->alive, 'it runs');
        for my $name (qw(one two)) {
            ok($cluster->wait_state($name, $name eq $primary ? 'primary' : 'secondary', 90), "$name is well again") or diag $cluster->state_of($name);
        }
    };
    return;
}

# What there was to be seen of the trouble: another primary, or the same that was away.
sub another { my ($before) = @_; return sub { ($cluster->primary // $before) ne $before } }

my $before = $cluster->primary;
$cluster->{after} = another($before);
under_load('switchover' => sub { $cluster->switch_over });

$before = $cluster->primary;
$cluster->{after} = another($before);
under_load('node killed' => sub { $cluster->kill_node($before) }, sub { $cluster->run_node($before) });

# So that the one that hangs is the first to be tried.
if ($cluster->primary ne 'one') {
    $cluster->switch_over;
    $cluster->wait_state($_->@*, 60) for [ one => 'primary' ], [ two => 'secondary' ];
}
$cluster->{after} = another('one');
under_load('primary paused' => sub { $cluster->pause('one') }, sub { $cluster->resume('one') });

$before = $cluster->primary;
$cluster->{after} = sub { $cluster->state_of($before) =~ /wait_primary$/ };
under_load('standby killed' => sub { $cluster->kill_node($cluster->other($before)) }, sub { $cluster->run_node($cluster->other($before)) });

$cluster->{after} = sub { 1 };
under_load('both killed' => sub {
    $cluster->kill_node($_) for qw(one two);
    sleep 2;
    $cluster->run_node($_) for qw(one two);
});

$_->stop for $front, $server, $cluster;
done_testing;
