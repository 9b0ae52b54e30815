# 89-autofailover.t: a cluster of pg_auto_failover fails over under load (Muster::Failover).
use v5.24;
use warnings;
use Muster::Autofailover;
use Muster::Failover qw(check_failover);
use Test::More;

check_failover('Muster::Autofailover');
done_testing;
