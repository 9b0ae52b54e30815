# Muster::Json: JSON values with their numbers as written, a generator of them, and what writes do to them.
# A value is [ kind => content ]: [ n => '1.50' ], [ s => text ], [ l => 'null' ], [ a => [...] ], [ o => {...} ].
package Muster::Json;
use v5.24;
use warnings;
use Carp qw(croak);
use Exporter 'import';

our @EXPORT_OK = qw(canonical clone decode depth encode json_patch merge_patch number_key pick random_key random_value);

# --- texts

# Reads JSON (bytes); dies where it is none. What is refused: what a server must not send.
sub decode {
    my ($bytes) = @_;
    my $text = "$bytes";
    utf8::decode($text) or die "no UTF-8\n";
    pos($text) = 0;
    my $value = _value(\$text);
    $text =~ /\G\s*\z/gc or die 'something follows at ' . pos($text) . "\n";
    return $value;
}

sub _value {
    no warnings 'recursion';
    my ($t) = @_;
    $$t =~ /\G\s+/gc;
    return [ l => $1 ] if $$t =~ /\G(true|false|null)/gc;
    return [ n => $1 ] if $$t =~ /\G(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/gc;
    return [ s => _string($t) ] if $$t =~ /\G(?=")/gc;
    if ($$t =~ /\G\[\s*/gc) {
        my @items;
        return [ a => \@items ] if $$t =~ /\G\]/gc;
        while (1) {
            push @items, _value($t);
            return [ a => \@items ] if $$t =~ /\G\s*\]/gc;
            $$t =~ /\G\s*,/gc or die 'no list at ' . pos($$t) . "\n";
        }
    }
    $$t =~ /\G\{\s*/gc or die 'no value at ' . pos($$t) . "\n";
    my %members;
    return [ o => \%members ] if $$t =~ /\G\}/gc;
    while (1) {
        $$t =~ /\G\s+/gc;
        my $key = _string($t);
        $$t =~ /\G\s*:/gc or die 'no object at ' . pos($$t) . "\n";
        $members{$key} = _value($t);
        return [ o => \%members ] if $$t =~ /\G\s*\}/gc;
        $$t =~ /\G\s*,/gc or die 'no object at ' . pos($$t) . "\n";
    }
}

my %escapes = ('"' => '"', '\\' => '\\', '/' => '/', b => "\b", f => "\f", n => "\n", r => "\r", t => "\t");

