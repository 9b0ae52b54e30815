#!/usr/bin/perl
# 46-exact-writes.t: a write does what was requested and nothing more: attributes are deleted exactly,
# managers get all properties that were sent, moves are one step.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::World;

my $world  = Muster::World->new(data => 0, front_options => { cors => 0 });
my $client = $world->client;
my $J      = JSON::PP->new->canonical;

sub ask {
    my ($method, $path, @form) = @_;
    my $response = $client->request($method, $path, @form ? (form => \@form) : ());
    return [ $response->{status}, length $response->{body} ? $response->{json} : () ];
}

sub ask_json {
    my ($method, $path, $body) = @_;
    my $response = $client->request($method, $path, type => 'application/json', body => ref $body ? $J->encode($body) : $body);
    return [ $response->{status}, length $response->{body} ? $response->{json} : () ];
}

# The attributes as "key/subkey/number=value".
sub brief {
    my ($list) = @_;
    return join ' ', map { join('/', map { $_ // '-' } @$_{qw(key subkey number)}) . '=' . (ref $_->{value} ? $J->encode($_->{value}) : $_->{value}) } @$list;
}

sub attributes { return brief(ask(GET => "/attribute/$_[0]")->[1]) }

ask(POST => '/entity/basicserver', map { (name => "web$_") } 1 .. 9);
ask(POST => '/entity/pool', name => 'p');

subtest 'DELETE of attributes: parameters count as in POST and PUT' => sub {
    my $fill = sub {
        ask(DELETE => '/attribute/web1/nic');
        ask_json(POST => '/attribute/web1', [ map { { key => 'nic', value => $_->[0], subkey => $_->[1], number => $_->[2] } } @_ ]);
    };
    my @rows = ([ 'x', 'a', 1 ], [ 'y', 'a', 2 ], [ 'z', 'b', 1 ], [ 'w', undef, undef ]);
    $fill->(@rows);
    is(ask(DELETE => '/attribute/web1/nic', subkey => 'a')->[0], 200, 'subkey as a parameter');
    is(attributes('web1'), 'nic/b/1=z nic/-/-=w', 'the others stay');
    $fill->(@rows);
    is(ask(DELETE => '/attribute/web1/nic', number => 1)->[0], 200, 'number');
    is(attributes('web1'), 'nic/a/2=y nic/-/-=w', 'the others stay');
    $fill->(@rows);
    is(ask(DELETE => '/attribute/web1/nic?subkey=a&number=2')->[0], 200, 'both, in the query');
    is(attributes('web1'), 'nic/a/1=x nic/b/1=z nic/-/-=w', 'the others stay');
    $fill->(@rows);
    is_deeply(ask(DELETE => '/attribute/web1/nic/a', subkey => 'b'),
        [ 400, q(Two different values were submitted for "subkey": ['a', 'b']) ], 'another one than in the path');
    is_deeply(ask(DELETE => '/attribute/web1/nic', number => 'x'), [ 400, q(invalid literal for int() with base 10: 'x') ], 'a number');
    is_deeply(ask(DELETE => '/attribute/web1/nic', key => 'other'),
        [ 400, q(Two different values were submitted for "key": ['nic', 'other']) ], 'another key than in the path');
    is(ask(DELETE => '/attribute/web1/nic', subkey => '')->[0], 200, 'an empty subkey');
    is(attributes('web1'), 'nic/a/1=x nic/a/2=y nic/b/1=z nic/-/-=w', 'all refused, or there is none: nothing is deleted');
};

subtest 'DELETE of exactly these attributes' => sub {
    my @all = (
        { key => 'a', value => 'x' }, { key => 'a', value => 'x', subkey => 's' }, { key => 'a', value => 'x' }, { key => 'a', value => 7 },
        { key => 'a', value => 7, number => 0 }, { key => 'd', value => '2026-03-29T01:30:00.5', datatype => 'datetime' },
        { key => 'j', value => { b => [ 1, undef ], a => 'y' } }, { key => 'r', value => '/pool/p', datatype => 'relation' },
        { key => 'r', value => '/basicserver/web3', datatype => 'relation' }, { key => 'n', value => undef }, { key => 'n', value => '' },
    );
    is(ask_json(POST => '/attribute/web2', \@all)->[0], 201, 'eleven attributes');
    my $shown  = ask(GET => '/attribute/web2')->[1];
    my @picked = grep { $_->{key} =~ /[djn]/ || $_->{key} eq 'r' && $_->{value} eq '/pool/p' } @$shown;
    push @picked, grep { $_->{key} eq 'a' && !defined $_->{subkey} && !defined $_->{number} && $_->{value} eq 'x' } $shown->[0];
    is_deeply(ask_json(DELETE => '/attribute/web2', [ @picked, { key => 'a', value => 'nothing like it' } ]),
        [ 409, 'Attribute ' . scalar(@picked) . ': the object has no such attribute' ], 'one of them is not there');
    is(scalar @{ ask(GET => '/attribute/web2')->[1] }, 11, '... nothing is deleted');
    is(ask_json(DELETE => '/attribute/web2', \@picked)->[0], 200, 'as GET shows them');
    is(attributes('web2'), 'a/s/-=x a/-/-=x a/-/-=7 a/-/0=7 r/-/-=/basicserver/web3', 'exactly these are gone, of two that are equal one');
    is_deeply(ask_json(DELETE => '/attribute/web2', [ ({ key => 'a', value => 'x' }) x 2 ]),
        [ 409, 'Attribute 1: the object has no such attribute' ], 'one that is there once, named twice');
    is_deeply(ask_json(DELETE => '/attribute/web2', [ { key => 'a', value => '7' } ])->[0], 409, 'the text of a number is not the number');
    is_deeply(ask_json(DELETE => '/attribute/web2', [ { key => 'r', value => '/pool/nosuch', datatype => 'relation' } ])->[0], 409, 'a relation to nothing');
    is(ask_json(DELETE => '/attribute/web2/a', [ { value => 'x', subkey => undef } ])->[0], 200, 'the key from the path, without a subkey');
    is(attributes('web2'), 'a/s/-=x a/-/-=7 a/-/0=7 r/-/-=/basicserver/web3', '... its sibling with one stays');
    is_deeply(ask_json(DELETE => '/attribute/web2/a', [ { key => 'r', value => '/basicserver/web3', datatype => 'relation' } ]),
        [ 400, q(Attribute 0: Two different values were submitted for "key": ['a', 'r']) ], 'another key than in the path');
    is_deeply(ask_json(DELETE => '/attribute/web2/a', [])->[0], 200, 'an empty list');
    is_deeply(ask_json(DELETE => '/attribute/web2/a', [ { key => 'a' } ]), [ 412, 'Attribute 0: Provide at least "key" and "value"' ], 'no value');
    is_deeply(ask_json(DELETE => '/attribute/web2/a', [ { key => 'a', value => 7, more => 1 } ])->[0], 400, 'an unknown member');
    is_deeply(ask_json(DELETE => '/attribute/web2/a', '[{"key": "a", "value": 7')->[0], 400, 'broken JSON');
    is_deeply(ask(DELETE => '/attribute/web2'), [ 405, 'DELETE is not allowed here.' ], 'neither a key nor a list');
    is(attributes('web2'), 'a/s/-=x a/-/-=7 a/-/0=7 r/-/-=/basicserver/web3', 'nothing is deleted');
    ask(POST => '/entity/pool/p', action => 'insert', device => 'web2', device => 'web3');
    my ($membership) = grep { $_->{value} eq '/basicserver/web2' } @{ ask(GET => '/attribute/p/_contains')->[1] };
    is(ask_json(DELETE => '/attribute/p', [$membership])->[0], 200, 'a membership');
    is_deeply(ask(GET => '/entity/pool/p')->[1]{contents}, ['/basicserver/web3'], '... the other one stays');
};

subtest 'POST /entity/DRIVER takes properties' => sub {
    is(ask(POST => '/entity/ipmanager', name => 'm1', baseip => '10.5.0.0', netmask => '24')->[0], 201, 'a manager');
    is(attributes('m1'), 'baseip/property/-=10.5.0.0 netmask/property/-=24', '... with its network');
    is(ask(POST => '/resourcemanager/ipmanager/m1', object => 'web1')->[0], 201, '... which gives addresses');
    is(ask(POST => '/entity/basicrack', name => 'r', maxu => 60)->[0], 201, 'a rack');
    is(attributes('r'), 'maxu/property/-=60 minu/property/-=1', '... with its height, and the default of what was not sent');
    for (
        [ ipmanager => [ baseip => 'foo' ], '"foo" is not an IPv4 address for the property "baseip"' ],
        [ ipmanager => [ baseip => '10.0.0.0', netmask => '24', basename => 'x' ], '"basename" is not a property of the driver "ipmanager"' ],
        [ pool => [ colour => 'red' ], '"colour" is not a property of the driver "pool"' ],
    ) {
        my ($driver, $more, $message) = @$_;
        is_deeply(ask(POST => "/entity/$driver", name => 'refused', @$more), [ 400, $message ], "$driver @$more");
    }
    is(ask(GET => '/by-name/refused')->[0], 404, 'a refusal creates nothing');
};

# The addresses that a manager gives until it has none left.
sub gives {
    my ($manager) = @_;
    my @all;
    for my $i (1 .. 9) {
        my $answer = ask(POST => "/resourcemanager/ipmanager/$manager", object => "web$i");
        last if $answer->[0] == 409;
        push @all, join '.', unpack 'C4', pack 'N', $answer->[1]{value} + 2**31;
    }
    ask(DELETE => "/resourcemanager/ipmanager/$manager", object => "web$_") for 1 .. 9;
    return "@all";
}

subtest 'which addresses a manager gives' => sub {
    my $make = sub { return ask(POST => '/resourcemanager/ipmanager', @_) };
    for (
        [ a31 => '10.6.0.0 10.6.0.1',   baseip => '10.6.0.1',     netmask => '31' ],
        [ a32 => '10.6.0.9',            baseip => '10.6.0.9',     netmask => '255.255.255.255' ],
        [ a30 => '10.6.1.1 10.6.1.2',   baseip => '10.6.1.0/30' ],
        [ gw  => '10.6.2.2',            baseip => '10.6.2.0',     netmask => '30', gateway => '10.6.2.1' ],
        [ fl  => '10.6.3.100 10.6.3.101', baseip => '10.6.3.0/24', first => '10.6.3.100', last => '10.6.3.101' ],
        [ f   => '10.6.4.5 10.6.4.6',   baseip => '10.6.4.0/29',  first => '10.6.4.5' ],
        [ l   => '10.6.5.1 10.6.5.2',   baseip => '10.6.5.0/29',  last => '10.6.5.2' ],
    ) {
        my ($name, $want, @properties) = @$_;
        is($make->(name => $name, @properties)->[0], 201, "@properties") or next;
        is(gives($name), $want, "... gives $want");
    }
    is(attributes('a30'), 'baseip/property/-=10.6.1.0 netmask/property/-=30', 'a prefix length is stored as the netmask');
    for (
        [ '10.6.3.0', 'the network' ], [ '10.6.3.255', 'the broadcast address' ], [ '10.6.3.7', 'before the first' ], [ '10.6.3.200', 'after the last' ],
    ) {
        is(ask(POST => '/resourcemanager/ipmanager/fl', object => 'web1', resource => $_->[0])->[0], 201, "$_->[1] is given if it is named");
    }
    is(ask(POST => '/resourcemanager/ipmanager/fl', object => 'web1', resource => '10.6.4.0')->[0], 400, 'not one of another network');
    for (
        [ 'the property "netmask" is required with "baseip", or a prefix length: 10.0.0.0/24', baseip => '10.0.0.0' ],
        [ '"baseip" has a prefix length: "netmask" cannot be sent, too', baseip => '10.0.0.0/24', netmask => '24' ],
        [ '"10.0.0.0/33" is not an IPv4 address for the property "baseip"', baseip => '10.0.0.0/33' ],
        [ '"10.1.0.1" is not in the network for the property "first"', baseip => '10.0.0.0/24', first => '10.1.0.1' ],
        [ '"10.0.1.0" is not in the network for the property "last"', baseip => '10.0.0.0/24', last => '10.0.1.0' ],
        [ 'the property "first" is after "last"', baseip => '10.0.0.0/24', first => '10.0.0.9', last => '10.0.0.8' ],
        [ '"x" is not an IPv4 address for the property "first"', baseip => '10.0.0.0/24', first => 'x' ],
    ) {
        my ($message, @properties) = @$_;
        is_deeply($make->(name => 'refused', @properties), [ 400, $message ], "@properties");
    }
    is($make->(name => 'explicit')->[0], 201, 'a manager without a network');
    is(ask(POST => '/resourcemanager/ipmanager/explicit', object => 'web9', resource => '172.16.0.1')->[0], 201, '... gives what is named');
};

subtest 'a netmask that makes no sense' => sub {
    ask(POST => '/resourcemanager/ipmanager', name => 'odd', baseip => '10.7.0.0/24');
    is(ask(POST => '/resourcemanager/ipmanager/odd', object => 'web4')->[0], 201, 'an address is given');
    ask(PUT => '/attribute/odd/netmask/property', value => '255.0.255.0');
    is_deeply(ask(POST => '/resourcemanager/ipmanager/odd', object => 'web4'),
        [ 409, 'the property "netmask" of "odd" makes no sense: "255.0.255.0"' ], 'no other is given now');
    is(ask(DELETE => '/resourcemanager/ipmanager/odd', object => 'web4', resource => '10.7.0.1')->[0], 204, 'it can be given back');
    is(attributes('web4'), '', '... and is');
};

subtest 'the last name' => sub {
    ask(POST => '/resourcemanager/simplenamemanager', name => 'names', basename => 'n', digits => 10, next => 2147483646);
    my $give = sub { my $answer = ask(POST => '/resourcemanager/simplenamemanager/names', object => 'web5'); return ref $answer->[1] ? $answer->[1]{value} : "@$answer" };
    is($give->(), 'n2147483646', 'the last but one');
    is($give->(), 'n2147483647', 'the last that the counter can hold');
    is($give->(), '409 "names" has no resource left', 'then there is none');
    ask(POST => '/resourcemanager/simpleentitynamemanager', name => 'enames', basename => 'e', digits => 10, next => 2147483647);
    is_deeply(ask(POST => '/resourcemanager/simpleentitynamemanager/enames', driver => 'basicserver'), [ 201, '/basicserver/e2147483647' ], 'of an object, too');
    is(ask(POST => '/resourcemanager/simpleentitynamemanager/enames', driver => 'basicserver')->[0], 409, '... and only once');
};

subtest 'messages say what is wrong' => sub {
    is_deeply(ask_json(POST => '/attribute/web6', { key => 'k', value => 1, number => JSON::PP::true }),
        [ 400, q(invalid literal for int() with base 10: 'true') ], 'a number that is not one');
    is_deeply(ask(GET => '/from-pools?pool='), [ 400, 'The parameter "pool" is empty.' ], 'an empty pool');
    is_deeply(ask(POST => '/entity/pool/p', action => 'insert', device => ''), [ 400, 'The parameter "device" is empty.' ], 'an empty device');
};

sub units { return join ' ', map { "$_->{number}=$_->{value}" } sort { $a->{number} <=> $b->{number} } @{ ask(GET => "/attribute/$_[0]/_contains/ru")->[1] } }

subtest 'racked already' => sub {
    ask(POST => '/entity/basicrack', name => 'r1', name => 'r2');
    my $insert = sub { my ($rack, $device, @units) = @_; return ask(POST => "/entity/basicrack/$rack", action => 'insert', device => $device, map { (rackU => $_) } @units) };
    is($insert->(r1 => 'web7', 3, 4)->[0], 200, 'a device in two units');
    is_deeply($insert->(r1 => 'web7', 5), [ 409, '"web7" is already in unit 3, 4 of "r1"' ], 'into another unit');
    is_deeply($insert->(r1 => 'web7', 3), [ 409, '"web7" is already in unit 3, 4 of "r1"' ], 'into one of them');
    is($insert->(r1 => 'web7', 4, 3)->[0], 200, 'into the same');
    is($insert->(r1 => 'web7')->[0], 200, 'without units');
    is(units('r1'), '3=/basicserver/web7 4=/basicserver/web7', 'it stays where it is');
    is_deeply($insert->(r2 => 'web7', 5), [ 409, '"web7" is already in the basicrack "r1"' ], 'into another rack');
};

subtest 'action=move' => sub {
    my $move = sub { my ($into, $device, @more) = @_; return ask(POST => "/entity/entity/$into", action => 'move', device => $device, @more) };
    my $before = $world->postgres->psql('select count(*) from clustoversioning');
    my $answer = $move->(r2 => 'web7', rackU => 9, rackU => 8);
    is($answer->[0], 200, 'into another rack');
    is_deeply($answer->[1]{units}, { '/basicserver/web7' => [ 8, 9 ] }, '... the answer shows the units');
    is(units('r1') . '|' . units('r2'), '|8=/basicserver/web7 9=/basicserver/web7', '... it is in this one only');
    is($world->postgres->psql('select count(*) from clustoversioning'), $before + 1, '... in one version');
    is_deeply($move->(r2 => 'web7', rackU => 1)->[1]{units}, { '/basicserver/web7' => [1] }, 'within the rack');
    is_deeply($move->(r2 => 'web7', rackU => 1)->[1]{units}, { '/basicserver/web7' => [1] }, 'to where it is');
    is(units('r2'), '1=/basicserver/web7', '... where it stays');
    ask(POST => '/entity/basicrack/r1', action => 'insert', device => 'web8', rackU => 1);
    is_deeply($move->(r1 => 'web7', rackU => 1), [ 409, 'unit 1 of "r1" is occupied' ], 'into an occupied unit');
    is($move->(r1 => 'web7')->[0], 400, 'without a unit');
    is(units('r2'), '1=/basicserver/web7', '... it stays where it was');
    ask(POST => '/entity/basicdatacenter', name => 'dc1', name => 'dc2');
    ask(POST => '/entity/basiczone', name => 'zone');
    ask(POST => "/entity/entity/$_", action => 'insert', device => 'web7', device => 'web8') for qw(dc1 zone p);
    is($move->(dc2 => 'web7')->[0], 200, 'into another datacenter');
    is_deeply([ sort @{ ask(GET => '/entity/basicserver/web7')->[1]{parents} } ], [qw(/basicdatacenter/dc2 /basicrack/r2 /basiczone/zone /pool/p)], '... only that changes');
    is_deeply(ask(GET => '/entity/basicdatacenter/dc1')->[1]{contents}, ['/basicserver/web8'], '... the other object stays');
    ask(POST => '/entity/exclusive_pool', name => 'x1', name => 'x2');
    is($move->(x1 => 'web8')->[0], 200, 'into an exclusive pool');
    is($move->(x2 => 'web8', device => 'web6')->[0], 200, 'into another one, with one that is in none');
    is_deeply([ sort @{ ask(GET => '/entity/basicserver/web8')->[1]{parents} } ], [qw(/basicdatacenter/dc1 /basicrack/r1 /basiczone/zone /exclusive_pool/x2)], '... it is in no other pool');
    is_deeply($move->(x2 => 'nosuch'), [ 404, 'Objects nosuch do not exist and cannot be used with "x2"' ], 'an object that does not exist');
    is_deeply($move->(dc1 => 'dc1'), [ 409, '"dc1" cannot be put into itself' ], 'into itself');
    is_deeply($move->(web1 => 'web2'), [ 409, '"web1" is neither a rack, a location nor a pool: nothing can be moved into it' ], 'into a server');
};

subtest 'dates are stored in UTC, and found in every spelling' => sub {
    my $mask = '%Y-%m-%dT%H:%M:%S%z';
    for (
        [ '2026-03-29T00:30:00', '2026-03-29T01:30:00+0100', $mask ],
        [ '2026-03-29T07:00:00', '2026-03-29T01:30:00-05:30', $mask ],
        [ '2025-12-31T23:00:00', '2026-01-01T00:00:00+01:00', $mask ],
        [ '2024-03-01T00:30:00', '2024-02-29T23:30:00-0100', $mask ],
        [ '2026-03-29T01:30:00', '2026-03-29T01:30:00Z', $mask ],
        [ '2026-03-29T01:30:00', '2026-03-29 01:30:00 UTC', '%Y-%m-%d %H:%M:%S %Z' ],
        ( map { [ '2026-03-29T00:30:00', $_ ] } '2026-03-29T00:30:00', '2026-03-29 00:30:00', '2026-03-29T00:30:00.0', '2026-03-29T00:30:00Z',
            '2026-03-29T01:30:00+01:00', '2026-03-29 01:30:00.000+0100', '2026-03-28T23:30:00.000000-01:00' ),
        [ '2026-03-29T00:30:00.250000', '2026-03-29 00:30:00.25' ],
        [ '2026-03-29T00:30:00.250000', '2026-03-29T02:30:00.25+02:00' ],
    ) {
        my ($stored, $sent, $with) = @$_;
        my $answer = ask(PUT => '/attribute/web3/date', value => $sent, datatype => 'datetime', $with ? (mask => $with) : ());
        is(brief($answer->[1]), "date/-/-=$stored", "$sent is $stored");
        next if $with;
        my $found = $client->request(GET => '/by-attr?key=date&value=' . Muster::Client::uri_encode($sent))->{json};
        is_deeply($found, ['/basicserver/web3'], '... and finds it');
    }
    my $shown = ask(GET => '/attribute/web3/date')->[1];
    is(ask_json(PUT => '/attribute/web3/date', $shown)->[0], 200, 'as GET shows it');
    is_deeply(ask(GET => '/attribute/web3/date')->[1], $shown, '... it stays the same');
    for ([ '2026-03-29T01:30:00 CET', '%Y-%m-%dT%H:%M:%S %Z' ], [ '2026-03-29T01:30:00+01' ], [ '0001-01-01T00:00:00+0100', $mask ], ['2026-03-29'], ['2026-03-29T01:30:00 '] ) {
        my ($sent, $with) = @$_;
        is(ask(PUT => '/attribute/web3/date', value => $sent, datatype => 'datetime', $with ? (mask => $with) : ())->[0], 400, "$sent is refused");
    }
};

done_testing();
