# Muster::Bench::Worst: the costliest requests of each kind that are allowed: none takes more than a
# second of processor.
package Muster::Bench::Worst;
use v5.24;
use warnings;
use Muster::Bench::Run;
use Muster::Client qw(uri_encode);

my %user = (headers => { 'X-User-Id' => 'worst' });

# Milliseconds of processor for one request.
sub line {
    my ($run, $what, $request) = @_;
    my $muster = $run->world->muster('plain');
    my %by     = $run->compare("worst: $what", [ $run->by_client('muster', $muster, $request) ], slow => 1);
    my $found  = $by{muster} // return;
    $run->report->line('worst', $what, value => defined $found->{cost} ? $found->{cost} / 1000 : undef, most => 1000, unit => 'ms',
        spread => $found->{spread});
    return;
}

# The longest list that may be searched for, by asking.
sub longest {
    my ($accepted) = @_;
    my ($low, $high) = (1, 2);
    ($low, $high) = ($high, 2 * $high) while $accepted->($high);
    while ($high - $low > 1) {
        my $middle = int(($low + $high) / 2);
        $accepted->($middle) ? ($low = $middle) : ($high = $middle);
    }
    return $low;
}

# Each value of the list that is wanted is compared with each of the list that is stored.
sub search {
    my ($run) = @_;
    for my $stored (5_000, 150_000) {
        my $client  = $run->world->muster('plain')->{client};
        my $list    = '{"a": [' . join(',', ('[0]') x $stored, '[1]') . ']}';
        my $made    = $client->put('/preferences/lists', %user, body => $list, type => 'application/json');
        my $request = sub { return [ '/preferences/?contains=' . uri_encode('{"a": [' . join(',', ('[1]') x $_[0]) . ']}'), %user ] };
        die "PUT: $made->{status} $made->{body}\n" if $made->{status} !~ /^20/;
        my $most = longest(sub { $client->get(@{ $request->($_[0]) })->{status} == 200 });
        my $ask  = $request->($most);
        line($run, "contains: $most lists in $stored", sub { $_[0]->get(@$ask) });
        $client->delete('/preferences/lists', %user);
    }
    return;
}

# Each step looks for its value from the beginning of the list.
sub patch {
    my ($run) = @_;
    my $client = $run->world->muster('plain')->{client};
    my ($values, $steps) = (400_000, 40);
    my $patch  = join ',', ('{"op":"replace","path":"/a/' . ($values - 1) . '","value":0}') x $steps;
    $client->put('/preferences/list', %user, body => '{"a": [' . join(',', (0) x $values) . ']}', type => 'application/json');
    line($run, "a patch of $steps steps in a list of $values", sub {
        $_[0]->patch('/preferences/list', %user, body => "[$patch]", type => 'application/json-patch+json');
    });
    $client->delete('/preferences/list', %user);
    return;
}

# The device that is in all units of a rack is moved to where it is.
sub units {
    my ($run) = @_;
    my $client = $run->world->muster('plain')->{client};
    my $units  = 9_000;
    my @form   = (device => 'worst-device', map { (rackU => $_) } 1 .. $units);
    $client->post('/entity/basicrack', form => { name => 'worst-rack', maxu => $units });
    $client->post('/entity/basicserver', form => { name => 'worst-device' });
    my $move = sub { $_[0]->post('/entity/basicrack/worst-rack', form => [ action => 'move', @form ], headers => { 'Clusto-Mode' => 'compact' }) };
    $move->($client);
    line($run, "a device moved within $units units", $move);
    $client->delete("/entity/$_") for qw(basicrack/worst-rack basicserver/worst-device);
    return;
}

# Pools that all contain the pool of many.
sub pools {
    my ($run) = @_;
    my $client = $run->world->muster('plain')->{client};
    my @around = map { "worst-around$_" } 1 .. 200;
    $client->post('/entity/pool', form => [ map { (name => $_) } @around ]);
    $client->post("/entity/pool/$_", form => { action => 'insert', device => 'many' }, headers => { 'Clusto-Mode' => 'compact' }) for @around;
    line($run, scalar(@around) . ' pools around one of ' . $run->option('crowd'), sub {
        $_[0]->get('/from-pools', form => [ map { (pool => $_) } @around ], headers => { 'Clusto-Minify' => 'true' });
    });
    $client->delete("/entity/pool/$_") for @around;
    return;
}

sub worst {
    my ($run) = @_;
    search($run);
    patch($run);
    units($run);
    pools($run);
    return;
}

1;
