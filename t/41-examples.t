#!/usr/bin/perl
# 41-examples.t: the clients in contrib/examples, each where its language is installed, and the samples for
# Prometheus and Grafana against what the server counts.
use v5.24;
use warnings;
use JSON::PP ();
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll run slurp source_dir temp_dir which);
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
    my $result   = run([ $promtool, 'check', 'rules', source_dir() . '/etc/muster-alerts.yml' ]);
    is($result->{status}, 0, 'the rules are rules') or diag $result->{out}, $result->{err};
}

$server->stop;
done_testing;
