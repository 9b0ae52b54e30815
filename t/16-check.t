#!/usr/bin/perl
# 16-check.t: contrib/check and contrib/demo from a clone in a path with blanks; what they and configure.ac
# say when something fails or is missing. The tools that build are stand-ins here.
use v5.24;
use warnings;
use IO::Socket::INET;
use Muster::Process qw(build_dir poll run slurp source_dir spew temp_dir which);
use Test::More;

plan skip_all => "nothing here is built with sanitizers" if $ENV{MUSTER_SANITIZED};

my $base  = temp_dir();
my $clone = "$base/a clone";
my $src   = source_dir();
is(run([ 'sh', '-c', 'mkdir -p "$2/t" && cp -r "$1/contrib" "$1/etc" "$1/configure.ac" "$2/" && cp -r "$1/t/lib" "$2/t/"', 'sh', $src, $clone ])->{status}, 0, 'a clone');

# Programs that come first in the PATH: what is called, and with what as its text.
mkdir "$base/bin";
sub stand_in {
    my ($name, $text) = @_;
    chmod 0755, spew("$base/bin/$name", "#!/bin/sh\n$text") or die "$name: $!";
    return;
}
stand_in(autoreconf => <<'END');
cat >configure <<'INNER'
#!/bin/sh
for path in "$PWD" "$(cd "$(dirname "$0")" && pwd)"; do
    case $path in *" "*) echo "configure: error: unsafe directory name: $path" >&2; exit 1 ;; esac
done
: >config.status
INNER
chmod +x configure
END
my $build = build_dir();
delete local @ENV{qw(MUSTER_TALLY PERL5LIB MUSTER_BUILD_DIR PROVEFLAGS MAKEFLAGS MFLAGS MAKELEVEL)};
my $tests = temp_dir();
spew("$tests/good.t", "print qq{1..2\\nok 1\\nok 2\\n};\n");
spew("$tests/bad.t",  <<'END');
use Test::More tests => 3;
ok 1, 'well';
subtest 'a part' => sub { note 'not worth a word'; is 1, 1, 'one'; is 'a' x 999, "b\n" x 99, 'another'; ok 0, "number $_" for 1 .. 40; done_testing };
is 'left', 'right', 'sides';
END
spew("$tests/few.t", <<'END');
use Test::More;
subtest 'outer' => sub { is 'left', 'right', 'inner'; diag 'seen \\there'; done_testing };
done_testing;
END
symlink "$tests/bad.t", "$tests/bad$_.t" for 2 .. 6;
spew("$tests/dead.t", "\$| = 1; print qq{1..1\\nok 1\\n}; print STDERR qq{could not go on\\n}; exit 3;\n");

sub check {
    my ($made, @args) = @_;
    stand_in(make => $made);
    return run([ "$clone/contrib/check", '--fast', @args ], env => { PATH => "$base/bin:$ENV{PATH}", TMPDIR => $base }, timeout => 120);
}

