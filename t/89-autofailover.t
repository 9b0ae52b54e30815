# 89-autofailover.t: a cluster of pg_auto_failover fails over under load (Muster::Failover).
use v5.24;
use warnings;
use Muster::Autofailover;
use Muster::Failover qw(check_failover);
use Test::More;

plan skip_all => 'not below the sanitizers: a cluster and its load take all of the machine' if $ENV{MUSTER_SANITIZED};
my $missing = Muster::Autofailover->missing;
plan skip_all => $missing if $missing;

my $cluster = Muster::Autofailover->new;
check_failover($cluster);
$cluster->stop;
done_testing;
