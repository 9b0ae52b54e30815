# Muster::Description: is a response as the server's OpenAPI description says?
package Muster::Description;
use v5.24;
use warnings;
use B ();
use JSON::PP ();
use Muster::Process ();

# Items of a list that are looked at, and bytes of a body that the client leaves undecoded.
my $MOST = 50;
my $LONG = 100_000;

# Of a decoded description; that of the default mounts if there is none.
sub new {
    my ($class, $document) = @_;
    $document //= _default();
    my $self = bless { document => $document }, $class;
    for my $path (sort keys %{ $document->{paths} }) {
        my @words = grep { length } split m{/}, $path;
        push @{ $self->{paths} }, { words => \@words, many => scalar($path =~ m{^/preferences/.*\{key\}$}), operations => $document->{paths}{$path} };
    }
    return $self;
}

my $default;

sub _default {
    return $default //= do {
        open my $in, '-|', Muster::Process::build_dir() . '/t/tables', 'openapi' or die "t/tables: $!\n";
        local $/;
        JSON::PP->new->utf8->decode(<$in> =~ s/\A.*?\r?\n\r?\n//sr);
    };
}

# The operation that answers, or undef: the path is not described, or has not this method.
sub operation {
    my ($self, $method, $target) = @_;
    my $path = $target =~ s/[?#].*//sr;
    # lighttpd takes a second question mark for the end of the path.
    return if $target =~ /\?.*\?/s || $path !~ m{^/} || $path =~ m{//|/\.|%2e}i || $method eq 'OPTIONS';
    my @segments = grep { length } split m{/}, $path;
    my ($best, $most) = (undef, -1);
    for my $candidate (@{ $self->{paths} }) {
        my $literals = _fits($candidate, \@segments);
        ($best, $most) = ($candidate, $literals) if $literals > $most;
    }
    my $operations = ($best // return)->{operations};
    return $operations->{ lc $method } // ($method eq 'HEAD' ? $operations->{get} : undef);
}

# Words without braces that are the same, -1: another path.
sub _fits {
    my ($candidate, $segments) = @_;
    my @words = @{ $candidate->{words} };
    return -1 if $candidate->{many} ? @$segments < @words : @$segments != @words;
    my $literals = 0;
    for my $i (0 .. $#words) {
        next if $words[$i] =~ /^\{/;
        return -1 if $words[$i] ne $segments->[$i];
        $literals++;
    }
    return $literals;
}

# What is wrong with the answer to this operation: a list of complaints.
sub check {
    my ($self, $operation, $method, $answer) = @_;
    my $response = $operation->{responses}{ $answer->{status} } // return "status $answer->{status} is not described";
    $response = $self->_resolve($response);
    return if $method eq 'HEAD' || !length $answer->{body};
    my $content = $response->{content} // return 'a body is not described';
    my ($type) = ($answer->{headers}{'content-type'} // '') =~ m{^([^;\s]+)};
    my $media = $content->{ $type // '' } // $content->{ ($type // '') =~ s{/.*}{/*}r };
    return "type @{[ $type // '(none)' ]} is not described" if !$media;
    return if $answer->{headers}{'content-encoding'}; # by the front server
    return if $type ne 'application/json' || !exists $answer->{json} && length $answer->{body} > $LONG;
    my $json = exists $answer->{json} ? $answer->{json} : eval { JSON::PP->new->utf8->allow_nonref->decode($answer->{body}) };
    return $self->validate($media->{schema}, $json, '');
}

sub _resolve {
    my ($self, $node) = @_;
    while (my $ref = $node->{'$ref'}) {
        my ($kind, $name) = $ref =~ m{^#/components/(\w+)/([\w-]+)$} or die "a strange reference: $ref\n";
        $node = $self->{document}{components}{$kind}{$name} // die "nothing is at $ref\n";
    }
    return $node;
}

sub _type {
    my ($value) = @_;
    return 'null'    if !defined $value;
    return 'boolean' if JSON::PP::is_bool($value);
    return ref $value eq 'HASH' ? 'object' : 'array' if ref $value && ref $value ne 'Math::BigInt' && ref $value ne 'Math::BigFloat';
    my $flags = B::svref_2object(\$value)->FLAGS;
    return 'string' if !ref $value && !($flags & (B::SVp_IOK | B::SVp_NOK));
    return $value =~ /^-?\d+$/ ? 'integer' : 'number';
}

# Complaints about a value. A member that is not described is one here, though not for clients.
sub validate {
    my ($self, $schema, $value, $at) = @_;
    $schema = $self->_resolve($schema);
    for my $word (qw(oneOf anyOf)) {
        my $choices = $schema->{$word} or next;
        my @complaints = map { [ $self->validate($_, $value, $at) ] } @$choices;
        my $fitting = grep { !@$_ } @complaints;
        return "$at: fits $fitting of $word" if $word eq 'oneOf' ? $fitting > 1 : 0;
        next if $fitting;
        # Those of the choice that is of the right type say most.
        my ($nearest) = grep { $_->[0] !~ /^\Q$at\E: is \w+, not / } @complaints;
        return @{ $nearest // $complaints[0] };
    }
    return if !defined $value && $schema->{nullable};
    my $type = _type($value);
    my $wanted = $schema->{type};
    return "$at: is $type, not $wanted" if defined $wanted && $type ne $wanted && !($wanted eq 'number' && $type eq 'integer');
    return "$at: '$value' is none of the enum" if $schema->{enum} && !grep { $_ eq $value } @{ $schema->{enum} };
    return "$at: does not match $schema->{pattern}" if defined $schema->{pattern} && !ref $value && $value !~ /$schema->{pattern}/;
    return $self->_members($schema, $value, $at) if $type eq 'object';
    return if $type ne 'array' || !$schema->{items};
    my $last = @$value < $MOST ? $#$value : $MOST - 1;
    return map { $self->validate($schema->{items}, $value->[$_], "$at/$_") } 0 .. $last;
}

sub _members {
    my ($self, $schema, $value, $at) = @_;
    my $others = $schema->{additionalProperties};
    my $known  = $schema->{properties} // {};
    my @complaints = map { "$at: $_ is missing" } grep { !exists $value->{$_} } @{ $schema->{required} // [] };
    for my $name (sort keys %$value) {
        my $member = $known->{$name} // $others;
        if ($member) { push @complaints, $self->validate($member, $value->{$name}, "$at/$name") }
        elsif (%$known) { push @complaints, "$at/$name: is not described" }
    }
    return @complaints;
}

# --- whatever the test client gets ------------------------------------------------------------------

# Complaints of all processes of a test, and operations with their statuses of all tests.
my ($pid, $wrong, $log, %seen, $description) = ($$);

sub _append {
    my ($path, $line) = @_;
    open my $out, '>>', $path or die "$path: $!\n";
    syswrite $out, "$line\n";
    return;
}

# Before clients are started that may be children; each of them would read the description, if it is used.
sub begin {
    my ($used) = @_;
    return if $pid != $$;
    $wrong       //= Muster::Process::temp_dir() . '/not-as-described';
    $description //= Muster::Description->new if $used;
    return;
}

sub note {
    my ($method, $target, $answer) = @_;
    return if !defined $wrong || $answer->{error} || !$answer->{complete};
    $description //= Muster::Description->new;
    $log         //= Muster::Process::build_dir() . '/t/described';
    my $operation = $description->operation($method, $target) // return;
    # A front server's own refusal is HTML.
    return if ($answer->{headers}{'content-type'} // '') =~ m{^text/html} && $answer->{status} != 200 && $answer->{status} != 410;
    my $key = "$operation->{operationId} $answer->{status}";
    _append($log, $key) if !$seen{$key}++;
    my @complaints = $description->check($operation, $method, $answer);
    return if !@complaints;
    my $text = "$method " . substr($target, 0, 200) . " $answer->{status}: " . join '; ', @complaints[ 0 .. ($#complaints < 4 ? $#complaints : 4) ];
    utf8::encode($text) if utf8::is_utf8($text);
    _append($wrong, $text =~ s/\n/ /gr);
    return;
}

END {
    if (defined $pid && $pid == $$ && defined $wrong && open my $in, '<', $wrong) {
        print STDERR "# not as described: $_" while <$in>;
        $? ||= 1;
    }
}

1;
