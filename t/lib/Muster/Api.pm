# Muster::Api: a Muster::World that can be had afresh, and questions to it in one line.
package Muster::Api;
use v5.24;
use warnings;
use Carp qw(croak);
use JSON::PP ();
use Muster::Client;
use Muster::Postgres;
use Muster::World;

# Options: conf (the server's settings). Nothing runs before fresh().
sub new {
    my ($class, %option) = @_;
    return bless { conf => $option{conf}, postgres => Muster::Postgres->new(database => undef), count => 0 }, $class;
}

# The example inventory in a database of its own, with a server and nginx of its own; what was there
# before is stopped.
sub fresh {
    my ($self) = @_;
    $self->stop;
    my $name = $self->{database} = $self->{postgres}->create_database('fresh' . ++$self->{count});
    $self->{world} = Muster::World->new(
        postgres      => $self->{postgres},
        database      => $name,
        conf          => $self->{conf},
        front_options => { cors => 0 },
    );
    return $self;
}

sub stop {
    my ($self) = @_;
    my $world = delete $self->{world} or return;
    $world->front->stop;
    $world->server->stop;
    return;
}

sub world   { return $_[0]{world} }
sub url     { return $_[0]{world}->front->url }
sub version { return $_[0]{version} //= $_[0]->ask(GET => '/__version__')->{json} }

# One request: Muster::Client's, but form and query are lists of pairs (an empty one is none), json is the text
# itself, and a header with the value undef is not sent.
sub ask {
    my ($self, $method, $path, %option) = @_;
    my %headers = %{ $option{headers} // {} };
    delete $headers{$_} for grep { !defined $headers{$_} } keys %headers;
    my %request = (headers => \%headers);
    $request{query} = $option{query} if @{ $option{query} // [] };
    $request{form}  = $option{form}  if @{ $option{form}  // [] };
    $request{body}  = $option{body}  if defined $option{body};
    @request{qw(body type)} = ($option{json}, 'application/json') if defined $option{json};
    my $answer = $self->{world}->client->request($method, $path, %request);
    croak "$method $path: $answer->{error}" if defined $answer->{error};
    return $answer;
}

# What an error says: the JSON string of its body, or undef where it is none.
sub message {
    my ($self, $answer) = @_;
    my $message = $answer->{json};
    return defined $message && !ref $message ? $message : undef;
}

# The options of a request in a few words, for titles.
sub brief {
    my ($self, $option) = @_;
    my %headers = %{ $option->{headers} // {} };
    my @words = map { "$_: $headers{$_}" } sort keys %headers;
    push @words, Muster::Client::form_encode($option->{form}) if $option->{form};
    push @words, $option->{json} // (), $option->{body} // ();
    my $text = join ' ', map { length > 80 ? substr($_, 0, 77) . '...' : $_ } @words;
    return $text =~ s/([^ -~])/sprintf '\x%02x', ord $1/ger;
}

# Every row of the inventory, as one text. The counters of clustometa are left out: they number the
# rows of allocations and go on when one fails, as sequences do.
sub fingerprint {
    my ($self) = @_;
    my @tables = ('clustoversioning', 'entities', 'entity_attrs', 'counters where entity_id > 1');
    return join "\n", map { scalar $self->{postgres}->psql("select * from $_ order by 1", database => $self->{database}) } @tables;
}

1;
