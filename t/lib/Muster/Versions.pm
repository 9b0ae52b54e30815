# Muster::Versions: the versions that writes make.
package Muster::Versions;
use v5.24;
use warnings;
use Exporter 'import';
use Test::More ();

our @EXPORT_OK = qw(made must);

# Asserts that a write was done; the version that it made, 0 if it made none.
sub made {
    my ($answer) = @_;
    Test::More::like($answer->{status}, qr/^20/, 'a write') or Test::More::diag($answer->{body});
    return $answer->{headers}{'clusto-version'} // 0;
}

# The same without an assertion: it dies if the write was not done.
sub must {
    my ($answer) = @_;
    $answer->{status} =~ /^20/ or die "$answer->{status} $answer->{body}";
    return $answer->{headers}{'clusto-version'};
}

1;
