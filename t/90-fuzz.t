# 90-fuzz.t: the fuzz targets: without more, each runs over its corpus; with MUSTER_FUZZ_SECONDS (see
# "make fuzz") and a program that has libFuzzer, each goes on from there for so long.
use v5.24;
use warnings;
use Digest::SHA qw(hmac_sha256_hex);
use File::Path ();
use Muster::Data;
use Muster::Postgres;
use Muster::Process qw(build_dir poll run slurp source_dir temp_dir);
use Muster::Server;
use Test::More;
use Time::HiRes qw(time);

my $seconds = $ENV{MUSTER_FUZZ_SECONDS};
my $jobs    = $ENV{MUSTER_FUZZ_JOBS} // 2;
my $only    = $ENV{MUSTER_FUZZ_TARGET} // '';
my $program = build_dir() . '/t/fuzz/fuzz';
my $token_key = 'f' x 64;
my $corpus  = source_dir() . '/t/fuzz/corpus';

# What libFuzzer finds stays: inputs that reach something new in grown/, those that fail in found/.
my $state = $ENV{MUSTER_FUZZ_STATE} // build_dir() . '/fuzz';

my @targets = sort map { s{.*/}{}r } glob "$corpus/*";
if (length $only) {
    @targets = grep { $_ eq $only } @targets;
    die("there is no target \"$only\"") unless @targets;
}
else {
    my $asked = run([$program], env => { MUSTER_FUZZ_TARGET => undef });
    is(join(' ', @targets), ($asked->{err} =~ /must be one of: (.*)/)[0], 'each target has a corpus');
}

# Tokens that never change, so that inputs can have them: their secret is 64 times "0", as request.c
# knows too. A column each: id, scopes, networks, what else.
sub add_tokens {
    my ($postgres) = @_;
    my %token = (
        '00000000000000a0' => [ '{}', '{}', {} ],
        '00000000000000a1' => [ '{read:entity,allocate}', '{}', {} ],
        '00000000000000a2' => [ '{nonsense,write:nowhere,read:}', '{}', {} ],
        '00000000000000a3' => [ '{}', '{10.0.0.0/8,::1,unix,nonsense}', {} ],
        '00000000000000a4' => [ '{}', '{}', { expires => "'2000-01-01'" } ],
        '00000000000000a5' => [ '{}', '{}', { revoked => 'now()' } ],
    );
    for my $id (sort keys %token) {
        my ($scopes, $networks, $more) = @{ $token{$id} };
        my $hash = hmac_sha256_hex("mst_${id}_" . '0' x 64, $token_key);
        $postgres->psql("insert into muster_token (id, hash, owner, scopes, networks, expires, revoked)
            values ('$id', '\\x$hash', 'owner $id', '$scopes', '$networks', " . ($more->{expires} // 'null') . ', ' . ($more->{revoked} // 'null') . ')');
    }
    return;
}

# The target "request" wants a database and a configuration that names it.
my $server;
if (grep { $_ eq 'request' } @targets) {
    my $postgres = Muster::Postgres->new;
    $server = Muster::Server->new(postgres => $postgres, start => 0, conf => { token_key => $token_key });
    Muster::Data::load_example($postgres);
    add_tokens($postgres);
}

sub start_target {
    my ($target) = @_;
    my $dir  = temp_dir();
    my @args = sort glob "$corpus/$target/*";
    if ($seconds) {
        File::Path::make_path("$state/grown/$target", "$state/found");
        @args = (
            "-max_total_time=$seconds", '-timeout=20', '-rss_limit_mb=2000', '-malloc_limit_mb=500', '-max_len=4096',
            '-print_final_stats=1', '-reload=0', "-dict=" . source_dir() . '/t/fuzz/tokens.dict',
            "-artifact_prefix=$state/found/$target-", "$state/grown/$target", "$corpus/$target",
        );
    }
    my $process = Muster::Process->start(
        [ $program, @args ],
        out => "$dir/out",
        cwd => $dir,
        env => { MUSTER_FUZZ_TARGET => $target, MUSTER_FUZZ_CONF => $server ? $server->dir . '/muster.conf' : undef },
    );
    return { target => $target, process => $process, out => "$dir/out", inputs => scalar(@args), since => time, told => time };
}

# What libFuzzer said last of its progress.
sub progress {
    my ($run) = @_;
    my ($last) = reverse grep { /^#\d+\s/ } split /\n/, slurp($run->{out});
    return defined $last ? $last =~ s/^#(\d+)\s+(.*?) *(?:lim:.*)?$/$1 runs, $2/r =~ s/\s+/ /gr : 'starting';
}

sub finish_target {
    my ($run) = @_;
    my $out    = slurp($run->{out});
    my $status = $run->{process}->wait(5);
    my $what   = $seconds ? progress($run) : "$run->{inputs} inputs";
    ok(defined $status && $status == 0, "$run->{target}: $what")
        or diag(length $out > 4000 ? '...' . substr $out, -4000 : $out);
    return;
}

my @waiting = @targets;
my @running;
while (@waiting || @running) {
    push @running, start_target(shift @waiting) while @waiting && @running < $jobs;
    poll(1, sub { grep { !$_->{process}->alive } @running });
    for my $run (@running) {
        if (!$run->{process}->alive) {
            finish_target($run);
            $run->{done} = 1;
        }
        elsif (time - $run->{since} > ($seconds // 0) + 120 * ($ENV{MUSTER_SLOW} // 1)) {
            diag("$run->{target} does not end");
            $run->{process}->stop('KILL');
        }
        elsif ($seconds && time - $run->{told} >= 30) {
            note(sprintf '%s, after %d s: %s', $run->{target}, time - $run->{since}, progress($run));
            $run->{told} = time;
        }
    }
    @running = grep { !$_->{done} } @running;
}

done_testing();
