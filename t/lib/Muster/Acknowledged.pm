# Muster::Acknowledged: writers tell readers in other processes which number each of their things has for certain.
package Muster::Acknowledged;
use v5.24;
use warnings;
use Muster::Process qw(spew temp_dir);

# The names of what is written; all begin with 0.
sub new {
    my ($class, @names) = @_;
    my $self = bless { names => \@names, place => { map { $names[$_] => $_ } 0 .. $#names }, file => temp_dir() . '/acknowledged' }, $class;
    return $self->clear;
}

# Before the processes begin.
sub clear {
    my ($self) = @_;
    spew($self->{file}, pack 'Q*', (0) x @{ $self->{names} });
    return $self;
}

# Of each process its own, as the position is the descriptor's.
sub _file {
    my ($self) = @_;
    return $self->{open}{$$} //= do { open my $file, '+<', $self->{file} or die "$self->{file}: $!"; $file };
}

# The response to a write of this number has come; 1.
sub note {
    my ($self, $name, $number) = @_;
    sysseek $self->_file, 8 * $self->{place}{$name}, 0;
    syswrite $self->_file, pack 'Q', $number;
    return 1;
}

# Name => number: what is read from now on must not be less.
sub least {
    my ($self) = @_;
    sysseek $self->_file, 0, 0;
    sysread $self->_file, my $bytes, 8 * @{ $self->{names} };
    my %least;
    @least{ @{ $self->{names} } } = unpack 'Q*', $bytes;
    return %least;
}

1;
