#!/usr/bin/perl
# 94-announced.t: whoever takes a number has announced the id of its transaction before, whatever writers do at once:
# so what a version says of the register, muster_high, is no lower than the id of any that took a lower number. Also of
# transactions that are rolled back, to a savepoint or as a whole; and where the lock is often somebody else's.
# MUSTER_ANNOUNCED_ROUNDS (150).
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use List::Util qw(max);
use Muster::Client qw(parallel);
use Muster::Postgres;
use Muster::Server;

my $rounds = $ENV{MUSTER_ANNOUNCED_ROUNDS} // 150;
my $pg     = Muster::Postgres->new;
Muster::Server->new(postgres => $pg, start => 0);

my $take = q{insert into clustoversioning ("user") values ('x') returning version, muster_high, pg_current_xact_id();};

sub one_of { return $_[rand @_] }
sub pause  { return sprintf 'do $$ begin perform pg_sleep(%.4f); end $$;', rand 0.006 }

# A transaction that takes one to four numbers, with an id from its beginning or from the first of them on.
sub transaction {
    my @steps = map { one_of($take, $take, pause() . $take, "savepoint s; $take rollback to s;", "savepoint t; $take release t;") } 1 .. 1 + rand 4;
    unshift @steps, one_of('', 'do $$ begin perform pg_current_xact_id(); end $$;' . one_of('', pause()));
    return join ' ', 'begin ' . one_of('', '', 'isolation level repeatable read', 'isolation level serializable') . ';', @steps, one_of(qw(commit commit rollback)), ";\n";
}

# What each writer has taken: number, register, id. The last one only has the lock, for moments.
my @taken = parallel(9, sub {
    my ($n) = @_;
    srand 17 + $n;
    return [ $pg->psql(join '', map { transaction() } 1 .. $rounds) ] if $n < 8;
    $pg->psql(join '', map { 'do $$ begin perform pg_advisory_lock(1836413812, 2), pg_sleep(0.001); perform pg_advisory_unlock(1836413812, 2); end $$;' . pause() } 1 .. 2 * $rounds);
    return [];
});
is_deeply [ grep { ref $_ ne 'ARRAY' } @taken ], [], 'all were done';

my ($numbers, $highest, $met, @wrong) = (0, 0, 0);
for my $row (sort { $a->[0] <=> $b->[0] } map { [ split /\|/ ] } map { @$_ } @taken) {
    my ($version, $high, $id) = @$row;
    $numbers++;
    $met++ if $highest > $id;
    push @wrong, "$version: $high, but $highest has a lower number" if $highest > $high;
    $highest = max($highest, $id);
}
cmp_ok $numbers, '>', 8 * $rounds, 'many numbers were taken';
cmp_ok $met, '>', $numbers / 50, 'often a lower one by a transaction with a higher id';
is join("\n", @wrong), '', 'which was announced';
is $pg->psql("select count(*) from pg_locks where locktype = 'advisory'"), 0, 'no lock is left';

$pg->stop;
done_testing;
