# Muster::World: PostgreSQL, muster and a front server in one line, for tests that need just that.
package Muster::World;
use v5.24;
use warnings;
use Muster::Client;
use Muster::Data;
use Muster::Front;
use Muster::Postgres;
use Muster::Server;

# Options: conf (Server's), front => 'nginx' (default), 'lighttpd', 'spawn-fcgi' (nginx before it),
# 'bin-path' (lighttpd starts muster) or undef for none; front_options => {}; data => 0 leaves the
# example inventory out; postgres => a running one, with database => its database's name.
sub new {
    my ($class, %option) = @_;
    my $front = exists $option{front} ? $option{front} : 'nginx';
    my %via   = ('spawn-fcgi' => 'spawn-fcgi', 'bin-path' => 'front');
    my $self  = bless {}, $class;
    $self->{postgres} = $option{postgres} // Muster::Postgres->new;
    $self->{server}   = Muster::Server->new(
        postgres => $self->{postgres},
        conninfo => $self->{postgres}->conninfo($option{database}),
        conf     => $option{conf},
        via      => $via{ $front // '' },
        start    => 0,
    );
    Muster::Data::load_example($self->{postgres}, defined $option{database} ? (database => $option{database}) : ())
        if $option{data} // 1;
    $self->{server}->start unless ($front // '') eq 'bin-path';
    if (defined $front) {
        $self->{front} = Muster::Front->new(
            server   => $self->{server},
            kind     => $front =~ /lighttpd|bin-path/ ? 'lighttpd' : 'nginx',
            bin_path => $front eq 'bin-path',
            %{ $option{front_options} // {} },
        );
        $self->{client} = $self->{front}->client;
    }
    return $self;
}

sub postgres { return $_[0]{postgres} }
sub server   { return $_[0]{server} }
sub front    { return $_[0]{front} }
sub client   { return $_[0]{client} }

# Front server first, so that muster is idle when it is told to end.
sub stop {
    my ($self) = @_;
    $self->{front}->stop  if $self->{front};
    $self->{server}->stop if $self->{server}{process};
    $self->{postgres}->stop;
    return;
}

1;
