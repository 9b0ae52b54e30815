# Muster::Tally: what prove --merge prints, what failed at once, and counts and failures in the file that
# MUSTER_TALLY names.
package Muster::Tally;
use v5.24;
use warnings;
use List::Util qw(max min sum0);
use parent 'TAP::Formatter::File'; # a line for each file, when it has ended: logs are no terminals

my $MAX_LINES = 20; # of a test file
my $MAX_WIDTH = 300;

my %told; # by test file: its failed assertions, each [name, diagnostics ...], and what stands outside of them

sub open_test {
    my ($self, $name, $parser) = @_;
    my $told = $told{$name} = { failed => [], outside => [] };
    my $into; # the diagnostics of the last assertion, if it failed
    $parser->callback(ALL => sub { $into = _listen($told, $into, $name, $_[0]->raw) });
    return $self->SUPER::open_test($name, $parser);
}

# One line of output. Those of subtests are indented; for prove they are of no known kind.
sub _listen {
    my ($told, $into, $name, $line) = @_;
    $line =~ s/^\s+|\s+$//g;
    if ($line =~ /^not ok\b(?!.*# TODO\b)/) {
        push @{ $told->{failed} }, [$line];
        return $told->{failed}[-1];
    }
    return undef if $line =~ /^(?:ok\b|not ok\b|# Subtest: )/;
    return $into if $line =~ /^(?:1\.\.\d+\b.*|TAP version \d+)?$/ || $line =~ /^#/ && !$into;
    my $lines = $into // $told->{outside};
    shift @$lines if !$into && @$lines >= $MAX_LINES;
    return $into  if @$lines >= $MAX_LINES;
    $line = substr $line, 0, $MAX_WIDTH;
    print {*STDERR} "$name: $line\n";
    # The name is in the line of the assertion; the end of a test says nothing about the last one.
    push @$lines, $line if $line !~ /^#\s+Failed test '|^# Looks like you /;
    return $into;
}

# The lines about a test file: each assertion that failed, as many diagnostics as there is room for.
sub _about {
    my ($parser, $told) = @_;
    my @failed  = @{ $told->{failed} };
    my @outside = @{ $told->{outside} };
    my @errors  = $parser->parse_errors;
    push @outside, 'exit status ' . $parser->exit if $parser->exit && !@failed;
    push @outside, "signal @{[ $parser->wait & 127 ]}" if ($parser->wait // 0) & 127;
    push @outside, @errors > 2 ? @errors[ 0, 1 ] : @errors;
    @outside = @outside[ -10 .. -1 ] if @outside > 10;
    my $room = max(1, $MAX_LINES - @outside);
    my $more = @failed - $room;
    splice @failed, $room if $more > 0;
    my $each = 0;
    $each++ while $each < $MAX_LINES && sum0(map { min($#$_, $each + 1) } @failed) <= $room - @failed;
    my @lines = map { @$_[ 0 .. min($#$_, $each) ] } @failed;
    push @lines, "and $more more" if $more > 0;
    return map { substr $_, 0, $MAX_WIDTH } @lines, @outside;
}

# "passed failed skipped": assertions. One that is skipped or still to do has not passed; a test
# file that breaks without a failed assertion counts as one. Then "failed FILE: COUNT" and, after a bar each,
# the lines about it.
sub summary {
    my ($self, $aggregate, $interrupted) = @_;
    $self->SUPER::summary($aggregate, $interrupted);
    my ($passed, $failed, $skipped) = (0, 0, 0);
    my @bad;
    for my $name (sort $aggregate->descriptions) {
        my ($parser) = $aggregate->parsers($name);
        my %aside = map { $_ => 1 } $parser->skipped, $parser->todo;
        my $bad   = scalar $parser->failed;
        $bad = 1 if !$bad && $parser->has_problems;
        $passed  += grep { !$aside{$_} } $parser->passed;
        $failed  += $bad;
        push @bad, "failed $name: $bad", map { "| $_" } _about($parser, $told{$name}) if $bad;
        $skipped += %aside || ($parser->skip_all ? 1 : 0);
    }
    $failed++ if $interrupted;
    my $path = $ENV{MUSTER_TALLY} // return;
    open my $out, '>>', $path or die "$path: $!\n";
    say {$out} $_ for "$passed $failed $skipped", @bad;
    close $out or die "$path: $!\n";
    return;
}

1;
