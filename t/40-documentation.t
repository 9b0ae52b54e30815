#!/usr/bin/perl
# 40-documentation.t: the documentation is served, and every example in it does what it says, through
# nginx.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Process qw(run slurp source_dir spew temp_dir which);
use Muster::Api;

# --- reading the texts -------------------------------------------------------------------------------

# The examples of a text in order: { line, command, expected }. An example is in an indented block, begins
# with "$ " and ends before the next one, an empty line or the end of the block.
sub examples {
    my ($text) = @_;
    my (@examples, $current, $number);
    for my $line (split /\n/, $text) {
        $number++;
        if ($line =~ /^\s+\$ (.*)/) {
            push @examples, $current = { line => $number, command => $1, expected => '' };
        }
        elsif ($line !~ /^\s+\S/) {
            $current = undef;
        }
        elsif ($current && $current->{command} =~ /\\$/) {
            $current->{command} =~ s/\\$//;
            $current->{command} .= $line =~ s/^\s+/ /r;
        }
        elsif ($current) {
            $current->{expected} .= "$line\n";
        }
    }
    return @examples;
}

sub fold { my ($text) = @_; $text =~ s/\s+//g; return $text }

# White space does not count, "..." is any text; everything else is itself.
sub pattern {
    my ($expected) = @_;
    my @parts = split /\.\.\./, fold($expected), -1;
    my $pattern = join '.*', map { quotemeta } @parts;
    return qr/\A$pattern\z/s;
}

sub filled {
    my ($world, $text) = @_;
    my $url     = $world->url;
    my $version = $world->version;
    $text =~ s/\$\{server_url\}/$url/g;
    $text =~ s/\$\{server_version\}/$version/g;
    return $text;
}

# The headings of a text: a line above a row of one punctuation character.
sub headings {
    my ($text) = @_;
    my @lines = split /\n/, $text;
    return map { $lines[ $_ - 1 ] } grep { $lines[$_] =~ /^([=~^-])\1{3,}$/ && $lines[ $_ - 1 ] =~ /^\S/ } 1 .. $#lines;
}

# Guides are at /__doc__/NAME, and need no examples.
my %guide = map { $_ => 1 } qw(architecture install moving news operating page recipes scale security tutorial);
my $doc   = source_dir() . '/doc';
my %text = map { m{/(\w+)\.rst$} ? ($1 => slurp($_)) : () } glob "$doc/*.rst";
ok $text{$_}, "doc/$_.rst is there" for qw(root entity attribute resourcemanager);
like pattern("a ...\nb"), qr/./, 'a pattern is made';
like fold('a x y b'), pattern('a ... b'), 'three dots match any text';
unlike fold('a x y c'), pattern('a ... b'), 'and nothing else does';

# What the words in the examples stand for: the lines that a reader pastes.
my ($words) = $text{root} =~ /paste these lines.*?::\n\n((?:    \S[^\n]*\n)+)/s;
like $words, qr/^    get="curl .*^    options="curl /ms, 'doc/root.rst says what the words stand for';

# --- texts are sound ---------------------------------------------------------------------------------

SKIP: {
    my $rst2html = which('rst2html4') or skip 'rst2html4 is not installed (Debian: python3-docutils)', scalar keys %text;
    for my $name (sort keys %text) {
        my $result = run([ $rst2html, '--halt=2', "$doc/$name.rst", '/dev/null' ]);
        is $result->{status}, 0, "doc/$name.rst becomes HTML without a warning" or diag $result->{err};
    }
}

# --- every example -----------------------------------------------------------------------------------

# With the drivers that etc/muster.conf has in comments, as an example.
my ($drivers) = slurp(source_dir() . '/etc/muster.conf') =~ /^#drivers = (\(\n.*?^#\));$/ms;
ok defined $drivers, 'etc/muster.conf has an example of drivers';
$drivers =~ s/^#//gm;
# One worker: each keeps the number of a refused allocation for its next one.
my $world = Muster::Api->new(conf => { drivers => \$drivers, workers => 1 });
my $dir   = temp_dir();
$ENV{PATH} = source_dir() . "/contrib:$ENV{PATH}";

for my $name (sort keys %text) {
    $world->fresh;
    my @examples = examples($text{$name});
    ok @examples > 5, "doc/$name.rst has examples" unless $guide{$name} && $name !~ /^(?:recipes|tutorial)$/;
    for my $example (@examples) {
        my $shell = filled($world, $example->{command});
        my $result = run([ 'bash', '-uc', "$words\n$shell" ], cwd => $dir);
        my $title  = "doc/$name.rst:$example->{line}: $example->{command}";
        my $got    = fold($result->{out});
        ok $result->{status} == 0 && $got =~ pattern(filled($world, $example->{expected})), $title
            or diag "exit status $result->{status}\n$result->{out}$result->{err}\nexpected\n$example->{expected}";
    }
}

# --- what is served ----------------------------------------------------------------------------------

$world->fresh;
my %served = (root => [ '/', '/__doc__' ], map { $_ => [ $guide{$_} ? "/__doc__/$_" : "/$_/__doc__" ] } grep { $_ ne 'root' } keys %text);
push @{ $served{resourcemanager} }, '/resource/__doc__';
my ($host) = $world->url =~ m{^http://(.+)$};
my %linked;
for my $name (sort keys %served) {
    for my $path (@{ $served{$name} }) {
        my $plain = $world->ask(GET => $path, headers => { Accept => 'text/plain', Host => $host });
        is $plain->{status}, 200, "$path as text";
        like $plain->{headers}{'content-type'}, qr{^text/plain}, "$path: is text";
        ok $plain->{body} eq filled($world, $text{$name}), "$path: is doc/$name.rst, filled in";
        my $absent = $world->ask(GET => $path, headers => { Host => $host });
        ok $absent->{body} eq $plain->{body}, "$path: without Accept too";

        for my $accept ('*/*', 'text/html', 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8') {
            my $html = $world->ask(GET => $path, headers => { Accept => $accept, Host => $host });
            is $html->{status}, 200, "$path for $accept";
            is $html->{headers}{'content-type'}, 'text/html; charset=UTF-8', "$path for $accept: is HTML";
            is substr($html->{body}, 0, 40), qq(<?xml version="1.0" encoding="utf-8" ?>\n), "$path for $accept: begins as XML";
            ok $html->{body} !~ /\$\{server_(?:url|version)\}/, "$path for $accept: is filled in";
            my ($heading) = headings($text{$name});
            ok $html->{body} =~ /<h1 class="title">\Q$heading\E</, "$path for $accept: is doc/$name.rst";
            like $html->{body}, qr/<meta name="viewport" [^>]*>.*max-width: \d+em.*<body>/s, "$path for $accept: fits a small and a wide screen";
            like $html->{body}, qr/^<kbd>\$\{get\} \Q@{[ $world->url ]}\E/m, "$path for $accept: commands without a prompt in them" if examples($text{$name});
            $linked{$1} .= ' ' . ($2 // '') while $html->{body} =~ /<a [^>]*href="\Q@{[ $world->url ]}\E([^"#]*)(?:#([^"]*))?"/g;
        }
    }
}

my %page = map { ($guide{$_} ? "/__doc__/$_" : "/$_/__doc__/") => $_ } grep { $_ ne 'root' } keys %text;
is join(' ', sort keys %linked), join(' ', sort '/__doc__', '/__doc__/', keys %page), 'all pages are linked';
# Each begins with links to the others of its kind.
for my $name (sort values %page) {
    my ($top) = $text{$name} =~ /^(`Muster <.*?)\n\n/ms;
    my @others = grep { $page{$_} ne $name && !$guide{ $page{$_} } == !$guide{$name} } keys %page;
    is join(' ', sort +($top // '') =~ m{<\$\{server_url\}(/[^>]*)>}g), join(' ', sort '/__doc__/', @others), "doc/$name.rst begins with links to all the others";
}
is $world->ask(GET => $_)->{status}, 404, "$_ is not there" for qw(/__doc__/nothing /__doc__/entity /__doc__/install/more);
for my $path (sort keys %linked) {
    my $page = $world->ask(GET => $path, headers => { Accept => 'text/html', Host => $host });
    is $page->{status}, 200, "$path: is there";
    for my $place (split ' ', $linked{$path} // '') {
        next if ($linked{"$path#$place"} //= 0)++;
        like $page->{body}, qr/ id="\Q$place\E"/, "$path#$place: is there";
    }
}

my $forged = $world->ask(GET => '/__doc__', headers => { Host => 'a"><script>', Accept => 'text/html' });
ok $forged->{body} !~ /<script>/, 'a forged Host does not become part of the HTML';

done_testing;
