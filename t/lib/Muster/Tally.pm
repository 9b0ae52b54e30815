# Muster::Tally: what prove prints, and one line of counts more in the file MUSTER_TALLY names.
package Muster::Tally;
use v5.24;
use warnings;
use parent 'TAP::Formatter::Console';

# "passed failed skipped": assertions. One that is skipped or still to do has not passed; a test
# file that breaks without a failed assertion counts as one.
sub summary {
    my ($self, $aggregate, $interrupted) = @_;
    $self->SUPER::summary($aggregate, $interrupted);
    my ($passed, $failed, $skipped) = (0, 0, 0);
    my @bad;
    for my $name ($aggregate->descriptions) {
        my ($parser) = $aggregate->parsers($name);
        my %aside = map { $_ => 1 } $parser->skipped, $parser->todo;
        my $bad   = scalar $parser->failed;
        $bad = 1 if !$bad && $parser->has_problems;
        $passed  += grep { !$aside{$_} } $parser->passed;
        $failed  += $bad;
        push @bad, "failed $name $bad" if $bad;
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
