#!/usr/bin/perl
# 36-drivers.t: drivers of the configuration behave like their parents; mounts moved and left out.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::World;

my $world = Muster::World->new(
    data          => 0,
    front_options => { cors => 0 },
    conf          => {
        expanded_type    => JSON::PP::true,
        response_headers => ['X-Test: everywhere'],
        mounts  => { entity => '/api/things', attribute => '/api/attribute', resourcemanager => '/api/rm', resource => '', preferences => '' },
        drivers => [
            {
                name       => 'tallrack', type => 'rack', parent => 'basicrack', class => 'example.TallRack',
                properties => [
                    { name => 'minu',   type => 'int',    default => 1 },
                    { name => 'maxu',   type => 'int',    default => 60 },
                    { name => 'colour', type => 'string', default => 'red' },
                ],
            },
            { name => 'lab',    type => 'datacenter',      parent => 'basicdatacenter' },
            { name => 'secret', type => 'pool',            parent => 'exclusive_pool' },
            { name => 'blade',  type => 'server',          parent => 'basicserver' },
            { name => 'lan',    type => 'resourcemanager', parent => 'ipmanager' },
            {
                name       => 'assets', type => 'resourcemanager', parent => 'simplenamemanager',
                properties => [
                    { name => 'basename',     type => 'string', default => 'as' },
                    { name => 'digits',       type => 'int',    default => 3 },
                    { name => 'next',         type => 'int',    default => 5 },
                    { name => 'leadingZeros', type => 'int',    default => 1 },
                ],
            },
            {
                name       => 'ports', type => 'resourcemanager', parent => 'resourcemanager', resource_key => 'port',
                properties => [ { name => 'next', type => 'int', default => 1 }, { name => 'maxnum', type => 'int' } ],
            },
        ],
    },
);
my $client = $world->client;

