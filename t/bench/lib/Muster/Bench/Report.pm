# Muster::Bench::Report: what was measured, as a table of ratios and as JSON.
package Muster::Bench::Report;
use v5.24;
use warnings;
use JSON::PP ();
use Muster::Process qw(spew);

# Dearer than before by more than this and twice the spread, and a comparison says so.
use constant DEARER => 0.05;

sub new {
    my ($class, %about) = @_;
    return bless { about => \%about, lines => [], comparisons => [], races => [], notes => [] }, $class;
}

# One figure. value (or undef: it could not be had, `why`), least or most: the target; spread and rate
# of a ratio of processor times; unit of what is no ratio; unreliable.
sub line {
    my ($self, $id, $what, %option) = @_;
    my $value = $option{value};
    my $line  = { id => $id, what => $what, %option };
    if (defined $value && (defined $option{least} || defined $option{most})) {
        $line->{reached} = (!defined $option{least} || $value >= $option{least})
            && (!defined $option{most} || $value <= $option{most}) ? JSON::PP::true : JSON::PP::false;
    }
    push @{ $self->{lines} }, $line;
    print STDERR '# ', _format_line($line), "\n" unless $self->{about}{quiet};
    return $line;
}

# What a build costs beside another one: before and after (microseconds for each request), value (their
# ratio), spread, rate, unreliable.
sub comparison {
    my ($self, $what, %figures) = @_;
    my $line = { what => $what, %figures };
    if (defined $line->{value}) {
        my $limit = 1 + DEARER + 2 * ($line->{spread} // 0);
        $line->{dearer} = $line->{value} > $limit ? JSON::PP::true : JSON::PP::false;
    }
    push @{ $self->{comparisons} }, $line;
    print STDERR '# ', _format_comparison($line), "\n" unless $self->{about}{quiet};
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

# --- as text

sub _number {
    my ($value, $unit) = @_;
    return sprintf '%.0f%s', $value, $unit if length $unit && abs $value >= 100;
    return sprintf '%.*f%s', length $unit ? 1 : 2, $value, $unit;
}

sub _percent { return defined $_[0] ? sprintf('%.0f %%', 100 * $_[0]) : '' }

sub _two_places { return defined $_[0] ? sprintf('%.2f', $_[0]) : '' }

my $line_format = '%-62s %10s %7s  %-10s %-14s %6s';

sub _format_line {
    my ($line) = @_;
    my $unit   = defined $line->{unit} ? " $line->{unit}" : '';
    my $value  = defined $line->{value} ? _number($line->{value}, $unit) : '-';
    my $target =
          defined $line->{least} ? '>= ' . $line->{least} . $unit
        : defined $line->{most}  ? '<= ' . $line->{most} . $unit
        :                          '';
    my $verdict =
          !defined $line->{reached} ? ''
        : $line->{reached}          ? 'reached'
        :                             'NOT REACHED';
    $verdict .= ' ~' if $line->{unreliable};
    my $text = sprintf $line_format, $line->{what}, $value, _percent($line->{spread}), $target, $verdict, _two_places($line->{rate});
    $text .= " $line->{why}" if defined $line->{why};
    return $text =~ s/ +\z//r;
}

my $comparison_format = '%-40s %10s %10s %8s %7s  %-8s %6s';

sub _format_comparison {
    my ($line) = @_;
    my $verdict = $line->{dearer} ? 'DEARER' : '';
    $verdict .= ' ~' if $line->{unreliable};
    my @costs = map { defined $_ ? sprintf '%.0f', $_ : '-' } @$line{qw(before after)};
    my $text  = sprintf $comparison_format, $line->{what}, @costs, _two_places($line->{value}), _percent($line->{spread}), $verdict,
        _two_places($line->{rate});
    return $text =~ s/ +\z//r;
}

sub print {
    my ($self) = @_;
    $self->_print_lines       if @{ $self->{lines} };
    $self->_print_comparisons if @{ $self->{comparisons} };
    $self->_print_races;
    say "\n$_" for @{ $self->{notes} };
    $self->_print_sums;
    return;
}

sub _print_lines {
    my ($self) = @_;
    say "\nRatios are of processor time per request, program and database together; medians over the rounds.";
    say sprintf "\n$line_format", 'What', 'Figure', 'Spread', 'Target', 'Verdict', 'Rates';
    say '-' x 114;
    say _format_line($_) for @{ $self->{lines} };
    return;
}

sub _print_comparisons {
    my ($self) = @_;
    say "\nMicroseconds of processor time per request, program and database together: before is the build in";
    say "$self->{about}{against}.";
    say sprintf "\n$comparison_format", 'What', 'Before', 'After', 'Ratio', 'Spread', 'Verdict', 'Rates';
    say '-' x 96;
    say _format_comparison($_) for @{ $self->{comparisons} };
    return;
}

sub _print_races {
    my ($self) = @_;
    say "\nMicroseconds of processor time per request, requests per second, milliseconds of waiting:";
    my $format = '%-30s %-20s %8s %8s %8s %7s %9s %8s %8s';
    say sprintf $format, 'Where', 'Who', 'front', 'program', 'database', 'spread', 'rate', 'p50', 'p99';
    for my $race (@{ $self->{races} }) {
        for my $r (@{ $race->{results} }) {
            my $text = sprintf $format, $race->{id}, $r->{name},
                (map { defined $r->{cpu}{$_} ? sprintf '%.0f', $r->{cpu}{$_} : '' } qw(front program database)), _percent($r->{spread}),
                defined $r->{rate} ? sprintf '%.*f', $r->{rate} < 10 ? 2 : 0, $r->{rate} : '', map { _two_places($_) } @$r{qw(p50 p99)};
            $text .= "  $r->{errors} errors" if $r->{errors};
            say $text =~ s/ +\z//r;
        }
    }
    return;
}

sub _print_sums {
    my ($self)  = @_;
    my @judged  = grep { defined $_->{reached} } @{ $self->{lines} };
    my $reached = grep { $_->{reached} } @judged;
    say sprintf "\n%d of %d reached.", $reached, scalar @judged if @{ $self->{lines} };
    my @compared = grep { defined $_->{dearer} } @{ $self->{comparisons} };
    my $dearer   = grep { $_->{dearer} } @compared;
    say sprintf "\n%d of %d cost more than before by over %.0f %% beyond their spread.", $dearer, scalar @compared, 100 * DEARER
        if @{ $self->{comparisons} };
    say 'Results marked ~ are unreliable: the machine was busy.' if grep { $_->{unreliable} } @judged, @compared;
    return;
}

sub write_json {
    my ($self, $path) = @_;
    my $json = JSON::PP->new->utf8->canonical->pretty->indent_length(2);
    spew($path, $json->encode({ map { $_ => $self->{$_} } qw(about lines comparisons races notes) }));
    return;
}

1;
