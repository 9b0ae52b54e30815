#!/usr/bin/perl
# 00-house.t: the rules of the house that a machine can see, and the lists that must agree.
use v5.24;
use warnings;
use Cwd        ();
use File::Find ();
use Muster::Source qw(circles controls fields functions includes symbols without_comments);
use Test::More;

plan skip_all => "sources are the same for the sanitizers" if $ENV{MUSTER_SANITIZED};

my $src   = $ENV{MUSTER_SRC_DIR} // Cwd::abs_path("$0/../..") // '.';
my $build = $ENV{MUSTER_BUILD_DIR} // $src;

# Lowest first: a file uses what is in its own room and in those before it.
my @rooms = qw(base json http model query store rules api server);
my %rank  = map { $rooms[$_] => $_ } 0 .. $#rooms;

# What any handler in api/ may share with the others.
my %api_shared = map { $_ => 1 } qw(api/changes_page.h api/condition.h api/context.h api/find.h api/input.h api/list_tag.h api/mount.h api/point.h api/reply.h api/show.h api/show_repeats.h api/show_units.h);

# Foreign headers, and where they may be seen; the benchmark's programs stand beside the house.
my @foreign = (
    [ 'yajl',      qr{^yajl/},                       qr{^src/json/} ],
    [ 'libpq',     qr{^(?:libpq|pg_config|postgres)}, qr{^src/store/|^include/store/pg_arg\.h$|^t/bench/} ],
    [ 'libconfig', qr{^libconfig},                   qr{^src/server/config(?:_\w+)?\.c$|^include/server/config_reader\.h$} ],
    [ 'libconfig', qr{^server/config_reader\.h$},     qr{^src/server/config(?:_\w+)?\.c$} ],
    [ 'libfcgi',   qr{^fcgi},                        qr{^src/server/fcgi\.c$|^t/bench/} ],
    [ 'libcrypto', qr{^openssl/},                    qr{^src/base/digest\.c$} ],
);

my @sql_owners = qw(include/store/stmt_parts.h src/store/stmts.c src/store/past.c src/store/change_sql.c include/store/query_parts.h src/store/query_sql.c src/store/export_sql.c src/store/feed_sql.c src/store/history_sql.c src/store/import_sql.c src/store/position_sql.c src/store/revert_sql.c src/store/snapshot_sql.c src/store/versions_sql.c src/store/schema.c);

# Lines. Nine of ten functions of src/ have at most $function_most. A unit test may be one long list of
# cases, and the statements are one long table.
my $function_most = 25;
my $function_max  = 60;
my $unit_test_max = 200;
my $file_max      = 500;
my $unit_file_max = 1000;
my $longest_file  = 'src/store/stmts.c';

# Headers by their name in an include; filled below.
my %header;

# The functions that modules of t/lib export; filled below.
our %exported;

# --- The rules: each takes a path below the top and its text, and gives complaints ---------------

# A handler that was too long for one file has more of its name: attribute.c, attribute_input.c.
sub family {
    return $_[0] =~ s{^api/}{}r =~ s{[_.].*}{}r;
}

sub rule_rooms {
    my ($path, $text) = @_;
    my ($room, $stem) = $path =~ m{^(?:src|include)/(\w+)/(.+)\.[ch]$} or return;
    my @bad;
    # Those that the build makes are in no room.
    for my $include (includes($text)) {
        my ($quote, $name) = @$include;
        my ($other) = $name =~ m{^(\w+)/};
        if ($quote eq '<') {
            push @bad, "our own <$name> wants double quotes" if $other && exists $rank{$other};
            next;
        }
        next if $name eq 'config.h' || $name =~ /^\w+_(?:json|sql)\.h$/;
        if (!$other || !exists $rank{$other}) {
            push @bad, "\"$name\" is not of the form \"room/file.h\"";
        }
        elsif ($rank{$other} > $rank{$room}) {
            push @bad, "$room may not use \"$name\"";
        }
        elsif ($room eq 'api' && $other eq 'api' && family($name) ne family($stem) && !$api_shared{$name}) {
            push @bad, "a handler may not use another handler: \"$name\"";
        }
    }
    return @bad;
}

sub rule_foreign {
    my ($path, $text) = @_;
    my @bad;
    for my $include (includes($text)) {
        for my $library (@foreign) {
            my ($name, $header, $owner) = @$library;
            push @bad, "<$include->[1]> belongs to another owner ($name)"
                if $include->[1] =~ $header && $path !~ $owner;
        }
    }
    return @bad;
}

