#!/usr/bin/perl
# 64-import-cloudprefs.t: what mongoexport writes, moved into a running server, again and with faults.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Process qw(run source_dir spew temp_dir);
use Muster::World;

my $world = Muster::World->new(data => 0, conf => { connect_timeout => 60000, preferences_document_bytes => 5000 });
my $dir   = temp_dir();
my $url   = $world->front->url . '/preferences/';
my $made  = 0;

sub import_lines {
    my ($lines, @args) = @_;
    my $file = spew("$dir/export" . $made++, join '', map { "$_\n" } @$lines);
    return run([ $^X, source_dir() . '/contrib/import-cloudprefs', '--url', $url, '--user', 'alice', @args, $file ]);
}

sub holds {
    my ($name, $text) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $answer = $world->client->get("/preferences/$name", headers => { 'X-User-Id' => 'alice', 'Clusto-Minify' => 'true' });
    is($answer->{status} == 200 ? $answer->{body} : $answer->{status}, $text, "holds /$name");
    return;
}

my @lines = (
    '{"_id":{"$oid":"5b3f1c2e8a1d2b0001c0ffee"},"__id":"defaults","build_config":["monitoring","backup"],"passwords":{"root":"secretpassword"}}',
    '{"_id":{"$oid":"5b3f1c2e8a1d2b0001c0ffef"},"__id":"numbers","long":{"$numberLong":"9007199254740993"},"big":12345678901234567890,"real":0.10,"double":{"$numberDouble":"1.5"},'
        . '"nan":{"$numberDouble":"NaN"},"deep":[{"x":{"$numberInt":"3"}}],"not":{"$numberLong":"1","y":2}}',
    '{"__id":"a/b \u00e9\ud83d\ude00","_id":1,"nested":{"__id":"kept","_id":2}}',
    '',
    '  { "__id" : "spaced" , "a" : [ ] , "b" : { } , "c" : "\"\\\\\/\u0041" }  ',
);

subtest 'all is fine' => sub {
    my $result = import_lines(\@lines);
    is($result->{status}, 0, 'status 0');
    like($result->{err}, qr/5 lines: 4 stored, 0 already existed, 0 not imported/, 'says what it did');
    is($result->{out}, '', 'nothing on standard output');
    holds('', qq(["a/b \xc3\xa9\xf0\x9f\x98\x80", "defaults", "numbers", "spaced"]));
    holds('defaults', '{"build_config": ["monitoring", "backup"], "passwords": {"root": "secretpassword"}}');
    holds('numbers', '{"big": 12345678901234567890, "deep": [{"x": 3}], "double": 1.5, "long": 9007199254740993, "nan": {"$numberDouble": "NaN"}, "not": {"$numberLong": "1", "y": 2}, "real": 0.10}');
    holds('a%2Fb%20%C3%A9%F0%9F%98%80', '{"nested": {"__id": "kept", "_id": 2}}');
    holds('spaced', '{"a": [], "b": {}, "c": "\"\\\\/A"}');
};

subtest 'again' => sub {
    $world->client->post('/preferences/defaults/changed', headers => { 'X-User-Id' => 'alice' }, body => 'true');
    my $result = import_lines([ @lines, '{"__id":"new"}' ]);
    is($result->{status}, 0, 'status 0');
    like($result->{err}, qr/6 lines: 1 stored, 4 already existed, 0 not imported/, 'only what is new');
    holds('defaults/changed', 'true');
    $result = import_lines([ $lines[0] ], '--replace', '--quiet');
    is($result->{status}, 0, 'status 0');
    is($result->{err}, '', 'quiet');
    holds('defaults', '{"build_config": ["monitoring", "backup"], "passwords": {"root": "secretpassword"}}');
};