sub _string {
    my ($t) = @_;
    my $text = '';
    $$t =~ /\G"/gc or die 'no string at ' . pos($$t) . "\n";
    while (1) {
        if    ($$t =~ /\G([^"\\\x00-\x1f]+)/gc) { $text .= $1 }
        elsif ($$t =~ /\G\\(["\\\/bfnrt])/gc)   { $text .= $escapes{$1} }
        elsif ($$t =~ /\G\\u([Dd][89ABab]..)\\u([Dd][C-Fc-f]..)/gc) {
            $text .= chr(0x10000 + ((hex($1) & 0x3ff) << 10) + (hex($2) & 0x3ff));
        }
        elsif ($$t =~ /\G\\u([0-9A-Fa-f]{4})/gc) { $text .= chr hex $1 }
        elsif ($$t =~ /\G"/gc)                   { return $text }
        else                                     { die 'no string at ' . pos($$t) . "\n" }
    }
}

# JSON text (bytes). With random => 1 in one of the many ways to write it.
sub encode {
    my ($value, %option) = @_;
    my $text = _write($value, $option{random});
    utf8::encode($text);
    return $text;
}

sub _write {
    no warnings 'recursion';
    my ($value, $random) = @_;
    my ($kind, $content) = @$value;
    my $gap = sub { return $random && rand() < 0.1 ? pick(' ', "\n", "\t", "\r\n ", '  ') : '' };
    return $content if $kind eq 'n' || $kind eq 'l';
    return _quote($content, $random) if $kind eq 's';
    return '[' . $gap->() . join($gap->() . ',' . $gap->(), map { _write($_, $random) } @$content) . $gap->() . ']' if $kind eq 'a';
    return '{' . $gap->() . join($gap->() . ',' . $gap->(), map { _quote($_, $random) . $gap->() . ':' . $gap->() . _write($content->{$_}, $random) }
        $random ? shuffled(sort keys %$content) : sort keys %$content) . $gap->() . '}';
}

sub _quote {
    my ($text, $random) = @_;
    $text =~ s{(.)}{_character($1, $random)}ges;
    return qq("$text");
}

sub _character {
    my ($c, $random) = @_;
    my $code = ord $c;
    if ($random && rand() < 0.05) {
        return sprintf rand() < 0.5 ? '\u%04x' : '\u%04X', $code if $code < 0x10000;
        $code -= 0x10000;
        return sprintf '\u%04x\u%04X', 0xd800 + ($code >> 10), 0xdc00 + ($code & 0x3ff);
    }
    return "\\$c" if $c eq '"' || $c eq '\\' || $random && $c eq '/' && rand() < 0.3;
    return $code < 0x20 ? sprintf '\u%04x', $code : $c;
}

# --- comparing

# The same for numbers that are equal, however written.
sub number_key {
    my ($text) = @_;
    my ($sign, $whole, $fraction, $exponent) = $text =~ /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/ or croak "no number: $text";
    my $digits = $whole . ($fraction // '');
    my $e = ($exponent // 0) - length($fraction // '');
    $digits =~ s/^0+//;
    $e += length $1 if $digits =~ s/(0+)$//;
    return length $digits ? "$sign${digits}e$e" : '0';
}

# The same text for equal values.
sub canonical {
    no warnings 'recursion';
    my ($value) = @_;
    return 'undef' if !defined $value;
    my ($kind, $content) = @$value;
    return number_key($content) if $kind eq 'n';
    return $content if $kind eq 'l';
    return _quote($content) if $kind eq 's';
    return '[' . join(',', map { canonical($_) } @$content) . ']' if $kind eq 'a';
    return '{' . join(',', map { _quote($_) . ':' . canonical($content->{$_}) } sort keys %$content) . '}';
}

sub depth {
    no warnings 'recursion';
    my ($value) = @_;
    my ($kind, $content) = @$value;
    return 0 if $kind !~ /^[ao]$/;
    my $deepest = 0;
    for my $child ($kind eq 'a' ? @$content : values %$content) {
        my $depth = depth($child);
        $deepest = $depth if $depth > $deepest;
    }
    return $deepest + 1;
}

sub clone {
    no warnings 'recursion';
    my ($value) = @_;
    my ($kind, $content) = @$value;
    return [ a => [ map { clone($_) } @$content ] ] if $kind eq 'a';
    return [ o => { map { $_ => clone($content->{$_}) } keys %$content } ] if $kind eq 'o';
    return [@$value];
}

# --- making them up; rand() is the caller's to seed

sub pick { return $_[ rand @_ ] }

# List::Util's would be as good, but not with our dice.
sub shuffled {
    my @left = @_;
    return map { splice @left, rand @left, 1 } 1 .. @left;
}

# Keys that something might trip over, often the same ones, so that they meet.
my @keys = (
    'a', 'b', 'c', 'key', '', '0', '1', '-1', '00', '-', ' ', ' 1', '+1', '1e0', 'a.b', '.', '..', '$set', '$', 'a/b', '/', '~', '~0', '~1', '%', '%2F', '"', '\\', "'", "';--",
    '{a}', '{}', '[]', 'NULL', 'null', '__proto__', 'constructor', '?', '#', '&', '=', ';', '+', "\x{1}", "\n", "\x{7f}", "\x{85}", "\x{e9}", "e\x{301}", "\x{2028}", "\x{202e}",
    "\x{feff}", "\x{fffd}", "\x{ffff}", "\x{1f600}", "\x{10ffff}", "\x{43a}\x{43b}\x{44e}\x{447}", 'x' x 200,
);

sub _text {
    my ($most) = @_;
    return join '', map {
        my $code = pick(32 + int rand 95, 32 + int rand 95, 1 + int rand 31, 127 + int rand 400, 0x3000 + int rand 0x6000, 0x1f300 + int rand 0x300, 0xe000 + int rand 0x2000);
        chr($code >= 0xfdd0 && $code <= 0xfdef ? 0x41 : $code);
    } 1 .. int rand $most;
}

sub random_key { return rand() < 0.85 ? pick(@keys) : 'k' . _text(12) }

sub _digits { return join '', map { int rand 10 } 1 .. 1 + int rand $_[0] }

sub random_number {
    my $sign = rand() < 0.3 ? '-' : '';
    my $size = rand() < 0.1 ? 150 : 20;
    my $whole = rand() < 0.2 ? '0' : (1 + int rand 9) . (rand() < 0.3 ? '' : _digits($size));
    my $fraction = rand() < 0.4 ? '.' . _digits($size) : '';
    my $exponent = rand() < 0.2 ? pick('e', 'E') . pick('', '+', '-') . pick(0, 1, 7, 20, 308, int rand 309) : '';
    return "$sign$whole$fraction$exponent";
}

sub random_value {
    my ($depth) = @_;
    my $kind = $depth <= 0 ? pick(qw(n s l)) : pick(qw(n s l a o o));
    return [ n => random_number() ] if $kind eq 'n';
    return [ s => _text(rand() < 0.1 ? 200 : 20) ] if $kind eq 's';
    return [ l => pick(qw(true false null)) ] if $kind eq 'l';
    return [ a => [ map { random_value($depth - 1) } 1 .. int rand 5 ] ] if $kind eq 'a';
    return [ o => { map { random_key() => random_value($depth - 1) } 1 .. int rand 6 } ];
}

# --- what patches do, written down from the RFCs

# RFC 7396, section 2. Gives a new value.
sub merge_patch {
    my ($target, $patch) = @_;
    return clone($patch) if $patch->[0] ne 'o';
    my %members = defined $target && $target->[0] eq 'o' ? %{ clone($target)->[1] } : ();
    for my $key (keys %{ $patch->[1] }) {
        my $value = $patch->[1]{$key};
        if ($value->[0] eq 'l' && $value->[1] eq 'null') { delete $members{$key} }
        else                                             { $members{$key} = merge_patch($members{$key}, $value) }
    }
    return [ o => \%members ];
}

# RFC 6902: operations as hashes (op, path and from as lists of steps, value). Gives a new document, or undef where an
# operation fails.
sub json_patch {
    my ($document, @operations) = @_;
    my $root = clone($document);
    for my $o (@operations) {
        my ($op, $path) = @$o{qw(op path)};
        if ($op eq 'test') {
            my $at = _at($root, @$path) // return undef;
            return undef if canonical($at) ne canonical($o->{value});
            next;
        }
        if ($op eq 'remove' || $op eq 'move') {
            my $from = $op eq 'move' ? $o->{from} : $path;
            my $moved = _at($root, @$from) // return undef;
            return undef if !@$from;
            _remove($root, @$from);
            next if $op eq 'remove';
            $root = _add($root, $moved, @$path) // return undef;
            next;
        }
        my $value = $op eq 'copy' ? _at($root, @{ $o->{from} }) // return undef : $o->{value};
        if ($op eq 'replace') {
            _at($root, @$path) // return undef;
            if (!@$path) { $root = clone($value); next }
            my ($parent, $last) = (_at($root, @$path[ 0 .. $#$path - 1 ]), $path->[-1]);
            if ($parent->[0] eq 'a') { $parent->[1][$last] = clone($value) }
            else                     { $parent->[1]{$last} = clone($value) }
            next;
        }
        $root = _add($root, clone($value), @$path) // return undef;
    }
    return $root;
}

sub _at {
    my ($value, @steps) = @_;
    for my $step (@steps) {
        if    ($value->[0] eq 'o') { $value = $value->[1]{$step} }
        elsif ($value->[0] eq 'a') { $value = $step =~ /^(?:0|[1-9][0-9]{0,8})\z/ ? $value->[1][$step] : undef }
        else                       { return undef }
        return undef if !defined $value;
    }
    return $value;
}

sub _remove {
    my ($root, @steps) = @_;
    my $last   = pop @steps;
    my $parent = _at($root, @steps);
    if ($parent->[0] eq 'a') { splice @{ $parent->[1] }, $last, 1 }
    else                     { delete $parent->[1]{$last} }
    return;
}

sub _add {
    my ($root, $value, @steps) = @_;
    return $value if !@steps;
    my $last   = pop @steps;
    my $parent = _at($root, @steps) // return undef;
    if ($parent->[0] eq 'o') {
        $parent->[1]{$last} = $value;
        return $root;
    }
    return undef if $parent->[0] ne 'a';
    my $n = @{ $parent->[1] };
    $last = $n if $last eq '-';
    return undef if $last !~ /^(?:0|[1-9][0-9]{0,8})\z/ || $last > $n;
    splice @{ $parent->[1] }, $last, 0, $value;
    return $root;
}

1;
