# Muster::Bench::Race: several answer the same questions in alternating short rounds; what each costs
# in processor time per request, and the medians.
package Muster::Bench::Race;
use v5.24;
use warnings;
use Exporter 'import';
use Muster::Bench::Load qw(cpu_of machine);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(median race ratio unsteady);

# Who pays for a request; the front server's share is the same for all that stand behind it.
use constant PAYERS => qw(program database);

# With a spread above this a ratio is unreliable; and so is what depends on time when other programs took
# more than this of the processors.
use constant SPREAD => 0.05;
use constant OTHERS => 0.10;

# What is met at this part of the sorted values: 0.5 is their median.
sub _quantile {
    my ($part, @values) = @_;
    my @sorted = sort { $a <=> $b } @values;
    return undef unless @sorted;
    my $at = $part * $#sorted;
    my $below = $sorted[$at];
    return $below + ($at - int $at) * (($sorted[ $at + 1 ] // $below) - $below);
}

sub median { return _quantile(0.5, grep { defined } @_) }

# How far the median is off in a typical run, as a part of it: about the distance between the quartiles by
# the root of the number of values. undef: there is only one.
sub _spread {
    my @values = grep { defined } @_;
    my $median = median(@values);
    return undef if @values < 2 || !$median;
    return (_quantile(0.75, @values) - _quantile(0.25, @values)) / sqrt(@values) / $median;
}

# Runners: { name, run => sub ($target, $seconds, $seed) {...} (returns what Load's functions do),
# target; groups => { front => [pids], program => [pids], database => [pids] }; load => the group of
# the processes that bench.pl itself starts and waits for (default "load"); every => 2: each second
# round only }. After $limit seconds no further round begins, once there are three. The order changes from round to round. Returns one hash for each, in their order.
sub race {
    my ($repeats, $seconds, $limit, @runners) = @_;
    my @rounds = map { [] } @runners;
    my $start  = time;
    for my $round (1 .. $repeats) {
        last if $round > 3 && time - $start > $limit;
        for my $i (map { ($_ + $round) % @runners } 0 .. $#runners) {
            next if ($round - 1) % ($runners[$i]{every} // 1);
            $rounds[$i][ $round - 1 ] = _round($runners[$i], $seconds, $round);
        }
    }
    return map { _sum_up($runners[$_]{name}, $rounds[$_]) } 0 .. $#runners;
}

sub _round {
    my ($runner, $seconds, $seed) = @_;
    my $groups = $runner->{groups};
    my $before = cpu_of($groups);
    my ($busy, $possible) = machine();
    my (undef, undef, @load) = times;
    my $round = $runner->{run}->($runner->{target}, $seconds, $seed);
    my (undef, undef, @load_now) = times;
    my ($busy_now, $possible_now) = machine();
    my $after = cpu_of($groups);
    my %cpu   = map { $_ => $after->{$_} - $before->{$_} } keys %$groups;
    $cpu{ $runner->{load} // 'load' } += $load_now[0] + $load_now[1] - $load[0] - $load[1];
    my $known = 0;
    $known += $_ for values %cpu;
    $round->{others} = $possible_now > $possible ? ($busy_now - $busy - $known) / ($possible_now - $possible) : 0;
    # Microseconds of each group for one request.
    $round->{cpu} = { map { $_ => 1e6 * $cpu{$_} / $round->{count} } keys %cpu } if $round->{count};
    return $round;
}

sub _cost {
    my ($round, @payers) = @_;
    return undef unless $round && $round->{cpu};
    my $sum = 0;
    $sum += $_ for grep { defined } @{ $round->{cpu} }{@payers};
    return $sum;
}

sub _sum_up {
    my ($name, $rounds) = @_;
    my @all = grep { defined } @$rounds;
    my %sum = (name => $name, rounds => $rounds, errors => 0);
    for my $what (qw(rate p50 p99 mean size first others)) {
        my $median = median(map { $_->{$what} } @all);
        $sum{$what} = $median if defined $median;
    }
    $sum{errors} += $_->{errors} for @all;
    my %groups = map { $_ => 1 } map { keys %{ $_->{cpu} // {} } } @all;
    for my $group (keys %groups) {
        $sum{cpu}{$group} = median(map { $_->{cpu}{$group} } grep { $_->{cpu} } @all);
    }
    my @costs = map { _cost($_, PAYERS) } @all;
    $sum{cost}   = median(@costs);
    $sum{spread} = _spread(@costs);
    return \%sum;
}

# What one costs relative to another, round by round: value is the median of the ratios, spread says how
# sure it is, rate is the same of the rates. Payers are groups.
sub ratio {
    my ($one, $other, @payers) = @_;
    @payers = PAYERS unless @payers;
    my (@costs, @rates);
    for my $i (0 .. $#{ $one->{rounds} }) {
        my ($mine, $theirs) = map { $_->{rounds}[$i] } $one, $other;
        my ($cost, $base) = map { _cost($_, @payers) } $mine, $theirs;
        push @costs, $cost / $base if defined $cost && $base;
        push @rates, $mine->{rate} / $theirs->{rate} if $mine && $theirs && $theirs->{rate};
    }
    my $spread = _spread(@costs);
    return {
        value      => median(@costs),
        rate       => median(@rates),
        spread     => $spread,
        unreliable => ($spread // 0) > SPREAD ? 1 : 0,
    };
}

# Whether other programs took so much of the machine that times say little.
sub unsteady {
    my ($result) = @_;
    return $result->{others} > OTHERS ? 1 : 0;
}

1;