# Status and JSON; every answer carries the configured header.
my ($answers, $marked) = (0, 0);
sub ask {
    my ($method, $path, @form) = @_;
    my $answer = $client->request($method, $path, @form ? (form => \@form) : ());
    $answers++;
    $marked++ if ($answer->{headers}{'x-test'} // '') eq 'everywhere';
    return [ $answer->{status}, length $answer->{body} ? $answer->{json} : () ];
}

sub insert { my ($into, $what, @more) = @_; return ask(POST => "/api/things/entity/$into", action => 'insert', device => $what, @more) }

subtest 'listed' => sub {
    my $drivers = ask(GET => '/driverlist')->[1];
    is(scalar keys %$drivers, 28, '21 and seven');
    is($drivers->{tallrack}, 'example.TallRack', 'with the class that was configured');
    is($drivers->{lan}, 'muster.drivers.lan', 'or one of ours');
    my $types = ask(GET => '/typelist')->[1];
    is($types->{rack}, 'example.TallRack', 'the last one of a type stands for it');
    is($types->{server}, 'muster.drivers.blade', 'each type');
};

subtest 'created, and checked through their parents' => sub {
    is_deeply(ask(POST => '/api/things/tallrack', map { (name => $_) } qw(r1 r2)), [ 201, [qw(/tallrack/r1 /tallrack/r2)] ], 'racks');
    is(ask(POST => '/api/things/blade', map { (name => $_) } qw(b1 b2))->[0], 201, 'blades');
    is_deeply(ask(GET => '/by-name/r1')->[1], {
        attrs => [ map { { datatype => $_->[0], key => $_->[1], number => undef, subkey => 'property', value => $_->[2] } }
                [ string => colour => 'red' ], [ int => maxu => 60 ], [ int => minu => 1 ] ],
        contents => [], driver => 'tallrack', name => 'r1', parents => [], type => 'rack',
    }, 'with their properties');
    is(ask(GET => "/by-name/r1?driver=$_")->[0], 200, "a tallrack is a $_") for qw(tallrack basicrack location entity);
    is(ask(GET => "/by-name/r1?driver=$_")->[0], 409, "a tallrack is no $_") for qw(pool device);
    is_deeply(ask(GET => '/by-name/b1')->[1]{ips}, [], 'a blade has addresses');
    is_deeply(ask(GET => '/api/things/basicserver'), [ 200, [] ], 'a list by driver is exact');
    is_deeply(ask(GET => '/api/things/?type=server'), [ 200, [qw(/blade/b1 /blade/b2)] ], 'one by type is not');
};

subtest 'their parents\' rules' => sub {
    is(insert('r1', 'b1', rackU => 60)->[0], 200, 'a tall rack racks, up to its unit 60');
    is(insert('r2', 'b1', rackU => 1)->[1], '"b1" is already in the tallrack "r1"', 'a device is in one rack');
    is(ask(DELETE => '/api/attribute/r2/maxu')->[0], 200, 'a property is deleted');
    is(insert('r2', 'b2', rackU => 60)->[0], 200, 'then the driver\'s default holds');
    is(ask(PUT => '/api/attribute/r2/minu/property', value => 'low')->[0], 200, 'nonsense can be written by hand');
    ask(POST => '/api/things/blade', name => 'b3');
    is_deeply(insert('r2', 'b3', rackU => 1), [ 409, 'the property "minu" of "r2" makes no sense: "low"' ], 'and is told');
    ask(POST => '/api/things/lab', name => 'l1', name => 'l2');
    is(insert('l1', 'b1')->[0], 200, 'a lab contains');
    is(insert('l2', 'b1')->[1], '"b1" is already in the lab "l1"', 'what is in no other lab');
    ask(POST => '/api/things/secret', name => 's1');
    ask(POST => '/api/things/pool', name => 'open');
    is(insert('s1', 'b1')->[0], 200, 'an exclusive pool contains');
    is(insert('open', 'b1')->[1], '"b1" is already in the secret "s1"', 'exclusively');
    is_deeply(ask(GET => '/from-pools?pool=s1')->[1], ['/blade/b1'], 'and is a pool');
};

subtest 'managers' => sub {
    is(ask(POST => '/api/rm/lan', name => 'net', baseip => '10.0.0.0', netmask => '/29', gateway => '10.0.0.1')->[0], 201, 'a lan is made');
    is_deeply(ask(GET => '/api/attribute/net/netmask')->[1][0]{value}, '29', 'its netmask as Python clusto can read it');
    is(ask(POST => "/api/rm/$_/net", object => 'b2')->[1]{key}, 'ip', "it gives addresses as a $_") for qw(lan ipmanager resourcemanager);
    is_deeply(ask(GET => '/by-name/b2')->[1]{ips}, [qw(10.0.0.2 10.0.0.3 10.0.0.4)], 'one after the other');
    is(ask(GET => '/by-name/net')->[1]{count}, 3, 'and counts them');
    is_deeply(ask(GET => '/api/rm/'),          [ 200, ['/lan/net'] ], 'it is in the list');
    is_deeply(ask(GET => '/api/rm/ipmanager'), [ 200, [] ], 'of its own driver only');
    is(ask(DELETE => '/api/rm/ipmanager/net', object => 'b2', resource => '10.0.0.3')->[0], 204, 'takes one back');
    is(ask(POST => '/api/rm/assets', name => 'tags')->[0], 201, 'assets are made');
    is(ask(POST => '/api/rm/assets/tags', object => 'b2')->[1]{value}, 'as005', 'and named by the driver\'s defaults');
    is(ask(DELETE => '/api/things/entity/net')->[0], 204, 'the lan is deleted');
    is_deeply(ask(GET => '/by-name/b2')->[1]{ips}, [], 'with all that it gave');
};

subtest 'numbers that are taken in a row' => sub {
    is(ask(POST => '/api/rm/ports', name => 'p', maxnum => 152)->[0], 201, 'a manager of numbers');
    ask(POST => '/api/rm/ports', name => 'q');
    my $give = sub { my ($manager, @more) = @_; my $got = ask(POST => "/api/rm/ports/$manager", object => 'b2', @more); return $got->[0] == 201 ? $got->[1]{value} : $got->[0] };
    is_deeply([ map { $give->(p => resource => $_) } 2 .. 150 ], [ 2 .. 150 ], '149 of them are asked for by number');
    is_deeply([ map { $give->('p') } 1 .. 4 ], [ 1, 151, 152, 409 ], 'the next free ones are given, up to the last');
    is_deeply([ map { $give->('q') } 1 .. 3 ], [ 1 .. 3 ], 'another manager gives its own');
};

subtest 'mounts' => sub {
    is_deeply(ask(GET => '/__meta__')->[1], {
        '/api/attribute' => 'clustoapi.apps.attribute',
        '/api/rm'        => 'clustoapi.apps.resourcemanager',
        '/api/things'    => 'clustoapi.apps.entity',
    }, 'are told where they are');
    is(ask(GET => $_)->[0], 200, "$_ is there") for qw(/api/things /api/things/ /api/rm /api/rm/__doc__ /api/attribute/__doc__);
    is(ask(GET => $_)->[0], 404, "$_ is not") for qw(/entity/ /resource/ /resourcemanager/ /preferences/ /api /api/);
    is(ask(OPTIONS => $_)->[0], 204, "OPTIONS $_") for qw(/ /entity/ /api/things /favicon.ico);
    ask(GET => $_) for qw(/favicon.ico /__version__ /__doc__ /by-name/nobody);
    is($marked, $answers, 'every answer so far has the configured header');
};

$world->stop;
done_testing;
