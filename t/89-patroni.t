# 89-patroni.t: a cluster of Patroni fails over under load (Muster::Failover). It is run where Patroni and etcd are
# installed, which contrib/check does not do.
use v5.24;
use warnings;
use Muster::Failover qw(check_failover);
use Muster::Patroni;
use Test::More;

check_failover('Muster::Patroni');
done_testing;
