# Muster::Bench::Report: what was measured, as a table of ratios and as JSON.
package Muster::Bench::Report;
use v5.24;
use warnings;
use JSON::PP ();
use Muster::Process qw(spew);

sub new {
    my ($class, %about) = @_;
    return bless { about => \%about, lines => [], races => [], notes => [] }, $class;
}

# One figure. ratio (or undef: it could not be had, `why`), least or most: what is wanted; unit for
# what is no ratio; noisy; detail.
sub line {
    my ($self, $id, $what, %option) = @_;
    my $value = $option{value};
    my $line  = { id => $id, what => $what, %option };
    if (defined $value && (defined $option{least} || defined $option{most})) {
        $line->{reached} = (!defined $option{least} || $value >= $option{least})
            && (!defined $option{most} || $value <= $option{most}) ? JSON::PP::true : JSON::PP::false;
    }
    push @{ $self->{lines} }, $line;
    print STDERR '# ', _format($line), "\n" unless $self->{about}{quiet};
    return $line;
}

# The figures behind the lines.
sub race {
    my ($self, $id, @results) = @_;
    push @{ $self->{races} }, { id => $id, results => \@results };
    return;
}

sub note {
    my ($self, $text) = @_;
    push @{ $self->{notes} }, $text;
    print STDERR "# $text\n" unless $self->{about}{quiet};
    return;
}

sub _number {
    my ($value, $unit) = @_;
    return sprintf '%.0f%s', $value, $unit if length $unit && abs $value >= 100;
    return sprintf '%.*f%s', length $unit ? 1 : 2, $value, $unit;
}

sub _format {
    my ($line) = @_;
    my $unit   = defined $line->{unit} ? " $line->{unit}" : '';
    my $value  = defined $line->{value} ? _number($line->{value}, $unit) : '-';
    my $wanted =
          defined $line->{least} ? '>= ' . $line->{least} . $unit
        : defined $line->{most}  ? '<= ' . $line->{most} . $unit
        :                          '';
    my $verdict =
          !defined $line->{reached} ? ''
        : $line->{reached}          ? 'reached'
        :                             'NOT REACHED';
    $verdict .= ' ~' if $line->{noisy};
    my $text = sprintf '%-62s %10s  %-10s %-13s', $line->{what}, $value, $wanted, $verdict;
    $text .= " $line->{why}" if defined $line->{why};
    return $text =~ s/ +\z//r;
}

sub print {
    my ($self) = @_;
    say sprintf "\n%-62s %10s  %-10s %s", 'What', 'Figure', 'Wanted', 'Verdict (~: too noisy to tell)';
    say '-' x 110;
    say _format($_) for @{ $self->{lines} };
    say "\nMicroseconds of processor time for each request, and milliseconds of waiting (p50, p99):";
    say sprintf '%-30s %-34s %8s %8s %8s %8s %8s %8s', 'Where', 'Who', 'front', 'program', 'database', 'p50', 'p99', 'spread';
    for my $race (@{ $self->{races} }) {
        for my $r (@{ $race->{results} }) {
            say sprintf '%-30s %-34s %8s %8s %8s %8s %8s %7.0f%%%s', $race->{id}, $r->{name},
                (map { defined $r->{cpu}{$_} ? sprintf '%.0f', $r->{cpu}{$_} : '' } qw(front program database)),
                (map { defined $r->{$_} ? sprintf '%.2f', $r->{$_} : '' } qw(p50 p99)), 100 * $r->{spread},
                $r->{errors} ? "  $r->{errors} errors" : '';
        }
    }
    say "\n$_" for @{ $self->{notes} };
    my @wanted  = grep { defined $_->{reached} } @{ $self->{lines} };
    my $reached = grep { $_->{reached} } @wanted;
    my $noisy   = grep { $_->{noisy} } @wanted;
    say sprintf "\n%d of %d reached.", $reached, scalar @wanted;
    say "$noisy of them were measured on a machine that had other things to do: run it again on a quiet one." if $noisy;
    return;
}

sub write_json {
    my ($self, $path) = @_;
    my $json = JSON::PP->new->utf8->canonical->pretty->indent_length(2);
    spew($path, $json->encode({ map { $_ => $self->{$_} } qw(about lines races notes) }));
    return;
}

1;
