#!/usr/bin/perl
# 47-pools.t: what is in all of several pools, whatever their number, now and as of a version, beside
# what the test itself finds in the same random containers.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::World;

my $world  = Muster::World->new(data => 0, conf => { workers => 1 });
my $pg     = $world->postgres;
my $client = $world->client;
my $seed   = $ENV{MUSTER_SEED} // int rand 1e6;
srand $seed;
diag "seed $seed";

my ($POOLS, $SERVERS) = (14, 40);
my @pools   = map { "p$_" } 1 .. $POOLS;
my @servers = map { "s$_" } 1 .. $SERVERS;
$client->post('/entity/pool',        form => [ map { (name => $_) } @pools ]);
$client->post('/entity/basicserver', form => [ map { (name => $_) } @servers ]);

# Containers as Python clusto may leave them: in circles, with members that are gone.
my %in;
sub put {
    my ($container, @members) = @_;
    my @new = grep { !$in{$container}{$_} } @members or return;
    $in{$container}{$_} = 1 for @new;
    my $names = join ',', map { "'$_'" } @new;
    $pg->psql("insert into entity_attrs (entity_id, key, datatype, relation_id, version) select c.entity_id, '_contains', 'relation', m.entity_id, 1
        from entities c, entities m where c.name = '$container' and m.name in ($names) and m.deleted_at_version is null");
    return;
}

sub any_of { my ($count, @list) = @_; return map { $list[ rand @list ] } 1 .. $count }

for my $pool (@pools) {
    put($pool, any_of(1 + rand 25, @servers), any_of(rand 3, @pools));
}
put($_, 's1') for @pools;
put('s2', 's3');                # a server contains one, too

# All that is in a container, or only what is directly in it.
sub below {
    my ($container, $children) = @_;
    my (%found, @next);
    @next = keys %{ $in{$container} // {} };
    while (defined(my $one = shift @next)) {
        next if $found{$one}++;
        push @next, keys %{ $in{$one} // {} } if $children;
    }
    return keys %found;
}

my %gone;
sub expected {
    my ($children, @of) = @_;
    my (%count, %of);
    $of{$_} = 1 for @of;
    for my $pool (keys %of) { $count{$_}++ for below($pool, $children) }
    return [ sort grep { $count{$_} == keys %of && !$gone{$_} } keys %count ];
}

sub by_pages {
    my ($of, $children, %header) = @_;
    my ($after, @all) = (0);
    while (defined $after) {
        my $page = $client->get('/from-pools', query => { pool => $of, children => $children }, headers => { %header, 'Clusto-After' => $after, 'Clusto-Per-Page' => 4 });
        push @all, @{ $page->{json} };
        $after = $page->{headers}{'clusto-next'};
    }
    return @all;
}

my ($wrong, $found) = (0, 0);
sub compare {
    my ($times, %header) = @_;
    for (1 .. $times) {
        my @of       = any_of(1 + rand(rand 2 < 1 ? 4 : 16), @pools);
        my $children = int rand 2;
        my $answer   = $client->get('/from-pools', query => { pool => \@of, children => $children }, headers => \%header);
        my @list     = @{ ref $answer->{json} eq 'ARRAY' ? $answer->{json} : [] };
        my $names    = [ sort map { s{.*/}{}r } @list ];
        my @paged    = by_pages(\@of, $children, %header);
        my $expected = expected($children, @of);
        $found += @$expected;
        next if "@$names" eq "@$expected" && "@paged" eq "@list" && $answer->{status} == 200;
        $wrong++;
        diag "$answer->{status} @of children=$children: @$names, not @$expected; by pages @paged";
    }
    return;
}

compare(150);
is($wrong, 0, "every list is right: $found objects in them");
my $many = join '&', map { "pool=$_" } @pools;
for my $filter ('driver=pool', 'type=server', 'driver=basicserver&type=pool') {
    my ($driver) = $filter =~ /driver=(\w+)/;
    my $got = $client->get("/from-pools?$many&$filter")->{json};
    my @all = @{ expected(1, @pools) };
    my @fit = $filter =~ /&/ ? () : grep { ($filter =~ /pool/) == /^p/ } @all;
    is_deeply([ sort map { s{.*/}{}r } @$got ], \@fit, $filter);
}
my $list  = $client->get("/from-pools?$many")->{json};
my $page  = $client->get("/from-pools?$many", headers => { 'Clusto-Page' => 1, 'Clusto-Per-Page' => 1 });
is($page->{headers}{'clusto-pages'}, scalar @$list, 'a page knows how many there are');
is_deeply($page->{json}, [ $list->[0] ], 'and begins with the first');
my $whole = $client->get("/from-pools?$many", headers => { 'Clusto-Mode' => 'expanded' })->{json};
is_deeply([ map { "/$_->{driver}/$_->{name}" } @$whole ], $list, 'expanded in the same order');

# What was, after some of it is gone: objects by muster, memberships.
my $version = $pg->psql('select max(version) from clustoversioning');
my %before  = map { $_ => { %{ $in{$_} } } } keys %in;
for my $name (any_of(4, @servers), 'p3') {
    next if $gone{$name};
    my $driver = $name =~ /^p/ ? 'pool' : 'basicserver';
    is($client->delete("/entity/$driver/$name")->{status}, 204, "$name is deleted");
    $gone{$name} = 1;
    delete $in{$name};
}
@pools = grep { !$gone{$_} } @pools;
compare(60);
is($wrong, 0, 'nothing of what is gone is found');
%in   = %before;
%gone = ();
compare(100, 'Clusto-As-Of' => $version);
is($wrong, 0, 'as of before it all is');

# Numbers of memberships are integers of 32 bits, and the next is one more than the largest.
$client->post('/entity/pool', form => { name => 'full' });
$client->post('/entity/basicserver', form => { name => 'next' }); # any other may be gone
my $last = $client->request(POST => '/import', type => 'application/x-ndjson', body => qq({"name": "s1", "driver": "basicserver", "in": [{"name": "full", "number": 2147483647}]}\n));
is($last->{status}, 200, 'a membership with the largest number');
my $one_more = $client->post('/entity/pool/full', form => { action => 'insert', device => 'next' });
is_deeply([ @{$one_more}{qw(status json)} ], [ 409, 'The next number would be larger than the largest, 2147483647.' ], 'the next one is refused, and it is said why');

$world->stop;
done_testing;
