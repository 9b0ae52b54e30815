# Muster::Bench::Race: several answer the same questions in turns; medians, and who used how much.
package Muster::Bench::Race;
use v5.24;
use warnings;
use Exporter 'import';
use Muster::Bench::Load qw(cpu_of machine);

our @EXPORT_OK = qw(median race);

# More than this between repeats, or taken by others, and the figures say little.
use constant SPREAD => 0.15;
use constant OTHERS => 0.10;

sub median {
    my @sorted = sort { $a <=> $b } grep { defined } @_;
    return undef unless @sorted;
    return @sorted % 2 ? $sorted[ @sorted / 2 ] : ($sorted[ @sorted / 2 - 1 ] + $sorted[ @sorted / 2 ]) / 2;
}

# Runners: { name, run => sub ($seconds, $seed) {...} (as Load's answers), groups => { front =>
# [pids], program => [pids], database => [pids] } }. Each gets its turn `repeats` times; the order
# changes. Answers one hash for each, in their order.
sub race {
    my ($option, @runners) = @_;
    my @points = map { [] } @runners;
    for my $repeat (1 .. $option->{repeats}) {
        for my $i (map { ($_ + $repeat) % @runners } 0 .. $#runners) {
            push @{ $points[$i] }, _point($runners[$i], $option->{seconds}, $repeat);
        }
    }
    return map { _sum_up($runners[$_]{name}, $points[$_]) } 0 .. $#runners;
}

sub _point {
    my ($runner, $seconds, $seed) = @_;
    my $groups = $runner->{groups};
    my %before = map { $_ => cpu_of(@{ $groups->{$_} }) } keys %$groups;
    my ($busy, $possible) = machine();
    my (undef, undef, @load) = times;
    my $point = $runner->{run}->($seconds, $seed);
    my (undef, undef, @load_now) = times;
    my ($busy_now, $possible_now) = machine();
    my %cpu = map { $_ => cpu_of(@{ $groups->{$_} }) - $before{$_} } keys %$groups;
    $cpu{load} = $load_now[0] + $load_now[1] - $load[0] - $load[1];
    my $known = 0;
    $known += $_ for values %cpu;
    $point->{cpu}    = \%cpu;
    $point->{others} = $possible_now > $possible ? ($busy_now - $busy - $known) / ($possible_now - $possible) : 0;
    return $point;
}

sub _sum_up {
    my ($name, $points) = @_;
    my %sum = (name => $name, rates => [ map { $_->{rate} } @$points ]);
    for my $what (qw(rate p50 p99 mean size others)) {
        my $median = median(map { $_->{$what} } @$points);
        $sum{$what} = $median if defined $median;
    }
    $sum{errors} += $_->{errors} for @$points;
    # Microseconds of each group for one request.
    for my $group (keys %{ $points->[0]{cpu} }) {
        $sum{cpu}{$group} = median(map { $_->{count} ? 1e6 * $_->{cpu}{$group} / $_->{count} : undef } @$points);
    }
    my ($least, $most) = (sort { $a <=> $b } @{ $sum{rates} })[ 0, -1 ];
    $sum{spread} = $sum{rate} ? ($most - $least) / $sum{rate} : 0;
    $sum{noisy}  = $sum{spread} > SPREAD || $sum{others} > OTHERS ? 1 : 0;
    return \%sum;
}

1;
