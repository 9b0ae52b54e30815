# Muster::Question: the query language once more, for tests: random questions with what they mean, over
# the rows of a database.
package Muster::Question;
use v5.24;
use warnings;
use JSON::PP ();
use List::Util qw(any);
use Muster::Json qw(pick);

# Of the rows of a postgres; drivers: {name => parent}; more for its psql: database.
sub new {
    my ($class, $postgres, $parents, @more) = @_;
    my $read = sub { JSON::PP->new->utf8->decode(scalar $postgres->psql("select coalesce(json_agg(x order by 1), '[]') from ($_[0]) x", @more)) };
    my $self = bless { entities => $read->('select entity_id as id, name, driver, type from entities where deleted_at_version is null') }, $class;
    $self->{by_id} = { map { $_->{id} => $_ } @{ $self->{entities} } };
    for my $row (@{ $read->(q{select attr_id, entity_id as owner, key, subkey, number, datatype, int_value as int, string_value as string, to_char(datetime_value, 'YYYY-MM-DD"T"HH24:MI:SS') || case when date_trunc('second', datetime_value) <> datetime_value then to_char(datetime_value, '.US') else '' end as date, relation_id as relation from entity_attrs where deleted_at_version is null}) }) {
        push @{ $self->{attrs}{ $row->{owner} } }, $row;
        next unless ($row->{key} // '') eq '_contains' && defined $row->{relation};
        push @{ $self->{members}{ $row->{owner} } },       $row->{relation};
        push @{ $self->{containers}{ $row->{relation} } }, $row->{owner};
    }
    for my $driver (keys %$parents) {
        for (my $above = $driver; length $above; $above = $parents->{$above} // '') {
            $self->{is}{$driver}{$above} = 1;
        }
    }
    return $self;
}

# The objects that the function accepts, as their paths in the order of their ids.
sub find {
    my ($self, $accepts) = @_;
    return [ map { "/$_->{driver}/$_->{name}" } grep { $accepts->($_) } sort { $a->{id} <=> $b->{id} } @{ $self->{entities} } ];
}

# Ids that are reached from those of the objects; the objects themselves only by a circle.
sub reached {
    my ($self, $steps, $directly, @from) = @_;
    my %seen;
    my @at = map { $_->{id} } @from;
    while (defined(my $id = shift @at)) {
        next unless $self->{by_id}{$id};
        for my $next (@{ $self->{$steps}{$id} // [] }) {
            next if $seen{$next}++;
            push @at, $next unless $directly;
        }
    }
    return \%seen;
}

# Rows that the function finds of the object and of what it is in, of each subkey those of the nearest.
sub nearest {
    my ($self, $find, $id) = @_;
    my (%seen, %has, @all);
    my @at = ($id);
    while (@at = grep { $self->{by_id}{$_} && !$seen{$_}++ } @at) {
        my @found = grep { !$has{ $_->{subkey} // '/' } } map { $find->($_) } @at;
        $has{ $_->{subkey} // '/' } = 1 for @found;
        push @all, @found;
        @at = map { @{ $self->{containers}{$_} // [] } } @at;
    }
    return @all;
}

# --- values ----------------------------------------------------------------------------------------

sub value_text {
    my ($self, $attr) = @_;
    return $attr->{int}  if $attr->{datatype} eq 'int';
    return $attr->{date} if $attr->{datatype} eq 'datetime';
    return $attr->{string} unless $attr->{datatype} eq 'relation';
    my $to = $self->{by_id}{ $attr->{relation} // 0 } or return;
    return "/$to->{driver}/$to->{name}";
}

sub number_of {
    my ($text) = @_;
    return $text if $text =~ /\A[-+]?[0-9]+\z/;
    return $1 * 1024**(1 + index 'KMGT', $2) if $text =~ /\A([0-9]+)([KMGT])\z/;
    return;
}

sub date_of {
    my ($text) = @_;
    return $text =~ /\A\d{4}-\d\d-\d\d\z/ ? "${text}T00:00:00" : $text =~ /\A(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{6})?)\z/ ? "$1T$2" : undef;
}

my %ORDER = ('<' => sub { $_[0] < 0 }, '<=' => sub { $_[0] <= 0 }, '>' => sub { $_[0] > 0 }, '>=' => sub { $_[0] >= 0 });

# Does the value fulfil the operator? $value: {text, quoted}; $is: int, datetime, text (a string).
sub fits {
    my ($text, $is, $operator, $value) = @_;
    my $wanted = $value->{text};
    return 0 unless defined $text;
    return index($text, $wanted) == 0 if $operator eq '^';
    return index($text, $wanted) >= 0 if $operator eq '~';
    if ($operator eq 'like') {
        my $pattern = join '', map { $_ eq '*' ? '.*' : $_ eq '?' ? '.' : quotemeta } split //, $wanted;
        return $text =~ /\A$pattern\z/s;
    }
    if (my $order = $ORDER{$operator}) {
        my $number = $value->{quoted} ? undef : number_of($wanted);
        my $date   = date_of($wanted);
        return $order->($text <=> $number) if defined $number && ($is eq 'int' || $is eq 'text' && $text =~ /\A-?[0-9]+\z/);
        return $order->($text cmp $date) if defined $date && $is eq 'datetime';
        return $order->($text cmp $wanted);
    }
    return 1 if $text eq $wanted && $is ne 'datetime';
    return 1 if $is eq 'int' && !$value->{quoted} && $wanted =~ /[KMGT]\z/ && defined number_of($wanted) && number_of($wanted) == $text;
    return $is eq 'datetime' && defined date_of($wanted) && date_of($wanted) eq $text;
}

# --- tests: each gives its text and a function of an object -----------------------------------------

sub shown {
    my ($value) = @_;
    return $value->{text} unless $value->{quoted};
    return q{'} . $value->{text} =~ s/(['\\])/\\$1/gr . q{'};
}

sub some_value {
    my (@texts) = @_;
    my $text   = pick(@texts);
    my $plain  = $text =~ m{\A[\w.:/*?\@%-]+\z}a && $text ne '-';
    return { text => $text, quoted => $plain ? rand() < 0.2 : 1 };
}

sub some_operator { return pick('=', '=', '=', '==', 'is', '!=', '<>', 'isnt', '<', '<=', '>', '>=', '^', 'startswith', '~', 'contains', 'like', 'in', 'exists') }

my %MEANS = ('==' => '=', is => '=', '<>' => '!=', isnt => '!=', startswith => '^', contains => '~');

# An operator and its values: its text, and what it is for a list of [text, is].
sub some_condition {
    my (@texts) = @_;
    my $written  = some_operator();
    my $operator = $MEANS{$written} // $written;
    return ('exists', sub { return @_ > 0 }) if $operator eq 'exists';
    my @values = map { some_value(@texts) } 1 .. ($operator eq 'in' ? 1 + rand 4 : 1);
    $values[0]{text} =~ s/(?<=.).*/*/s, $values[0]{quoted} = 1 if $operator eq 'like' && rand() < 0.5;
    my $negative = $operator eq '!=';
    my $by       = $negative || $operator eq 'in' ? '=' : $operator;
    my $accepts  = sub {
        my @all  = @_;
        my $fits = any { my $one = $_; any { fits(@$one, $by, $_) } @values } @all;
        return $negative ? !$fits : $fits;
    };
    my $list = $operator eq 'in' ? '(' . join(pick(',', ', '), map { shown($_) } @values) . ')' : shown($values[0]);
    return ("$written $list", $accepts);
}

sub some_test {
    my ($self) = @_;
    my @names  = map { $_->{name} } @{ $self->{entities} };
    my $kind   = pick(qw(name driver type ip net is within directly has refers container container attr attr attr attr all));
    return ('all', sub { 1 }) if $kind eq 'all';
    if ($kind =~ /^(?:name|driver|type)$/) {
        my ($text, $accepts) = some_condition(map { ($_->{$kind}, substr($_->{$kind}, 0, 2)) } @{ $self->{entities} });
        return ("$kind $text", sub { $accepts->([ $_[0]{$kind}, 'text' ]) });
    }
    if ($kind eq 'is') {
        my $driver = pick(keys %{ $self->{is} });
        return ("is $driver", sub { $self->{is}{ $_[0]{driver} }{$driver} || $_[0]{driver} eq $driver });
    }
    if ($kind =~ /^(?:within|directly|has)$/) {
        my $name    = pick(@names);
        my $reached = $self->reached($kind eq 'has' ? 'containers' : 'members', $kind eq 'directly', grep { $_->{name} eq $name } @{ $self->{entities} });
        my $word    = $kind eq 'directly' ? 'directly within' : $kind;
        return ("$word " . shown({ text => $name, quoted => 1 }), sub { $reached->{ $_[0]{id} } });
    }
    if ($kind eq 'refers') {
        my $name = pick(@names);
        return ('refers ' . shown({ text => $name, quoted => 1 }), sub {
            any { ($_->{key} // '') !~ /^_/ && (($self->{by_id}{ $_->{relation} // 0 } // {})->{name} // '') eq $name } @{ $self->{attrs}{ $_[0]{id} } // [] };
        });
    }
    if ($kind eq 'container') {
        my $type = pick(qw(pool rack server));
        my ($text, $accepts) = some_condition(map { $_->{name} } grep { $_->{type} eq $type } @{ $self->{entities} });
        my $negative = $text =~ /^(?:!=|<>|isnt)/;
        my @fit = grep { $_->{type} eq $type && ($negative xor $accepts->([ $_->{name}, 'text' ])) } @{ $self->{entities} };
        my $reached = $self->reached('members', 0, @fit);
        return ("$type $text", sub { $negative xor $reached->{ $_[0]{id} } });
    }
    return $self->some_address($kind) if $kind =~ /^(?:ip|net)$/;
    return $self->some_attr;
}

sub address_number { return unpack 'N', pack 'C4', split /\./, $_[0] }

sub some_address {
    my ($self, $kind) = @_;
    my @rows = grep { ($_->{key} // '') eq 'ip' } map { @$_ } values %{ $self->{attrs} };
    my @all  = map { $_->{string} } grep { ($_->{subkey} // '') eq 'ipstring' } @rows;
    my $of   = sub { return grep { ($_->{key} // '') eq 'ip' } @{ $self->{attrs}{ $_[0]{id} } // [] } };
    if ($kind eq 'net') {
        my @list = map { [ pick(@all), rand() < 0.7 ? int rand 33 : undef ] } 1 .. 1 + rand 4;
        my $fits = sub {
            my ($row, $base, $bits) = @_;
            return ($row->{subkey} // '') eq 'ipstring' && $row->{string} eq $base unless defined $bits;
            my $mask = $bits ? 0xffffffff << (32 - $bits) & 0xffffffff : 0;
            return !defined $row->{subkey} && $row->{datatype} eq 'int' && (($row->{int} + 2**31) & $mask) == (address_number($base) & $mask);
        };
        my $text = join ', ', map { defined $_->[1] ? "$_->[0]/$_->[1]" : $_->[0] } @list;
        $text = "($text)" if @list > 1 || !defined $list[0][1] || rand() < 0.2;
        return ("ip in $text", sub { any { my $row = $_; any { $fits->($row, @$_) } @list } $of->(@_) });
    }
    my ($text, $accepts) = some_condition(@all);
    if ($text =~ /^([<>]=?) '?([0-9.]+)/) {
        my ($order, $number) = ($ORDER{$1}, address_number($2));
        return ("ip $text", sub { any { !defined $_->{subkey} && $_->{datatype} eq 'int' && $order->($_->{int} + 2**31 <=> $number) } $of->(@_) });
    }
    return ("ip $text", sub { $accepts->(map { [ $_->{string}, 'text' ] } grep { ($_->{subkey} // '') eq 'ipstring' } $of->(@_)) });
}

sub some_attr {
    my ($self) = @_;
    my $like = pick(map { @$_ } values %{ $self->{attrs} });
    my ($key, $subkey, $number) = ($like->{key}, rand() < 0.4 ? $like->{subkey} : undef, rand() < 0.2 ? $like->{number} : undef);
    my @rows = grep { ($_->{key} // '') eq $key } map { @$_ } values %{ $self->{attrs} };
    my @texts = map { my $t = $self->value_text($_); defined $t ? ($t, $t, substr $t, 0, 3) : () } @rows;
    my ($text, $accepts) = some_condition((grep { length } @texts), '5', '10', '10000000000000000000', '2K', '2024-02-29', 'zebra');
    my $part = sub { $_[0] =~ /\A\w+\z/a && rand() < 0.7 ? $_[0] : shown({ text => $_[0], quoted => 1 }) };
    my $path = $part->($key) . (defined $subkey ? '.' . $part->($subkey) : '') . (defined $number ? ":$number" : '');
    my $inherited = rand() < 0.3;
    return (($inherited ? 'attr inherited ' : 'attr ') . "$path $text", sub {
        my $fits = sub { my ($id) = @_; return grep { ($_->{key} // '') eq $key && (!defined $subkey || ($_->{subkey} // '') eq $subkey) } @{ $self->{attrs}{$id} // [] } };
        my @mine = $inherited && $key !~ /^_/ ? $self->nearest($fits, $_[0]{id}) : $fits->($_[0]{id});
        return $accepts->(map { [ scalar $self->value_text($_), $_->{datatype} eq 'string' ? 'text' : $_->{datatype} ] } grep { !defined $number || ($_->{number} // -1) == $number } @mine);
    });
}

# A random question of at most so many tests: its text, and a function of an object.
sub random {
    my ($self, $most) = @_;
    my $deep = rand();
    if ($most <= 1 || $deep < 0.25) {
        return $self->some_test;
    }
    if ($deep < 0.4) {
        my ($text, $accepts) = $self->random($most - 1);
        return (pick('not', 'NOT', '!') . " ($text)", sub { !$accepts->(@_) });
    }
    my $left = 1 + int rand($most - 1);
    my @text = ($self->random($left), $self->random($most - $left));
    my ($a, $is_a, $b, $is_b) = @text;
    my $word = pick('and', 'and', '&', 'or', 'or', '|', '-', 'And', 'OR');
    my $space = pick(' ', ' ', "\n", "\t ");
    return ("($a)$space$word$space($b)", lc $word eq 'or' || $word eq '|' ? sub { $is_a->(@_) || $is_b->(@_) } : $word eq '-' ? sub { $is_a->(@_) && !$is_b->(@_) } : sub { $is_a->(@_) && $is_b->(@_) });
}

1;