sub rule_first_line {
    my ($path, $text) = @_;
    my ($name) = $path =~ m{([^/]+)$};
    my @lines = split /\n/, $text, 3;
    shift @lines if @lines && $lines[0] =~ /^#!/;
    my $first = $lines[0] // '';
    my $mark =
          $name =~ /\.[ch]$/ ? qr{/\*}
        : $name =~ /\.sql$/  ? qr{--}
        : $name =~ /\.ac$/   ? qr{dnl}
        : $name =~ /\.[58]$/ ? qr{\.\\"}
        :                      qr{#};
    # A module may give its package instead of its file.
    my $called = $name =~ /\.pm$/ ? qr{[\w:]+} : qr{(?:[\w./-]+/)?\Q$name\E};
    return $first =~ /^$mark\s*$called: \S/ ? () : ('the first line does not say what the file is for');
}

sub rule_text {
    my ($path, $text) = @_;
    my @bad;
    my $line = 0;
    for (split /\n/, $text) {
        $line++;
        push @bad, "line $line: tab"               if /\t/ && $path !~ m{Makefile\.am$|^contrib/debian/rules$|\.go$};
        push @bad, "line $line: blanks at the end" if /[ \t\r]$/;
        push @bad, "line $line: a path of somebody's own machine"
            if m{(?<![\w.\$\}])/(?:work|tmp/w|home/\w+)/};
    }
    push @bad, 'no newline at the end' if length $text && $text !~ /\n\z/;
    return @bad;
}

sub rule_length {
    my ($path, $text) = @_;
    my @bad;
    for my $function (functions($text)) {
        my ($name, $line, $length) = @$function;
        push @bad, "line $line: $name() has $length lines" if $length > ($path =~ m{^t/} ? $unit_test_max : $function_max);
    }
    my $lines = () = $text =~ /\n/g;
    push @bad, "$lines lines" if $lines > ($path =~ m{^t/unit_} ? $unit_file_max : $path eq $longest_file ? 1000 : $file_max);
    return @bad;
}

# The kernel's style: one statement takes no braces; where one branch of an if needs them, all have them.
sub rule_braces {
    my ($path, $text) = @_;
    my @bad;
    for my $chain (controls($text)) {
        my $needed = grep { !$_->{simple} } @$chain;
        my ($odd) = grep { $_->{braced} != !!$needed } @$chain or next;
        push @bad, "line $odd->{line}: $odd->{word} " . ($needed ? 'needs braces' : 'needs no braces');
    }
    return @bad;
}

# So that a header is seen to include what it needs. config.h comes before everything.
sub rule_own_header {
    my ($path, $text) = @_;
    my $own = $path =~ s{^src/(.*)\.c$}{$1.h}r;
    my ($first) = grep { $_ ne 'config.h' } map { $_->[1] } includes($text);
    return if !$header{$own} || $first eq $own;
    return "the first include is not \"$own\"";
}

sub rule_sql {
    my ($path, $text) = @_;
    return if grep { $path eq $_ } @sql_owners;
    my @bad;
    for my $string (without_comments($text) =~ /"((?:\\.|[^"\\\n])*)"/g) {
        push @bad, "SQL outside the statement table: \"$string\""
            if $string =~ /^\s*(?:select\s|insert into\s|update\s+\w+\s+set\s|delete from\s|with\s+\w+\s+as\s)/i;
    }
    return @bad;
}

# What has no limit, or reports no error.
sub rule_calls {
    my ($path, $text) = @_;
    $text = without_comments($text) =~ s/"(?:\\.|[^"\\\n])*"/""/gr;
    my %seen;
    return map { $seen{$_}++ ? () : "calls $_()" }
        $text =~ /\b(gets|strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atof|system|popen|alloca|tmpnam)\s*\(/g;
}

