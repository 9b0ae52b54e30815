# Muster::Source: what 00-house.t sees in C sources and in the objects that are made of them.
# The layout of .clang-format is taken for granted.
package Muster::Source;
use v5.24;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(circles controls fields functions includes symbols without_comments without_strings);

# Lines stay where they are.
sub without_comments {
    my ($text) = @_;
    return $text =~ s{("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+')|/\*.*?\*/|//[^\n]*}{$1 // ($& =~ s/[^\n]//gr)}gser;
}

# Without comments either.
sub without_strings {
    my ($text) = @_;
    return without_comments($text) =~ s/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'/""/gr;
}

# Each as ['"' or '<', name].
sub includes {
    my ($text) = @_;
    return map { /^\s*#\s*include\s*([<"])([^>"]+)/ ? [ $1, $2 ] : () } split /\n/, $text;
}

# Each as [name, first line, length].
sub functions {
    my ($text) = @_;
    my (@found, $head, $head_line, $start, $name);
    my $line = 0;
    for (split /\n/, without_comments($text)) {
        $line++;
        if (defined $start) {
            next unless /^\}/;
            push @found, [ $name, $start, $line - $start + 1 ] if /^\}\s*$/ && defined $name;
            undef $start;
            next;
        }
        if (/^[A-Za-z_]/) {
            ($head, $head_line) = ('', $line);
        }
        elsif (/^#/ || /^\s*$/) {
            undef $head;
            next;
        }
        next unless defined $head;
        $head .= " $_";
        undef $head, next if /;\s*$/;
        next unless /\{\s*$/;
        # "(" after a name and no "=": a function; anything else is data or a type.
        $name  = $head !~ /=|\b(?:struct|enum|union)\s+\w*\s*\{/ && $head =~ /(\w+)\s*\(/ ? $1 : undef;
        $start = $head_line;
        undef $head;
    }
    return @found;
}

# The line on which the parentheses that line $i opens are closed, and what follows them there.
sub _head {
    my ($lines, $i, $rest) = @_;
    my $depth = 0;
    while (1) {
        while ($rest =~ /([()])/g) {
            $depth += $1 eq '(' ? 1 : -1;
            return ($i, substr $rest, pos $rest) if $depth == 0;
        }
        return if ++$i > $#$lines;
        $rest = $lines->[$i];
    }
}

sub _indent {
    return length($_[0] =~ s/\S.*//sr);
}

# if, else, for, while and do with their bodies, by the index of their first line: {line, word, braced,
# simple, next}. A simple body is one statement that has neither braces nor an else of its own, without a
# comment on a line of its own; `next` is the line of the else that belongs to it.
sub _controls {
    my ($text) = @_;
    my @lines = split /\n/, without_strings($text);
    my @said  = split /\n/, $text;
    my (%found, $macro);
    for my $i (0 .. $#lines) {
        my $inside = $macro;
        $macro = $said[$i] =~ /\\$/ && ($inside || $said[$i] =~ /^\s*#/);
        next if $inside || $lines[$i] !~ /^(\s*)(\} )?(else if|else|if|for|while|do)\b/ || ($2 && $3 eq 'while');
        my ($indent, $word, $end, $rest) = (length $1, $3, $i, substr $lines[$i], $+[0]);
        ($end, $rest) = _head(\@lines, $i, $rest) or next unless $word eq 'else' || $word eq 'do';
        next unless $rest =~ /^\s*(\{?)\s*$/;
        my ($braced, $last) = ($1 ne '', $end + 1);
        $last++ while $last <= $#said && ($said[$last] !~ /\S/ || _indent($said[$last]) > $indent);
        my @body   = grep { $said[$_] =~ /\S/ } $end + 1 .. $last - 1;
        my $simple = @body && !(grep { $lines[$_] !~ /\S/ || $lines[$_] =~ /\{$|^#/ } @body)
            && 1 == grep { _indent($said[$_]) <= $indent + 4 } @body;
        my $next = ($lines[$last] // '') =~ /^\s*(?:\} )?else\b/ ? $last : undef;
        $found{$i} = { line => $i + 1, word => $word, braced => $braced, simple => $simple, next => $next };
    }
    return \%found;
}

# An if with its else branches, or a loop: a list of what _controls says of each.
sub controls {
    my ($text) = @_;
    my $found = _controls($text);
    my @chains;
    for my $i (sort { $a <=> $b } keys %$found) {
        next if $found->{$i}{word} =~ /^else/;
        my @chain = ($found->{$i});
        while (defined $chain[-1]{next} && $found->{ $chain[-1]{next} }) {
            push @chain, $found->{ $chain[-1]{next} };
        }
        push @chains, \@chain;
    }
    return @chains;
}

# The fields that a text declares in its structs and unions, and the text without those bodies.
sub fields {
    my ($text) = @_;
    my @fields;
    $text = without_strings($text) =~ s/^\s*#(?:.*\\\n)*.*$//gmr;
    my $body = qr/(\{(?:[^{}]++|(?1))*\})/;
    $text =~ s{\b((?:struct|union)\b(?:\s+\w+)?\s*)$body}{
        my ($head, $inside) = ($1, $2);
        1 while $inside =~ s/\b(?:struct|union)\b(?:\s+\w+)?\s*\{([^{}]*)\}\s*(\w*)/$1; int $2/;
        $inside =~ s/\benum\b(?:\s+\w+)?\s*\{[^{}]*\}/int/g;
        push @fields, map { /\(\*\s*(\w+)/ ? $1 : map { /(\w+)\s*(?:\[.*\]\s*)*(?::\s*\d+\s*)?$/ ? $1 : () } split /,/ }
            grep { /\w\W+\w/ } split /;/, $inside =~ s/^\{|\}$//gr =~ s/__attribute__\s*\(\(.*?\)\)//gr;
        "$head;";
    }ge;
    return (\@fields, $text);
}

# What the objects of sources ("room/stem") below a build export and what they take from others:
# "room/stem" => { defines => {name => 1}, wants => {name => 1} }.
sub symbols {
    my ($build, @sources) = @_;
    my %file;
    for my $source (@sources) {
        my ($above, $stem) = "src/$source" =~ m{(.*)/(.*)};
        # automake puts a program's name before it if the program has flags of its own
        my ($object) = grep { -f } "$build/$above/$stem.o", glob "$build/$above/*-$stem.o";
        $file{$source} = { defines => {}, wants => {} };
        for (defined $object ? qx(nm '$object') : ()) {
            my ($type, $name) = /^\S*\s+(\w)\s+([A-Za-z]\w*)$/ or next;
            $file{$source}{ $type eq 'U' ? 'wants' : 'defines' }{$name} = 1 if $type =~ /[BDRTUV]/;
        }
    }
    return \%file;
}

# The circles of a graph (node => {node => 1}): each as the sorted nodes that reach one another.
sub circles {
    my ($graph) = @_;
    my %reach;
    for my $node (keys %$graph) {
        my @todo = ($node);
        while (defined(my $at = pop @todo)) {
            push @todo, grep { !$reach{$node}{$_}++ } keys %{ $graph->{$at} // {} };
        }
    }
    my (%seen, @circles);
    for my $node (sort keys %$graph) {
        next if $seen{$node} || !$reach{$node}{$node};
        my @all = sort grep { $_ eq $node || ($reach{$node}{$_} && ($reach{$_} // {})->{$node}) } keys %$graph;
        $seen{$_} = 1 for @all;
        push @circles, \@all;
    }
    return @circles;
}

1;
