#!/usr/bin/perl
# 80-bench.t: the benchmark runs, on a tiny inventory; how fast anything was is no part of it.
use v5.24;
use warnings;
use Cwd ();
use FindBin ();
use JSON::PP ();
use Test::More;

use lib "$FindBin::Bin/lib", "$FindBin::Bin/bench/lib";
use Muster::Bench::Load qw(cpu_of);
use Muster::Bench::Race qw(median ratio);
use Muster::Process qw(build_dir run slurp source_dir temp_dir which);

my $bench = source_dir() . '/t/bench/bench.pl';
my @perl  = ($^X, $bench);

my $help = run([ @perl, '--help' ]);
is $help->{status}, 0, '--help';
like $help->{out}, qr/^ +--quick /m, 'tells of the options';
is run([ @perl, '--front', 'apache' ])->{status}, 2, 'what makes no sense is refused';
my $unknown = run([ @perl, '--only', 'by-name,nothing' ], timeout => 5);
is $unknown->{status}, 2, 'a scenario that is none, too, before anything is loaded';
like $unknown->{err}, qr/^There is no scenario nothing\.$/m, 'and named';

my @names = split /\n/, run([ @perl, '--list' ])->{out};
ok @names > 10, 'the scenarios have names';

is run([ @perl, '--against', temp_dir() ])->{status}, 2, 'another build has to be there';

# --- processor time

subtest 'processor time of a process and its children, also of those that ended' => sub {
    my $burn   = 'my $end = (times)[0] + 0.2; 1 while (times)[0] < $end;';
    my $used   = sub { return cpu_of({ us => [$$] })->{us} };
    my $before = $used->();
    my $pid    = open my $child, '-|', $^X, '-e', "$burn \$| = 1; print qq{done\n}; sleep 60" or die "fork: $!";
    is readline $child, "done\n", 'a child has worked';
    my $alive = $used->() - $before;
    cmp_ok $alive, '>=', 0.19, 'while it lives';
    kill KILL => $pid;
    close $child;
    cmp_ok $used->() - $before, '>=', 0.19, 'afterwards';
};

sub result { return { rounds => [ map { $_ && { cpu => { front => 1000, %$_ }, rate => 1 } } @_ ] } }

subtest 'two are compared round by round' => sub {
    is median(1, 9, undef, 3), 3, 'the median, of what is there';
    is median(4, 2), 3, 'and of an even number';
    my $ours   = result(map { { program => $_, database => 10 } } 10, 20, 90, 30, 40);
    my $theirs = result({ program => 10 }, { program => 10 }, undef, { program => 20 }, { program => 20 });
    # 2, 3, 2, 2.5: four rounds, quartiles 2 and 2.625
    my $found = ratio($ours, $theirs);
    is $found->{value}, 2.25, 'program and database, where both ran';
    is sprintf('%.3f', $found->{spread}), sprintf('%.3f', 0.625 / 2 / 2.25), 'the spread';
    is $found->{unreliable}, 1, 'which is large';
    is ratio($ours, $ours)->{unreliable}, 0, 'or not';
    is sprintf('%.3f', ratio($ours, $theirs, 'front')->{value}), '1.000', 'other payers';
    is ratio($ours, result())->{value}, undef, 'nothing to compare with';
};

SKIP: {
    skip 'wrk is missing', 1 unless which('wrk');
    my @missing = grep { !-x build_dir() . "/t/$_" } qw(tables bench/bare bench/constant);
    skip "not built: @missing", 1 if @missing;

    my $json   = temp_dir() . '/result.json';
    my @tiny   = qw(--servers 300 --small 100 --crowd 200 --preferences 20 --repeats 1 --seconds 0.2 --clients 2 --workers 2 --buffers 16MB --quiet);
    my $result = run([ @perl, @tiny, '--only', 'by-name,path,list,gone,export,set,provision,import', '--json', $json ], timeout => 240);
    is $result->{status}, 0, 'it runs' or diag "$result->{out}$result->{err}";
    like $result->{out}, qr/^\d+ of \d+ reached\.$/m, 'and tells what was reached';
    unlike $result->{out}, qr/is not the same|errors? of/, 'all that are compared answer the same';
    my $found = eval { JSON::PP::decode_json(slurp($json)) } // {};
    my %line  = map { $_->{id} => $_ } @{ $found->{lines} // [] };
    is join(' ', sort keys %line), 'by-name export gone import list path provision set', 'the results are there as JSON';
    my ($race) = grep { $_->{id} eq 'by-name' } @{ $found->{races} // [] };
    my %by = map { $_->{name} => $_ } @{ ($race // {})->{results} // [] };
    is join(' ', sort keys %by), 'bare constant muster pgbench', 'all contestants ran';
    ok !(grep { !($_->{rate} > 0) } values %by), 'and answered';
    like $result->{out}, qr/^by-name, expanded, of the bare responder +\d+\.\d\d .* <= 1\.05 /m, 'compared by processor time';
    ok $by{muster}{cpu}{database} > 0 && $by{muster}{cpu}{program} > 0 && $by{muster}{cpu}{front} > 0,
        'processor time is told for each group' or diag explain $by{muster};
    is sprintf('%.3f', $by{muster}{cost}), sprintf('%.3f', $by{muster}{cpu}{program} + $by{muster}{cpu}{database}), 'of which two count';

    $result = run([ @perl, @tiny, '--only', 'by-name,hot,crowd,member', '--against', build_dir(), '--json', $json ], timeout => 240);
    is $result->{status}, 0, 'beside another build' or diag "$result->{out}$result->{err}";
    $found = eval { JSON::PP::decode_json(slurp($json)) } // {};
    my %costs = map { $_->{what} => $_ } @{ $found->{comparisons} // [] };
    my @crowd  = map { "crowd: $_" } 'from-pools', 'from-pools, children=no', 'by-attr', 'contents', 'alone';
    my @member = map { "member: $_" } 'an attribute set', 'a member inserted or removed';
    my @wanted = ('by-name', 'hot: cached', 'hot: uncached', map { ("$_: few", "$_: many") } @crowd, @member);
    is_deeply [ sort keys %costs ], [ sort @wanted ], 'all of ours are compared';
    ok !(grep { !($_->{before} > 0 && $_->{after} > 0 && $_->{value} > 0) } values %costs), 'before and after' or diag explain \%costs;
    unlike $result->{out}, qr/errors? of|\d errors/, 'without errors';
}

done_testing;
