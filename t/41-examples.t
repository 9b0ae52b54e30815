#!/usr/bin/perl
# 41-examples.t: the clients in contrib/examples, each where its language is installed, and the samples for
# Prometheus and Grafana against what the server counts.
use v5.24;
use warnings;
use IO::Socket::INET ();
use JSON::PP ();
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll run slurp source_dir spew temp_dir which);
use Muster::Server;
use Test::More;

my $SLOW     = $ENV{MUSTER_SLOW} // 1;
my $examples = source_dir() . '/contrib/examples';
my $postgres = Muster::Postgres->new;
my $server   = Muster::Server->new(postgres => $postgres);
my $front    = Muster::Front->new(server => $server);
my $dir      = temp_dir();

# --- clients

my @client = (
    [ 'client.py',  'python3', 'python3',  sub { ($_[0]) } ],
    [ 'client.sh',  'sh',      'dash',     sub { ($_[0]) } ],
    [ 'client.go',  'go',      'golang',   sub { ('run', $_[0]) } ],
    [ 'client.mjs', 'node',    'nodejs',   sub { ($_[0]) } ],
);
is(join(' ', map { s{.*/}{}r } glob "$examples/client.*"), join(' ', sort map { $_->[0] } @client), 'all clients are known here');

sub client {
    my ($file, $program, $arguments, @more) = @_;
    my %env = (GOCACHE => "$dir/go", GOPATH => "$dir/gopath", HOME => $dir, LC_ALL => 'C.UTF-8');
    return run([ $program, $arguments->("$examples/$file"), @more ], env => \%env, timeout => 300 * $SLOW);
}

for my $row (@client) {
    my ($file, $language, $package, $arguments) = @$row;
    SKIP: {
        my $program = which($language) or skip "$language is not installed (Debian: $package)", 1;
        my $name    = 'pool of ' . $language;
        $name = $language if $file eq 'client.sh';    # whose paths are written as they are
        subtest $file => sub {
            my $usage = client($file, $program, $arguments);
            isnt($usage->{status}, 0, 'without arguments');
            like("$usage->{out}$usage->{err}", qr/usage: .*URL NAME/, 'it says what it wants');
            for my $status (201, 202) {
                my $result = client($file, $program, $arguments, $front->url, $name);
                is($result->{status}, 0, 'it runs') or diag $result->{err};
                is($result->{out}, <<"END_OUT", 'and shows what it made');
/pool/$name $status
$name-1 Zo\xc3\xab & co
$name-2 nobody's
404 Object "$name-3" not found ($name-3 does not exist.)
END_OUT
            }
            is($front->client->get('/history?limit=1&details=true')->{json}{versions}[0]{user}, undef, 'the server is still there');
        };
    }
}

subtest 'a server that comes back meanwhile' => sub {
    $server->stop;
    my $python = which('python3') or plan skip_all => 'python3 is not installed';
    my $waits  = Muster::Process->start([ $python, "$examples/client.py", $front->url, 'patient' ], out => "$dir/out", err => "$dir/err");
    ok(poll(30, sub { slurp("$front->{dir}/error.log") =~ m{connect\(\).*POST /entity/pool} }), 'its first request finds nobody');
    $server->start;
    is($waits->wait(60), 0, 'the client goes on') or diag slurp("$dir/err");
    like(slurp("$dir/out"), qr{^/pool/patient 201\npatient-1}, 'and its first write was done once');
};

# Another port is another server. What follows a redirect there leaves the token behind.
my %with_token = (
    'client.py' => [ 'python3', '-c', 'import sys; sys.path.insert(0, sys.argv[2]); import client; client.Muster(sys.argv[1], "secret", 1).request("GET", "/")' ],
    'client.go' => [ 'go', 'test', "$dir/client.go", "$dir/client_test.go", '-args' ],
    'client.mjs' => [ 'node', '--input-type=module', '-e', 'const [, url, dir] = process.argv; const { Muster } = await import(`${dir}/client.mjs`); await new Muster(url, { token: "secret", tries: 1 }).request("GET", "/")' ],
    'muster-export' => [ 'python3', source_dir() . '/contrib/muster-export', 'csv', '--url' ],
);
spew("$dir/client.go",      slurp("$examples/client.go"));
spew("$dir/client_test.go", <<'END_GO');
package main

import (
    "flag"
    "net/http"
    "testing"
)

func TestToken(t *testing.T) {
    m := &Muster{URL: flag.Arg(0), Token: "secret", Tries: 1}
    m.Request(http.MethodGet, "/", nil, nil)
}
END_GO

# The header of the next request there, which gets the response.
sub take_request {
    my ($socket, $response) = @_;
    my $connection = $socket->accept or return undef;
    my $header     = '';
    while (my $line = <$connection>) {
        last if $line eq "\r\n";
        $header .= $line;
    }
    print {$connection} join("\r\n", "HTTP/1.1 $response", 'Content-Length: 0', 'Connection: close', '', '');
    return $header;
}