subtest 'contrib/check' => sub {
    plan skip_all => 'packages are missing' if system("cd '$clone' && . contrib/packages && dpkg-query -W \$packages_build \$packages_run \$packages_test >/dev/null 2>&1");
    my $suite = qq{case "\$*" in *"check MUSTER_FAST=1"*) for a; do case \$a in PROVEFLAGS=*) exec prove \${a#PROVEFLAGS=} };
    my $good  = check("$suite $tests/good.t ;; esac; done ;; esac\n");
    is($good->{status}, 0, 'in a path with blanks, when all is well') or diag $good->{out}, $good->{err};
    like($good->{out}, qr/\n2 passed, 0 failed\n\z/, 'says how many');
    unlike($good->{out}, qr/^failed/m, 'and names nothing');
    my $bad = check("$suite $tests/good.t $tests/bad.t $tests/dead.t ;; esac; done ;; esac\n");
    is($bad->{status}, 1, 'with tests that fail');
    my $lines = qr/(?:      [^\n]*\n)+/;
    like($bad->{out}, qr{\nfailed:\n  [^\n]*\Q$tests\E/bad\.t: 2\n$lines  [^\n]*\Q$tests\E/dead\.t: 1\n${lines}4 passed, 3 failed\n\z}, 'their names are the end') or diag substr $bad->{out}, -4000;
    my ($about) = $bad->{out} =~ m{\nfailed:\n[^\n]*bad\.t: 2\n($lines)};
    like($about, qr/^ +not ok 2 - another$/m, 'the assertions that failed, also of a subtest');
    cmp_ok(scalar(() = $about =~ /\n/g), '<=', 21, 'not too many lines of one file');
    unlike($about, qr/.{310}/, 'nor too long ones');
    unlike($about, qr/not worth|- one$|- well/m, 'nothing of those that passed');
    like($bad->{out}, qr{/dead\.t: 1\n +could not go on\n +exit status 3\n}, 'what a program said before it ended');
    my $few = check("$suite $tests/few.t ;; esac; done ;; esac\n");
    like($few->{out}, qr{/few\.t: 1\n +not ok 1 - inner\n +# at \S+ line 2\.\n +# got: 'left'\n +# expected: 'right'\n +# seen \\there\n +not ok 1 - outer\n +# at [^\n]*\n0 passed, 1 failed\n\z}, 'few failures: with their diagnostics')
        or diag $few->{out};
    my $many = check("$suite @{[ map { qq{$tests/$_.t} } qw(bad few dead bad2 bad3 bad4 bad5 bad6) ]} ;; esac; done ;; esac\n");
    my ($end) = $many->{out} =~ /^failed:\n(.*)/ms;
    cmp_ok(scalar(() = $end =~ /\n/g), '<=', 72, 'few enough lines that the end of a log has all of them');
    like($end, qr{/$_\.t: \d\n +\S}, "$_ is among them") for qw(bad few dead bad6);
    my $no = check("echo no compiler; exit 1\n");
    is($no->{status}, 1, 'where the build fails');
    like($no->{out}, qr{no compiler\n.*\nfailed:\n  make [^\n]*tests\n      no compiler\n0 passed, 1 failed\n\z}s, 'that is named');
    my $blank = check("exit 0\n", '--dir', "$base/b c");
    is($blank->{status}, 2, 'a directory with blanks is refused');
    like($blank->{err}, qr/"\Q$base\E\/b c": please use a path without blanks/, 'and why');
};

subtest 'contrib/demo' => sub {
    plan skip_all => 'packages are missing' if system("cd '$clone' && . contrib/packages && dpkg-query -W \$packages_build \$packages_run >/dev/null 2>&1");
    stand_in(make => "cp '$build/muster' . && cp -r '$build/share' .\n");
    my $out     = "$base/out";
    # As in the lines of the sample that are left out.
    my ($port)  = grep { IO::Socket::INET->new(LocalAddr => "127.0.0.1:$_", Listen => 1, ReuseAddr => 1) } 24430 .. 24439, 34430 .. 34439 or die "no port\n";
    my $process = Muster::Process->start([ "$clone/contrib/demo", '--port', $port, '--dir', "$base/data" ],
        out => $out, cwd => $base, env => { PATH => "$base/bin:$ENV{PATH}" });
    poll(120, sub { slurp($out) =~ /^ready/m || !$process->alive });
    like(slurp($out), qr{^ready http://127\.0\.0\.1:$port/$}m, 'ready, from a clone in a path with blanks');
    is($process->stop('TERM', 40), 0, 'and ends');
    my $here = run([ "$clone/contrib/demo", '--port', $port ], cwd => $clone);
    is($here->{status}, 1, 'its data may not be in such a path');
    like($here->{err}, qr/please use a path without blanks and quotes \(--dir DIR\)/, 'which it says');
};

subtest 'configure.ac without pkg-config' => sub {
    my $aclocal = which('aclocal') or plan skip_all => 'aclocal is not installed (Debian: automake)';
    my $dir     = temp_dir();
    mkdir "$dir/none";
    spew("$dir/configure.ac", slurp("$src/configure.ac"));
    my $result = run([ $aclocal, "--system-acdir=$dir/none" ], cwd => $dir);
    isnt($result->{status}, 0, 'is an error');
    like($result->{err}, qr/pkg-config is missing \(Debian: apt-get install pkg-config\)/, 'that says what is missing') or diag $result->{err};
};

subtest 'tests without mandoc' => sub {
    my $farm = temp_dir();
    for my $dir ('/bin', '/usr/bin') {
        symlink "$dir/$_", "$farm/$_" for grep { $_ ne 'mandoc' } map { s{.*/}{}r } glob "$dir/*";
    }
    my $result = run([ $^X, "-I$src/t/lib", "$src/t/00-house.t" ], env => { PATH => $farm, MUSTER_BUILD_DIR => $build, MUSTER_SRC_DIR => $src });
    is($result->{status}, 0, 't/00-house.t passes') or diag $result->{out} =~ /^ *not ok.*/mg, $result->{err};
    like($result->{out}, qr/skip mandoc is not installed/i, 'and says what it leaves out');
};

done_testing;
