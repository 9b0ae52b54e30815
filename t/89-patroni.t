# 89-patroni.t: a cluster of Patroni fails over under load (Muster::Failover). It is run where Patroni and etcd are
# installed, which contrib/check does not do.
use v5.24;
use warnings;
use Muster::Failover qw(check_failover);
use Muster::Patroni;
use Test::More;

plan skip_all => 'not below the sanitizers: a cluster and its load take all of the machine' if $ENV{MUSTER_SANITIZED};
my $missing = Muster::Patroni->missing;
plan skip_all => $missing if $missing;

my $cluster = Muster::Patroni->new;
check_failover($cluster);
$cluster->stop;
done_testing;