# Perl finds a function that was not imported only when the call is reached. After a dot it is one of JavaScript.
sub rule_imports {
    my ($path, $text) = @_;
    my %known = map { $_ => 1 } map({ split } $text =~ /^\s*use Muster::\w+\s+qw\((.*?)\)/msg), $text =~ /^sub (\w+)/mg;
    $text =~ s/^\s*#.*//mg;
    return map { "$_() is not imported" } grep { !$known{$_} && $text =~ /(?<![\w:>&\$\@%{.-])(?<!sub )$_\(/ } sort keys %exported;
}

# --- Each rule can fail --------------------------------------------------------------------------

sub breaks {
    my ($rule, $path, $text, $name) = @_;
    my @bad = $rule->($path, $text);
    ok(scalar @bad, "seen: $name");
}

sub keeps {
    my ($rule, $path, $text, $name) = @_;
    is(join('; ', $rule->($path, $text)), '', "let pass: $name");
}

subtest 'the rules themselves' => sub {
    breaks(\&rule_rooms, 'src/http/x.c',   qq{#include "json/writer.h"\n#include "store/store.h"\n}, 'a lower room using a higher one');
    breaks(\&rule_rooms, 'src/api/root.c', qq{#include "api/entity.h"\n}, 'a handler using another');
    breaks(\&rule_rooms, 'src/base/x.c',   qq{#include "x.h"\n}, 'an include without a room');
    breaks(\&rule_rooms, 'src/base/x.c',   qq{#include <base/x.h>\n}, 'our own in angles');
    keeps(\&rule_rooms, 'src/api/root.c', qq{#include "config.h"\n#include "api/root.h"\n#include "api/root_more.h"\n#include "api/show.h"\n#include "base/buf.h"\n}, 'what a handler may use');
    breaks(\&rule_foreign, 'src/api/x.c',         "#include <yajl/yajl_gen.h>\n", 'yajl in api');
    breaks(\&rule_foreign, 'src/server/worker.c', "#include <fcgi_stdio.h>\n",    'libfcgi in the worker');
    breaks(\&rule_foreign, 'include/store/x.h',   "#include <libpq-fe.h>\n",      'libpq in a header');
    breaks(\&rule_foreign, 'src/server/worker.c', "#include <libconfig.h>\n",     'libconfig in the worker');
    breaks(\&rule_foreign, 'include/server/config.h', "#include <libconfig.h>\n", 'libconfig in the header for all');
    breaks(\&rule_foreign, 'src/server/worker.c', qq{#include "server/config_reader.h"\n}, 'libconfig by way of its reader');
    keeps(\&rule_foreign, 'src/server/config_access.c', qq{#include "server/config_reader.h"\n}, 'the reader in its own files');
    breaks(\&rule_foreign, 'src/server/auth.c',   "#include <openssl/hmac.h>\n",  'libcrypto in auth');
    keeps(\&rule_foreign, 'src/store/pg.c', "#include <libpq-fe.h>\n", 'libpq in the store');
    breaks(\&rule_first_line, 'src/base/x.c', "#include <stdio.h>\n", 'no first line');
    breaks(\&rule_first_line, 'src/base/x.c', "/* y.c: another's job */\n", 'the wrong name');
    keeps(\&rule_first_line, 't/x.t', "#!/usr/bin/perl\n# x.t: tries x.\n", 'a purpose after the interpreter');
    breaks(\&rule_text, 'x.c', "a\tb\n",  'a tab');
    breaks(\&rule_text, 'x.c', "a \n",    'blanks at the end');
    breaks(\&rule_text, 'x.c', 'a',       'no newline at the end');
    breaks(\&rule_text, 'x.c', qq{open("/wo} . qq{rk/x")\n}, 'a path of one machine');
    my $body = "    f();\n";
    breaks(\&rule_length, 'src/base/x.c', "static int g(int a,\n      int b) {\n" . $body x 99 . "}\n", 'a function of 102 lines');
    breaks(\&rule_length, 'src/base/x.c', "static int\ng(int a)\n{\n" . $body x 99 . "}\n", 'the same in another layout');
    keeps(\&rule_length, 'src/base/x.c', "int g(void) {\n" . $body x 50 . "}\n" x 1 . "int h(void) {\n" . $body x 50 . "}\n", 'two of 52');
    keeps(\&rule_length, 'src/base/x.c', "static const int t[] = {\n" . "    1,\n" x 200 . "};\n", 'a long table');
    breaks(\&rule_length, 'src/base/x.c', $body x 501, 'a file of 501 lines');
    breaks(\&rule_braces, 'src/base/x.c', $_->[0], $_->[1]) for (
        [ "    if (a) {\n        b();\n    }\n",                                   'braces around one statement' ],
        [ "    if (a &&\n        b) {\n        c(d,\n          e);\n    }\n",      'around one on two lines' ],
        [ "    for (;;)\n        if (a) {\n            b();\n            c();\n        }\n", 'braces inside only' ],
        [ "    if (a) {\n        b();\n        c();\n    } else\n        d();\n", 'one branch with, one without' ],
        [ "    while (a) {\n        if (b)\n            c();\n    }\n",          'braces around one that has none' ],
        [ "    if (a)\n        /* Why. */\n        b();\n",                      'a comment and a statement without' ],
    );
    keeps(\&rule_braces, 'src/base/x.c', $_->[0], $_->[1]) for (
        [ "    if (a)\n        b();\n    else if (c)\n        d();\n",              'none at all' ],
        [ "    if (a) {\n        b();\n    } else {\n        c();\n        d();\n    }\n", 'both, as one needs them' ],
        [ "    for (;;)\n        if (a)\n            b(c,\n              d);\n",   'one in the other without' ],
        [ "    for (; a; b) {\n    }\n    do\n        a();\n    while (b);\n",    'an empty body; do' ],
        [ "    if (a) {\n        if (b)\n            c();\n        else\n            d();\n    }\n", 'an else inside' ],
        [ "#define A(b) \\\n    if (b) { \\\n        c(); \\\n    }\n",            'a macro' ],
    );
    local $header{'base/x.h'} = 1;
    breaks(\&rule_own_header, 'src/base/x.c', qq{#include <stdio.h>\n#include "base/x.h"\n}, 'the own header second');
    breaks(\&rule_own_header, 'src/base/x.c', qq{#include <stdio.h>\n},                     'not there');
    keeps(\&rule_own_header, 'src/base/x.c', qq{#include "config.h"\n\n#include "base/x.h"\n}, 'the own header first');
    keeps(\&rule_own_header, 'src/base/y.c', qq{#include <stdio.h>\n#include "base/x.h"\n},   'none of its own');
    breaks(\&rule_sql, 'src/api/x.c', qq{q("SELECT 1");\n}, 'SQL in a handler');
    keeps(\&rule_sql, 'src/api/x.c', qq{q("select"); /* "select 1" */\n}, 'the word alone');
    breaks(\&rule_calls, 'src/api/x.c', "n = atoi(text);\n", 'atoi');
    local %exported = (poll => 1);
    breaks(\&rule_imports, 't/x.t', "use Muster::Process qw(gone);\nok(poll(1));\n", 'a function that was not imported');
    keeps(\&rule_imports, 't/x.t', "use Muster::Process qw(\n    poll\n);\nok(poll(1));\n", 'one that was');
    keeps(\&rule_imports, 't/x.t', "# poll()\nsub poll { }\nok(poll(1), \$x->poll(), Muster::Process::poll(1));\n", 'one of its own, methods, whole names');
    keeps(\&rule_calls, 'src/api/x.c', qq{/* atoi() */ my_atoi(x); puts("system(x)");\n}, 'names that look like them');
};

# --- The tree ------------------------------------------------------------------------------------

# Only the sources, without what a build in the checkout made.
my @tree;
File::Find::find(
    {
        no_chdir => 1,
        wanted   => sub {
            my $path = substr $File::Find::name, length($src) + 1;
            push @tree, $path if -f $_ && $path !~ m{^t/postgres-|/\.|~$|\.(?:o|a|html|gcda|gcno)$};
        },
    },
    grep { -d } map { "$src/$_" } qw(src include t doc etc contrib)
);
@tree = sort grep { -T "$src/$_" } @tree;
push @tree, grep { -f "$src/$_" } qw(Makefile.am configure.ac README .ci/run .clang-tidy .gitignore);

my %text = map { $_ => slurp("$src/$_") } @tree;
$header{ s{^include/}{}r } = 1 for grep { m{^include/} } @tree;
%exported = map { $_ => 1 } map { split } map { $text{$_} =~ /\@EXPORT_OK = qw\((.*?)\)/s } grep { m{^t/lib/} } @tree;

sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or die("$path: $!");
    local $/ = undef;
    return scalar(<$in>) // '';
}

sub whole_tree {
    my ($name, $rule, $which) = @_;
    my @bad = map { my $path = $_; map { "$path: $_" } $rule->($path, $text{$path}) } grep { /$which/ } @tree;
    ok(!@bad, $name) or diag(join "\n", @bad);
}

my $c_code = qr{^(?:src|include)/.*\.[ch]$};
whole_tree('a room uses itself and lower ones',      \&rule_rooms,   $c_code);
whole_tree('each foreign library has one owner',     \&rule_foreign, qr{\.[ch]$});
whole_tree('SQL is in the statement table only',     \&rule_sql,     $c_code);
whole_tree('no call without a limit',                \&rule_calls,   qr{\.[ch]$});
whole_tree('no function and no file is too long',    \&rule_length,  qr{\.[ch]$});
whole_tree('one style of braces',                    \&rule_braces,  qr{\.[ch]$});
whole_tree('tests import what they call',            \&rule_imports, qr{^t/(?!00-house\.t|bench/).*\.(?:t|pm)$});
whole_tree('the own header first',                   \&rule_own_header, qr{^src/.*\.c$});
whole_tree('no tabs, no blanks at the end, no paths of one machine', \&rule_text, qr{^(?!t/data/|t/fuzz/corpus/)});
whole_tree(
    'the first line says what the file is for', \&rule_first_line,
    qr{\.(?:[chtpl58]|pm|sh|ac|sql|conf)$|^contrib/[^./]+$|^\.ci/|^Makefile\.am$}
);

{
    my @lengths = sort { $a <=> $b } map { $_->[2] } map { functions($text{$_}) } grep { m{^src/} } @tree;
    my $long    = $lengths[ 0.9 * @lengths ];
    ok($long <= $function_most, "nine of ten functions have at most $long lines");
}

subtest 'every field of a struct is used' => sub {
    my (%declared, $code);
    for my $path (grep { /$c_code/ } @tree) {
        my ($fields, $rest) = fields($text{$path});
        push @{ $declared{$_} }, $path for @$fields;
        $code .= $rest;
    }
    $code .= without_comments($text{'t/tables.c'});    # for the texts that are compared below
    for my $field (sort keys %declared) {
        ok($code =~ /\b\Q$field\E\b/, "$field of @{ $declared{$field} }");
    }
};

subtest 'include/ mirrors src/' => sub {
    my %defined;
    for my $path (grep { m{^src/(\w+)/.*\.c$} } @tree) {
        my ($room) = $path =~ m{^src/(\w+)/};
        $defined{"$room $_->[0]"} = 1 for functions($text{$path});
    }
    for my $header (grep { m{^include/.*\.h$} } @tree) {
        my ($room) = $header =~ m{^include/(\w+)/[\w-]+\.h$};
        ok($room && exists $rank{$room}, "$header is in a room") or next;
        my $code = without_comments($text{$header}) =~ s/^\s*#(?:.*\\\n)*.*$//gmr;
        $code =~ s/\{[^{}]*\}/{}/g while $code =~ /\{[^{}]+\}/;
        my @missing = grep { !$defined{"$room $_"} }
            map { /^\s*(?:typedef|static)\b/ || /\{\}\s*\w*$/ ? () : /(\w+)\s*\([^()]*(?:\([^()]*\)[^()]*)*\)(?:\s*__attribute__.*)?\s*$/s ? $1 : () }
            split /;/, $code;
        is("@missing", '', "$header: src/$room/ defines what it declares");
    }
    for my $path (grep { m{^src/\w+$|^src/[^/]+\.[ch]$} } @tree) {
        is($path, 'src/main.c', 'only main.c is in no room');
    }
};

# --- Names that files share ----------------------------------------------------------------------

# Exported for tests only: that memory is in proportion to what was sent; the table of contract/drivers.md.
my %for_tests = map { $_ => 1 } qw(arena_used insert_check);

my $named_least = 95;    # percent

# "room/file.c" may export what begins with its room's name, its own, that of its family (config_values.c
# belongs to config.c) or that of the header that declares it.
sub well_named {
    my ($file, $name, @headers) = @_;
    my ($room, $stem) = $file =~ m{^(\w+)/(\w+)$} or return 1;
    my @prefixes = ($room, map { s{.*/}{}r =~ s/\.h$//r } @headers);
    do { push @prefixes, $stem } while $stem =~ s/_[^_]+$//;
    return scalar grep { $name =~ /^\Q$_\E(?:_|$)/ } @prefixes;
}

subtest 'names that files share' => sub {
    ok(well_named('base/buf', 'buf_add'), 'the file');
    ok(well_named('base/buf', 'base_add'), 'the room');
    ok(well_named('server/config_values', 'config_default'), 'the family');
    ok(well_named('store/pg_arg', 'pg_int', 'store/pg.h'), 'the header');
    ok(!well_named('base/buf', 'buffer_add', 'base/buf.h'), 'another word');

    my $symbols = symbols($build, map { m{^src/(.*)\.c$} } @tree);
    my %owner;
    for my $file (keys %$symbols) {
        $owner{$_} = $file for keys %{ $symbols->{$file}{defines} };
    }
    cmp_ok(scalar keys %owner, '>', 300, 'there are objects') or return;

    my %header_words;
    for my $path (grep { m{^include/} } @tree) {
        $header_words{$_}{ $path =~ s{^include/}{}r } = 1 for without_comments($text{$path}) =~ /\b[a-z]\w*/g;
    }
    my (@odd, %wanted, %graph);
    for my $name (sort keys %owner) {
        push @odd, "src/$owner{$name}.c: $name" unless well_named($owner{$name}, $name,
            grep { m{^(\w+)/} && $owner{$name} =~ m{^$1/} } keys %{ $header_words{$name} });
    }
    my $percent = 100 - 100 * @odd / keys %owner;
    cmp_ok($percent, '>=', $named_least, sprintf '%.1f %% of the exported names tell their file or room', $percent)
        or diag(join "\n", @odd);

    for my $file (keys %$symbols) {
        $graph{$file} //= {};
        for my $other (grep { $_ && $_ ne $file } map { $owner{$_} } keys %{ $symbols->{$file}{wants} }) {
            $graph{$file}{$other} = 1 if $other =~ s{/.*}{}r eq $file =~ s{/.*}{}r;
        }
        $wanted{$_} = 1 for keys %{ $symbols->{$file}{wants} };
    }
    is(join("\n", map { "src/$owner{$_}.c: $_" } grep { !$wanted{$_} && $_ ne 'main' && !$for_tests{$_} } sort keys %owner),
        '', 'nothing is exported that only its own file or tests use');
    is(join("\n", map { "@$_" } circles(\%graph)),
        '', 'no files of a room that need each other');
};

is_deeply([ circles({ a => { b => 1 }, b => { c => 1 }, c => { b => 1 } }) ], [ [qw(b c)] ], 'a circle is seen');

# --- Lists that must agree -----------------------------------------------------------------------

my %make;
{
    my $makefile = $text{'Makefile.am'} =~ s/\\\n/ /gr;
    $make{$1} = [ split ' ', $2 ] while $makefile =~ /^(\w+)[ \t]*=[ \t]*(.*)$/gm;
}

sub listed {
    my ($variable) = @_;
    return [ grep { !/^\$/ } @{ $make{$variable} // [] } ];
}

sub same_list {
    my ($variable, $files, $name) = @_;
    is_deeply(listed($variable), [ sort @$files ], $name // "$variable: all there is, sorted");
}

for my $room (@rooms) {
    same_list("${room}_sources", [ grep { m{^src/$room/.*\.[ch]$} } @tree ]);
}
same_list('noinst_HEADERS', [ grep { m{^include/.*\.h$} } @tree ]);
same_list('unit_tests', [ map { s/\.c$//r } grep { m{^t/unit_\w+\.c$} } @tree ]);
same_list('doc_texts',    [ grep { m{^doc/\w+\.rst$} } @tree ]);
same_list('dist_examples_DATA', [ grep { m{^etc/} && !m{^etc/openapi\.json$|\.sql$} } @tree ]);
same_list('ui_sources', [ 'src/ui/index.html', grep { m{^src/ui/} } @tree ]);
same_list('dist_man_MANS', [ grep { m{^doc/.*\.[58]$} } @tree ]);
is_deeply(
    [ sort map { @{ listed($_) } } qw(perl_tests long_tests slow_tests) ], [ grep { m{^t/[^/]+\.t$} } @tree ],
    'perl_tests, long_tests and slow_tests: all there is'
);

subtest 'make dist takes everything' => sub {
    my %taken = map { $_ => 1 } map { @$_ } values %make;
    for my $path (@tree) {
        next if $path =~ m{^(?:Makefile\.am|configure\.ac|README|\.gitignore)$};
        next if $path =~ m{^t/\w+\.c$} && $taken{ $path =~ s/\.c$//r };
        my $above = $path;
        my $found = $taken{$above};
        $found ||= $taken{$above} while $above =~ s{/[^/]+$}{} && $above =~ m{/|^contrib$};
        ok($found, $path) unless $found;
    }
    pass('looked at all of them');
};

# What a build in the checkout leaves there is in .gitignore.
subtest 'at the top there is nothing else' => sub {
    my %wanted  = map { $_ => 1 } qw(configure.ac Makefile.am README COPYING src include t etc contrib doc
        .ci .clang-format .clang-tidy .git .gitignore);
    my @ignored = map { my $glob = quotemeta s{^/|/$}{}gr; $glob =~ s/\\\*/[^\/]*/g; qr/\A$glob\z/ }
        grep { m{^[^#!]} && !m{./.} } split /\n/, $text{'.gitignore'} // '';
    opendir my $top, $src or die("$src: $!");
    my @left = grep { my $name = $_; !/^\.\.?$/ && !$wanted{$name} && !grep { $name =~ $_ } @ignored } readdir $top;
    is("@{[ sort @left ]}", '', 'of whatever belongs to nothing');
} if $text{'.gitignore'};

# What does not fit has a page in doc/.
is(grep({ 1 } split /\n/, $text{README}) <= 120, 1, 'the README has at most 120 lines');

# Reports of vulnerabilities must reach someone.
for my $path (qw(README configure.ac), grep { m{^doc/.*\.[58]$} } @tree) {
    unlike($text{$path}, qr/\@[\w.-]+\.(?:invalid|example|test|localhost)\b/, "$path: no address that can not exist");
}

# --- Tables against texts ------------------------------------------------------------------------

# t/tables prints them: the program's own words, not a guess at its source.
my (%setting, @setting, @route, %parameter);
if (ok(-x "$build/t/tables", 't/tables is built')) {
    open my $in, '-|', "$build/t/tables" or die("t/tables: $!");
    while (<$in>) {
        chomp;
        my ($kind, @column) = split /\t/, $_, -1;
        if ($kind eq 'setting') {
            push @setting, $column[0];
            $setting{ $column[0] } = { type => $column[1], default => $column[2], bounds => [ @column[ 3, 4 ] ], help => $column[5] };
        }
        elsif ($kind eq 'parameter') {
            my ($doc, $name, @flags) = @column;
            $parameter{$doc}{$name} = join ' ', grep { length } @flags;
        }
        elsif ($kind eq 'route') {
            push @route, { method => $column[0], mount => $column[1], pattern => $column[2], doc => $column[3] };
        }
    }
    ok(close $in, 't/tables ends well');
    ok(@setting && @route, 'there are settings and routes');
    is("@setting", join(' ', sort @setting), 'settings are sorted by name');
}

# Under a heading: "``names``, ``name``, required, repeatable" above an indented line; or "The parameters
# are those of ``GET /entity/``". Those of pages have a section of their own.
sub documented {
    my ($rst) = @_;
    my (%found, %same);
    while ($rst =~ /^(?<doc>[A-Z]+ \/[^\n]*)\n[=-]{3,}\n(?<text>.*?)(?=^[^\n]+\n[=-]{3,}\n|\z)/gms) {
        my ($doc, $text) = @+{qw(doc text)};
        $found{$doc} //= {};
        $same{$doc} = $1 if $text =~ /The\s+parameters\s+are\s+those\s+of\s+``([^`]+)``/;
        while ($text =~ /^((?:``\w+``(?:, )?)+|the properties of the driver)(.*)\n(?=    \S)/gm) {
            my ($names, $flags) = ($1, $2);
            my $said = join ' ', grep { $flags =~ /\b$_\b(?! \()/ } qw(required repeatable);
            $found{$doc}{$_} = $said for $names =~ /^the/ ? '*' : $names =~ /``(\w+)``/g;
        }
    }
    $found{$_} = $found{ $same{$_} } for keys %same;
    return \%found;
}

subtest 'the documentation lists the parameters of each route' => sub {
    my %found = map { %{ documented($text{$_}) } } grep { m{^doc/\w+\.rst$} } @tree;
    for my $doc (sort { $a cmp $b } keys %{ { map { $_->{doc} => 1 } @route } }) {
        my %wanted = %{ $parameter{$doc} // {} };
        delete @wanted{qw(clusto_after clusto_per_page)};
        is_deeply($found{$doc}, \%wanted, $doc) or diag explain $found{$doc};
    }
} if @route && exists $text{'doc/root.rst'};

# libconfig's plain cases: name = value; with groups name : { ... }. Comments are removed; an
# example in one does not count.
sub sample_settings {
    my ($conf) = @_;
    $conf =~ s{("(?:\\.|[^"\\])*")|/\*.*?\*/|(?:\#|//)[^\n]*}{$1 // ''}gse;
    my (%found, @group);
    while ($conf =~ /\G\s*(?:([\w-]+)\s*[=:]\s*(?:(\{)|(\(.*?\)|\[.*?\])|("(?:\\.|[^"\\])*"|[^\s;,}]+))\s*[;,]?|(\})\s*[;,]?)/gcs) {
        my ($name, $open, $list, $value, $close) = ($1, $2, $3, $4, $5);
        if ($close) { pop @group }
        elsif ($open) { $found{ join '.', @group, $name } = '{}'; push @group, $name }
        else {
            $value = $list =~ s/\s+//gr if defined $list;
            $found{ join '.', @group, $name } = $value =~ s/^"(.*)"$/$1/sr;
        }
    }
    my $rest = substr $conf, pos($conf) // 0;
    return (\%found, $rest =~ s/^\s+//r);
}

subtest 'etc/muster.conf has every setting at its default' => sub {
    my ($found, $rest) = sample_settings($text{'etc/muster.conf'});
    is($rest, '', 'read to its end');
    for my $name (@setting) {
        my $row = $setting{$name};
        ok(exists $found->{$name}, "$name is there") or next;
        my ($got, $want) = ($found->{$name}, $row->{default});
        # Depends on the prefix.
        s{^/.*(/muster)$}{$1} for $name eq 'doc_dir' ? ($got, $want) : ();
        $want = $got =~ /^\{/ ? '{}' : $got =~ /^\(/ ? '()' : '[]' if $row->{type} eq 'group' && $want eq '';
        is($got, $want, "$name is at its default");
    }
    my %group = map { s/\.[^.]+$//r => 1 } grep { /\./ } @setting;
    is(join(' ', sort grep { !$setting{$_} && !$group{$_} && !/^(?:drivers|response_headers)\./ } keys %$found), '',
        'nothing else is there');
} if exists $text{'etc/muster.conf'};

# Manual pages in mdoc: an item a setting.
subtest 'doc/muster.conf.5 has every setting with its default' => sub {
    my %item;
    my $name;
    for (split /\n/, $text{'doc/muster.conf.5'} =~ s/\\\(dq/"/gr) {
        if (/^\.It\s+(?:Ic|Va|Cm|Li|Sy)\s+(\S+)/) { $name = $1; $item{$name} = '' }
        elsif (/^\.(?:El|Sh)/) { undef $name }
        elsif (defined $name) { $item{$name} .= s/^\.\w+ //r . "\n" }
    }
    for my $setting (@setting) {
        ok(defined $item{$setting}, "$setting is there") or next;
        my ($least, $most) = @{ $setting{$setting}{bounds} };
        like($item{$setting}, qr/\bFrom $least to $most\b/, "$setting: its bounds are told") if $setting{$setting}{type} eq 'int';
        my $default = $setting{$setting}{default};
        next if $default eq '' || $setting eq 'doc_dir' || $setting{$setting}{type} =~ /^(?:group|strings)$/;
        ok($item{$setting} =~ /(?<![\w.])\Q$default\E(?![\w])/, "$setting: the default $default is told");
    }
    delete $item{resource_key}; # a member of drivers
    is(join(' ', sort grep { !$setting{$_} && /_|^mounts\./ } keys %item), '', 'no setting that there is not');
} if exists $text{'doc/muster.conf.5'};

my $mandoc = grep { -x "$_/mandoc" } split /:/, $ENV{PATH};
SKIP: {
    skip 'mandoc is not installed (Debian: mandoc)', 1 unless $mandoc;
    for my $page (grep { m{^doc/.*\.[58]$} } @tree) {
        is(`mandoc -T lint -W warning '$src/$page' 2>&1`, '', "$page: mandoc has nothing to say");
    }
}

# Every option that a text has, with its dashes.
sub options_in {
    my ($text) = @_;
    my %found = map { $_ => 1 } $text =~ /(?<![\w-])(--?[A-Za-z][\w-]*)/g;
    return join ' ', sort keys %found;
}

subtest 'doc/muster.8 has the options that the program tells of' => sub {
    plan skip_all => 'mandoc is not installed (Debian: mandoc)' unless $mandoc;
    my $told = qx('$build/muster' --help) . qx('$build/muster' token --help);
    my $page = qx(mandoc -T ascii -O width=1000 '$src/doc/muster.8') =~ s/.\x08//gr;
    like($page, qr/^DESCRIPTION/m, 'the page can be read') or return;
    is(options_in($page), options_in($told), 'both have the same');
    like(options_in($told), qr/^--all --check-db .* -V -c/, 'which are these');
} if exists $text{'doc/muster.8'};

subtest 'every route has its heading, and every heading a route' => sub {
    my (%heading, %wanted);
    my %mounted = map { $_->{mount} => 1 } @route;
    for my $path (grep { m{^doc/\w+\.rst$} } @tree) {
        my ($mount) = $path =~ m{(\w+)\.rst$};
        $mount = 'root' if !$mounted{$mount};    # a page of the root beside its own
        $heading{$mount}{$1} = 1
            while $text{$path} =~ m{^((?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /\S*)\n([=~^"-])\2+$}mg;
    }
    for my $route (@route) {
        my ($method, $mount, $pattern, $doc) = @$route{qw(method mount pattern doc)};
        my $name = "$method $mount " . ($pattern eq '' ? '(itself)' : $pattern);
        ok($heading{$mount}{$doc}, "$name: doc/$mount.rst has \"$doc\"");
        $wanted{$mount}{$doc} = 1;
        # The heading says the same path, or one that goes on from it; HEAD has no text of its own.
        my $full = ($mount eq 'root' ? '/' : "/$mount/") . $pattern =~ s/[?*]\}/}/gr;
        s{/\.\.\.$}{}, s{/$}{} for $full, my $told = $doc =~ s/^\w+ //r;
        like($told, qr{^\Q$full\E(?:/|$)}, "$name: the heading has its path");
        like($doc, $method eq 'HEAD' ? qr/^(?:GET|HEAD) / : qr/^$method /, "$name: and its method");
    }
    for my $mount (sort keys %heading) {
        ok($wanted{$mount}{$_}, "doc/$mount.rst: \"$_\" is a route") for sort keys %{ $heading{$mount} };
    }
};

subtest 'HTML of the documentation' => sub {
    for my $path (@{ listed('doc_texts') }) {
        my $served = $path =~ s{^doc/}{$build/share/}r;
        my $html   = $served =~ s/\.rst$/.html/r;
        ok(-f $html, "$html is made") or next;
        like(slurp($html), qr{\A\Q<?xml version="1.0" encoding="utf-8" ?>\E\n}, "$path: begins as clients expect");
        is(slurp($served), $text{$path}, "$path: the text stands beside it");
    }
};

done_testing();