subtest 'what can not be taken' => sub {
    my %bad = (
        2  => [ '{"a": 1}',                                qr/no "__id"/ ],
        3  => [ '{"__id": 7}',                             qr/not a string/ ],
        4  => [ '{"__id": ""}',                            qr/empty/ ],
        5  => [ '["a"]',                                   qr/object expected, column 1/ ],
        6  => [ '{"__id": "x", "a": }',                    qr/value expected, column/ ],
        7  => [ '{"__id": "x", "a": 1',                    qr/expected/ ],
        8  => [ '{"__id": "fine"}',                        qr/already on line 1/ ],
        9  => [ '{"__id": "x", "a": "' . 'x' x 6000 . '"}', qr/413/ ],
        10 => [ '{"__id": "x", "a": "\u0000"}',            qr/400/ ],
        11 => [ '{"__id": "\ud800"}',                      qr/surrogate/ ],
        12 => [ '{"__id": "' . 'n' x 1025 . '"}',          qr/400/ ],
        13 => [ '{"__id": ".."}',                          qr/in a path/ ],
        14 => [ '{"__id": "x2", "a": 1.2.3}',              qr/400/ ],
        15 => [ '{"__id": "__doc__"}',                     qr/405/ ],
        16 => [ "{\"__id\": \"esc\e[2J\", \"a\": \"\xff\"}", qr/./ ],
    );
    # A dry run finds the same, and stores nothing.
    my @said;
    for my $dry (1, 0) {
        my $result = import_lines([ '{"__id":"fine"}', map { $bad{$_}[0] } sort { $a <=> $b } keys %bad ], ('--dry-run') x $dry);
        is($result->{status}, 1, 'status 1' . ($dry ? ' of a dry run' : ''));
        for my $line (sort { $a <=> $b } keys %bad) {
            my ($said) = $result->{err} =~ /^import-cloudprefs: line $line: (.*)$/m;
            like($said // '', $bad{$line}[1], "line $line: " . substr($bad{$line}[0], 0, 40) =~ s/[^ -~]/?/gr);
        }
        my $done = $dry ? 'fine' : 'stored';
        like($result->{err}, qr/1 $done, 0 already existed, 15 not imported/, 'and how many');
        unlike($result->{err}, qr/[^\n -~]/, 'nothing that could harm a terminal');
        holds('fine', $dry ? 404 : '{}');
        push @said, join '', $result->{err} =~ /^import-cloudprefs: line .*\n/mg;
    }
    is($said[0], $said[1], 'word for word the same');
};

subtest 'other formats of mongoexport' => sub {
    for my $case ([ '[{"__id":"array"},', '{"__id":"array2"}]' ], [ '', '[', '{"__id":"array"}', ']' ], [ '{', '  "__id": "pretty"', '}' ]) {
        my $result = import_lines($case);
        my $flag   = $case->[-1] eq '}' ? '--pretty' : '--jsonArray';
        is($result->{status}, 2, "$flag: status 2");
        like($result->{err}, qr/\A[^\n]*line [12]: [^\n]*\Q$flag\E[^\n]*\n\z/, 'one line says how to export');
    }
    holds('', qq(["a/b \xc3\xa9\xf0\x9f\x98\x80", "defaults", "fine", "new", "numbers", "spaced"]));
};

subtest 'many' => sub {
    my $begin  = time;
    my $result = import_lines([ map { qq({"__id":"many$_","text":") . 'x' x 2000 . '"}' } 1 .. 200 ]);
    like($result->{err}, qr/200 lines: 200 stored/, '200 containers');
    cmp_ok(time - $begin, '<', 4 * ($ENV{MUSTER_SLOW} // 1), 'without waiting for delayed acknowledgements');
};

subtest 'arguments and faults' => sub {
    my $program = source_dir() . '/contrib/import-cloudprefs';
    my $help    = run([ $^X, $program, '--help' ]);
    is($help->{status}, 0, '--help');
    like($help->{out}, qr/--user/, 'explains');
    for my $args ([], ['--user'], [ '--user', '' ], [ '--user', 'a,b' ], [ '--user', 'a', '--url', 'ftp://x' ], [ '--user', 'a', '--nonsense' ], [ '--user', 'a', "$dir/nothing" ], [ '--user', 'a', 'x', 'y' ], [ '--user', 'a', '--header', 'x' ]) {
        my $result = run([ $^X, $program, @$args ]);
        is($result->{status}, 2, "status 2: @$args");
        like($result->{err}, qr/usage/, 'says how');
    }
    my $dry = import_lines([ '{"__id":"dry"}', '{}' ], '--dry-run');
    is($dry->{status}, 1, '--dry-run finds faults');
    like($dry->{err}, qr/1 fine, 0 already existed, 1 not imported/, 'and says so');
    like(import_lines([ $lines[0], '{"__id":"dry"}' ], '--dry-run')->{err}, qr/1 fine, 1 already existed, 0 not imported/, 'with what is there');
    like(import_lines([ $lines[0], '{"__id":"dry"}' ], '--dry-run', '--replace')->{err}, qr/2 fine, 0 already existed, 0 not imported/, 'unless it would be replaced');
    holds('dry', 404);
    my $wrong = run([ $^X, $program, '--user', 'alice', '--url', $world->front->url . '/nowhere' ], stdin => qq({"__id":"a"}\n));
    is($wrong->{status}, 3, 'status 3: nothing there');
    my $piped = run([ $^X, $program, '--user', 'bob', '--header', 'Clusto-Minify: true', '--url', $url ], stdin => qq({"__id":"a"}\n{"__id":"b"}));
    is($piped->{status}, 0, 'from standard input');
    $world->front->stop;
    $wrong = run([ $^X, $program, '--user', 'alice', '--url', $url ], stdin => qq({"__id":"a"}\n), timeout => 60);
    is($wrong->{status}, 3, 'status 3: no server');
};

$world->server->stop;
done_testing();