# To $url, which sends on to $next; each is served by one of the sockets.
sub redirect_token {
    my ($file, $url, $next, $first, $second) = @_;
    my ($language, @command) = @{ $with_token{$file} };
    my $program = which($language) or skip "$language is not installed", 3;
    my $proxy   = 'http://127.0.0.1:' . $first->sockport;
    my %env     = (GOCACHE => "$dir/go", GOPATH => "$dir/gopath", HOME => $dir, LC_ALL => 'C.UTF-8', MUSTER_TOKEN => 'secret', http_proxy => $first == $second ? $proxy : undef);
    my $process = Muster::Process->start([ $program, @command, $url, $file =~ /^client/ ? $examples : () ], env => \%env, out => "$dir/out", err => "$dir/err");
    my $header  = take_request($first, "302 Found\r\nLocation: $next/");
    like($header, qr/^Authorization: Bearer secret\r$/mi, "$file: the server gets the token") or diag slurp("$dir/err");
    $header = take_request($second, '404 Not Found');
    like($header, qr{^GET }, "a redirect to $next is followed") or diag slurp("$dir/err");
    unlike($header // '', qr/secret/, 'without the token');
    $process->wait(300 * $SLOW);
    return;
}

for my $file (sort keys %with_token) {
    my ($one, $two) = map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5, Timeout => 120 * $SLOW) // die $! } 1, 2;
    my ($url, $next) = map { 'http://127.0.0.1:' . $_->sockport } $one, $two;
    SKIP: { redirect_token($file, $url, $next, $one, $two) }
    # By a proxy, which is asked for both names. Node's fetch knows none.
    next if $file eq 'client.mjs';
    SKIP: { redirect_token($file, 'http://muster.test', 'http://other.muster.test', $one, $one) }
}

# --- what is watched

my ($metrics) = map { $_->{body} } $front->client->get('/__metrics__');
my %counted = map { $_ => 1 } $metrics =~ /^# TYPE (\w+)/mg;
ok($counted{muster_requests_total}, 'there are metrics');
for my $sample (qw(muster-alerts.yml muster-dashboard.json)) {
    my $text  = slurp(source_dir() . "/etc/$sample");
    my %named = map { $_ => 1 } $text =~ /\b(muster_\w+)/g;
    is(join(' ', grep { !$counted{ s/_bucket$//r } } sort keys %named), '', "$sample: every metric is one that is counted");
}
my $dashboard = JSON::PP->new->decode(slurp(source_dir() . '/etc/muster-dashboard.json'));
is(ref $dashboard, 'HASH', 'the dashboard is JSON');
my %ids = map { $_->{id} => 1 } @{ $dashboard->{panels} };
is(keys %ids, @{ $dashboard->{panels} }, 'whose panels have numbers of their own');
SKIP: {
    my $promtool = which('promtool') or skip 'promtool is not installed (Debian: prometheus)', 1;
    subtest 'the rules' => sub {
        my $rules  = source_dir() . '/etc/muster-alerts.yml';
        my $result = run([ $promtool, 'check', 'rules', $rules ]);
        is($result->{status}, 0, 'are rules') or diag $result->{out}, $result->{err};
        # By the minute: what makes an alert.
        my %reason = (
            MusterDatabaseAway   => { 'muster_database_connect_failures_total' => '0x10 0+9x20' },
            MusterDatabaseErrors => { 'muster_database_errors_total{kind="busy"}' => '0x10 0+9x20' },
            MusterDown           => { up => '0x30' },
            MusterErrors         => { 'muster_requests_total{route="GET /",status="500"}' => '0x10 0+1x20' },
            MusterFailover       => { muster_database_timeline => '1x25 2x5' },
            MusterOldPrimary     => { muster_database_timeline => '2x25 1x5' },
            MusterSlow           => { 'muster_request_seconds_bucket{le="1"}' => '0+90x30', 'muster_request_seconds_bucket{le="2.5"}' => '0+100x30', 'muster_request_seconds_bucket{le="+Inf"}' => '0+100x30' },
            MusterStale          => { muster_standby_stale_total => '0x25 0+1x5' },
            MusterStandbyBehind  => { muster_standby_behind_total => '0+1x30', muster_standby_reads_total => '0+10x30' },
            MusterStandbyUnused  => { muster_standby_checks_total => '0+12x30', muster_standby_reads_total => '7x30' },
            MusterUnavailable    => { 'muster_requests_total{status="503"}' => '0+1x30', 'muster_requests_total{status="200"}' => '0+9x30' },
            MusterWorkersDie     => { muster_workers_died_total => '0x25 1x5' },
            MusterWorkersMissing => { 'muster_workers{state="idle"}' => '2x30', 'muster_workers{state="busy"}' => '1x30', muster_workers_wanted => '4x30' },
            MusterWritersFull    => { muster_workers_writing => '6x30', muster_workers_wanted => '8x30' },
            MusterWritesRefused  => { muster_writes_refused_total => '0x25 0+1x5' },
        );
        is(join(' ', sort keys %reason), join(' ', sort { $a cmp $b } slurp($rules) =~ /alert: (\w+)/g), 'each has its reason here');
        my $labelled = sub { my ($base, $labels) = $_[0] =~ /^(\w+)\{?([^}]*)/; return "$base\{" . join(',', 'job="muster"', 'instance="a"', $labels || ()) . '}' };
        my $test     = sub {
            my ($alert, $fires, %value) = @_;
            return {
                interval         => '1m',
                input_series     => [ map { { series => $labelled->($_), values => $value{$_} } } sort keys %value ],
                promql_expr_test => [ { expr => qq(count(ALERTS{alertname="$alert",alertstate="firing"}) or vector(0)), eval_time => '30m', exp_samples => [ { labels => '{}', value => $fires } ] } ],
            };
        };
        my @tests = map { my $values = $reason{$_}; ($test->($_, 1, %$values), $test->($_, 0, map { $_ => /writing/ ? '0x30' : '1x30' } keys %$values)) } sort keys %reason;
        my $file = spew("$dir/rules.json", JSON::PP->new->encode({ rule_files => [$rules], tests => \@tests }));
        my $run  = run([ $promtool, 'test', 'rules', $file ]);
        is($run->{status}, 0, 'fire for it, and are silent without') or diag $run->{out}, $run->{err};
    };
}

$server->stop;
done_testing;
