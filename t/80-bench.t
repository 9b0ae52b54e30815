#!/usr/bin/perl
# 80-bench.t: the benchmark runs, on a tiny inventory; how fast anything was is no part of it.
use v5.24;
use warnings;
use Cwd ();
use FindBin ();
use JSON::PP ();
use Test::More;

use lib "$FindBin::Bin/lib";
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

SKIP: {
    skip 'wrk is missing', 1 unless which('wrk');
    my @missing = grep { !-x build_dir() . "/t/$_" } qw(tables bench/bare bench/constant);
    skip "not built: @missing", 1 if @missing;

    my $json   = temp_dir() . '/result.json';
    my @tiny   = qw(--servers 300 --small 100 --preferences 20 --repeats 1 --seconds 1 --clients 2 --workers 2 --buffers 16MB --quiet);
    my $result = run([ @perl, @tiny, '--only', 'by-name,path,list,gone,set', '--json', $json ], timeout => 240);
    is $result->{status}, 0, 'it runs' or diag "$result->{out}$result->{err}";
    like $result->{out}, qr/^\d+ of \d+ reached\.$/m, 'and tells what was reached';
    unlike $result->{out}, qr/is not the same|errors? of/, 'all that are compared answer the same';
    my $found = eval { JSON::PP::decode_json(slurp($json)) } // {};
    my %line  = map { $_->{id} => $_ } @{ $found->{lines} // [] };
    is join(' ', sort keys %line), 'by-name gone list path set', 'the results are there as JSON';
    my ($race) = grep { $_->{id} eq 'by-name' } @{ $found->{races} // [] };
    my %by = map { $_->{name} => $_ } @{ ($race // {})->{results} // [] };
    is join(' ', sort keys %by), 'bare constant muster pgbench', 'all contestants ran';
    ok !(grep { !($_->{rate} > 0) } values %by), 'and answered';
    ok $by{muster}{cpu}{database} > 0 && $by{muster}{cpu}{program} > 0 && $by{muster}{cpu}{front} > 0,
        'processor time is told for each group' or diag explain $by{muster};
}

done_testing;
