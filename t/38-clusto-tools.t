#!/usr/bin/perl
# 38-clusto-tools.t: what clusto's own tools do with an object's surroundings, by HTTP: containers upwards, references,
# rack and units, who holds an address, numbers that are counted, notes on an address, deletion by value; and as it was.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::Client qw(parallel);
use Muster::Data;
use Muster::World;

# All workers may write: or on a busy machine a write that waits for another would be refused.
my $world  = Muster::World->new(data => 0, conf => { workers => 4, write_workers => 4 });
my $client = $world->client;
my $pg     = $world->postgres;

sub must {
    my ($answer) = @_;
    $answer->{status} =~ /^20/ or die "$answer->{status} $answer->{body}";
    return $answer;
}
sub get { my ($path, @more) = @_; my $answer = $client->get($path, @more); return $answer->{status} == 200 ? $answer->{json} : $answer->{status} }
sub post   { return must($client->post($_[0], form => $_[1])) }
sub status { my ($method, $path, $form) = @_; return $client->request($method, $path, $form ? (form => $form) : ())->{status} }

post('/entity/basicdatacenter', { name => 'dc' });
post('/entity/basiczone',       { name => 'zone' });
post('/entity/basicrack',       [ name => 'rack', name => 'rack2' ]);
post('/entity/basicserver',     [ map { (name => $_) } qw(web1 web2 web3) ]);
post('/entity/pool',            [ name => 'webs', name => 'all' ]);
post("/entity/$_->[0]",         { action => 'insert', device => $_->[1] }) for [ 'basicdatacenter/dc', 'rack' ], [ 'basiczone/zone', 'rack' ], [ 'pool/webs', 'web1' ], [ 'pool/all', 'webs' ];
post('/entity/basicrack/rack',  [ action => 'insert', device => 'web1', rackU => 8, rackU => 7 ]);
post('/entity/basicrack/rack',  [ action => 'insert', device => 'web2', rackU => 12 ]);

subtest 'containers upwards' => sub {
    my $above = sub { get("/entity/basicserver/web1/parents$_[0]", headers => $_[1] // {}) };
    is_deeply($above->(''), [ '/basicrack/rack', '/pool/webs' ], 'what contains it, the oldest first');
    is_deeply($above->('?ancestors=true'), [ '/basicdatacenter/dc', '/basiczone/zone', '/basicrack/rack', '/pool/webs', '/pool/all' ], 'and what contains that');
    is_deeply($above->('?ancestors=1&type=datacenter&type=zone'), [ '/basicdatacenter/dc', '/basiczone/zone' ], 'by type');
    is_deeply($above->('?ancestors=1&driver=pool'), [ '/pool/webs', '/pool/all' ], 'by driver');
    is_deeply($above->('?ancestors=yes', { 'Clusto-Page' => 2, 'Clusto-Per-Page' => 2 }), [ '/basicrack/rack', '/pool/webs' ], 'a page');
    is_deeply($above->('?ancestors=yes&clusto_after=0&clusto_per_page=4'), [ '/basicdatacenter/dc', '/basiczone/zone', '/basicrack/rack', '/pool/webs' ], 'a page after a cursor');
    is($above->('?ancestors=1', { 'Clusto-Mode' => 'expanded' })->[0]{name}, 'dc', 'expanded');
    is_deeply(get('/entity/pool/all/parents?ancestors=1'), [], 'none');
    is(status(GET => "/entity/$_->[0]/parents$_->[1]"), $_->[2], "$_->[0]$_->[1]: $_->[2]")
        for [ 'pool/nobody', '', 404 ], [ 'pool/web1', '', 409 ], [ 'nodriver/web1', '', 412 ], [ 'pool/webs', '?type=none', 412 ], [ 'pool/webs', '?driver=none', 412 ], [ 'pool/webs', '?ancestors=maybe', 400 ];
    $pg->psql("insert into entity_attrs (entity_id, key, number, datatype, relation_id, version) select c.entity_id, '_contains', 9, 'relation', m.entity_id, 1 from entities c, entities m where (c.name, m.name) = ('webs', 'all')");
    is_deeply(get('/entity/pool/all/parents?ancestors=1'), [ '/pool/webs', '/pool/all' ], 'a circle made elsewhere ends');
    is(status(DELETE => '/attribute/webs/_contains', { value => '/pool/all' }), 200, 'which can be undone by value');
    is_deeply(get('/entity/pool/webs/contents'), ['/basicserver/web1'], 'and the other member stays');
};

subtest 'rack and units in one answer' => sub {
    my %units = (headers => { 'Clusto-Units' => 'true' });
    is_deeply(get('/by-name/web1', %units)->{units}, { '/basicrack/rack' => [ 7, 8 ] }, 'of a server: its rack');
    is_deeply(get('/entity/basicrack/rack', %units)->{units}, { '/basicserver/web1' => [ 7, 8 ], '/basicserver/web2' => [12] }, 'of a rack: what it contains');
    is_deeply(get('/by-name/web3', %units)->{units}, {}, 'of a server that is in none');
    is_deeply([ map { $_->{units} } @{ get('/entity/basicserver', headers => { 'Clusto-Units' => 'True', 'Clusto-Mode' => 'expanded' }) } ],
        [ { '/basicrack/rack' => [ 7, 8 ] }, { '/basicrack/rack' => [12] }, {} ], 'in lists');
    is(get('/by-name/web1', headers => { 'Clusto-Mode' => 'compact', %{ $units{headers} } }), '/basicserver/web1', 'not in the compact form');
    ok(!exists get('/by-name/web1')->{units}, 'nor unless it is asked for') for 1 .. 2;
    ok(!exists get('/by-name/web1', headers => { 'Clusto-Units' => 'false' })->{units}, 'nor with false');
    is_deeply([ @{ $client->get('/by-name/web1', headers => { 'Clusto-Units' => 'all' }) }{qw(status json)} ], [ 400, q{Clusto-Units must be true or false, not 'all'} ], 'nothing else');
    is_deeply(get('/entity/basicrack/rack', headers => { 'Clusto-Contents' => 'none', %{ $units{headers} } })->{units}, {}, 'a rack without its contents');
};

subtest 'references' => sub {
    post('/attribute/web2', { key => 'twin', value => '/basicserver/web1', datatype => 'relation' });
    post('/attribute/web3', { key => 'twin', subkey => 'old', number => 4, value => '/basicserver/web1', datatype => 'relation' });
    post('/attribute/web3', { key => 'boss', value => '/basicserver/web1', datatype => 'relation' });
    my @all = ({ key => 'twin', number => undef, object => '/basicserver/web2', subkey => undef }, { key => 'twin', number => 4, object => '/basicserver/web3', subkey => 'old' },
        { key => 'boss', number => undef, object => '/basicserver/web3', subkey => undef });
    my $to = sub { get("/entity/basicserver/web1/references$_[0]", headers => $_[1] // {}) };
    is_deeply($to->(''), \@all, 'by any key');
    is_deeply($to->('?key=boss'), [ $all[2] ], 'by one');
    is_deeply($to->('?key=twin&subkey=old'), [ $all[1] ], 'and subkey');
    is_deeply([ map { $_->{object} } @{ $to->('?key=_contains') } ], [ '/pool/webs', '/basicrack/rack', '/basicrack/rack' ], 'hidden ones when they are named');
    my $page = $client->get('/entity/basicserver/web1/references', headers => { 'Clusto-Page' => 2, 'Clusto-Per-Page' => 2 });
    is_deeply([ $page->{json}, $page->{headers}{'clusto-pages'} ], [ [ $all[2] ], 2 ], 'a page');
    my ($after, @walked) = (0);
    while (defined $after) {
        my $answer = $client->get('/entity/basicserver/web1/references', headers => { 'Clusto-After' => $after, 'Clusto-Per-Page' => 1 });
        push @walked, @{ $answer->{json} };
        $after = $answer->{headers}{'clusto-next'};
    }
    is_deeply(\@walked, \@all, 'pages after a cursor');
    is_deeply($to->('?clusto_after=0&clusto_per_page=3'), \@all, 'the last page');
    is_deeply(get('/entity/basicserver/web2/references'), [], 'none');
    is(status(GET => "/entity/$_->[0]/references$_->[1]"), $_->[2], "$_->[0]$_->[1]: $_->[2]") for [ 'pool/nobody', '', 404 ], [ 'pool/web1', '', 409 ], [ 'pool/webs', '?keys=a', 400 ];
    must($client->delete('/attribute/web3/boss'));
    is_deeply($to->(''), [ @all[ 0, 1 ] ], 'one that has gone');
    post('/attribute/web3', { key => 'boss', value => '/basicserver/web1', datatype => 'relation' });
};

subtest 'numbers that are counted' => sub {
    my $numbers = sub { my ($name, $key) = @_; [ map { $_->{number} } @{ get("/attribute/$name/$key") } ] };
    post('/attribute/web1', { key => 'disk', value => $_, number => 'next' }) for qw(a b);
    is_deeply($numbers->('web1', 'disk'), [ 0, 1 ], 'from 0');
    post('/attribute/web1/disk/serial/next', { value => 'x' });
    is_deeply($numbers->('web1', 'disk/serial'), [2], 'whatever the subkey');
    must($client->post('/attribute/web1', json => [ { key => 'disk', number => 'next', value => 'c' }, { key => 'fan', number => 'next', value => 1 }, { key => 'disk', number => 'next', value => 'd' }, { key => 'disk', value => 'none' } ]));
    is_deeply([ $numbers->('web1', 'disk'), $numbers->('web1', 'fan') ], [ [ 0, 1, 2, 3, 4, undef ], [0] ], 'several in a list, in its order');
    is($pg->psql("select value from counters where attr_key = 'disk'"), 4, 'the counter is the one of Python clusto');
    must($client->delete('/attribute/web1/disk'));
    post('/attribute/web1', { key => 'disk', value => 'e', number => 'next' });
    is_deeply($numbers->('web1', 'disk'), [5], 'none is given again');
    post('/attribute/web1', { key => 'disk', value => 'f', number => 9 });
    post('/attribute/web1', { key => 'disk', value => 'g', number => 'next' });
    is_deeply($numbers->('web1', 'disk'), [ 5, 9, 10 ], 'after the highest that there is');
    is(status(PUT => '/attribute/web1/disk', { value => 'h', number => 'next' }), 400, 'PUT has no next');
    is(status(DELETE => '/attribute/web1/disk', { number => 'next' }), 400, 'nor has DELETE');
    my @status = map { $_->[0] } parallel(8, sub { return [ Muster::Client->new(%$client)->post('/attribute/web2', form => { key => 'slot', value => $_[0], number => 'next' })->{status} ] });
    is_deeply(\@status, [ (201) x 8 ], '8 clients at once');
    is_deeply([ sort { $a <=> $b } @{ $numbers->('web2', 'slot') } ], [ 0 .. 7 ], 'get 8 numbers');
};

post('/resourcemanager/ipmanager', { name => 'wide', baseip => '10.8.0.0', netmask => '16' });
post('/resourcemanager/ipmanager', { name => 'net', baseip => '10.8.1.0', netmask => '255.255.255.0' });
post('/resourcemanager/ipmanager', { name => 'other', baseip => '10.9.0.0', netmask => '16' });

subtest 'notes on an address' => sub {
    post('/resourcemanager/ipmanager/net', { object => 'web1' });
    post('/resourcemanager/ipmanager/net', { object => 'web1', resource => '10.8.1.9' });
    my $notes = sub { [ map { [ @$_{qw(subkey value)} ] } @{ get("/attribute/web1/ip/note?resource=$_[0]") } ] };
    post('/attribute/web1', { key => 'ip', subkey => 'note', value => 'front', resource => '10.8.1.9' });
    is_deeply([ map { $notes->($_) } '10.8.1.9', '10.8.1.1' ], [ [ [ 'note', 'front' ] ], [] ], 'added to one of two');
    must($client->put('/attribute/web1/ip/note', form => { value => 'back', resource => '10.8.1.9' }));
    is_deeply($notes->('10.8.1.9'), [ [ 'note', 'back' ] ], 'set');
    must($client->post('/attribute/web1', json => { key => 'ip', subkey => 'note', value => 'json', resource => '10.8.1.1' }));
    is_deeply($notes->('-1979186943'), [ [ 'note', 'json' ] ], 'in JSON; the address as it is stored');
    is_deeply([ map { $_->{subkey} // '' } @{ get('/attribute/web1/ip?resource=10.8.1.9') } ], [ '', 'manager', 'ipstring', 'cidr', 'note' ], 'all of one address');
    is_deeply(get('/attribute/web1/ip?resource=10.8.1.77'), [], 'of none');
    my $refused = $client->post('/attribute/web2', form => { key => 'ip', subkey => 'note', value => 'no', resource => '10.8.1.9' });
    is_deeply([ @$refused{qw(status json)} ], [ 409, '"web2" has no ip "10.8.1.9"' ], 'who does not have it gets no note');
    is(status(@$_), 400, "@$_[0, 1] refused") for [ GET => '/attribute/web1?resource=10.8.1.9' ], [ GET => '/attribute/web1/ip?resource=' ], [ GET => '/attribute/web1/ip/note/0?resource=10.8.1.9' ],
        [ POST => '/attribute/web1', { key => 'ip', value => 'x', number => 0, resource => '10.8.1.9' } ], [ DELETE => '/attribute/web1/ip', { resource => '' } ];
    must($client->delete('/attribute/web1/ip/note', form => { resource => '10.8.1.9' }));
    is_deeply([ map { $notes->($_) } '10.8.1.9', '10.8.1.1' ], [ [], [ [ 'note', 'json' ] ] ], 'deleted of one');
    post('/attribute/web1', { key => 'ip', subkey => 'note', value => 'again', resource => '10.8.1.9' });
    is(status(DELETE => '/resourcemanager/ipmanager/net', { object => 'web1', resource => '10.8.1.9' }), 204, 'an address that is given back');
    is_deeply([ map { $_->{value} } @{ get('/attribute/web1/ip/note') } ], ['json'], 'takes its notes with it');
};

subtest 'who holds an address' => sub {
    my $held = get('/by-address/10.8.1.1');
    is_deeply([ @$held{qw(address managers)}, scalar @{ $held->{holders} } ], [ '10.8.1.1', [ '/ipmanager/net', '/ipmanager/wide' ], 1 ], 'the managers, the narrowest first');
    is_deeply([ @{ $held->{holders}[0] }{qw(manager number object)}, [ map { $_->{subkey} // '' } @{ $held->{holders}[0]{attrs} } ] ],
        [ '/ipmanager/net', 0, '/basicserver/web1', [ '', 'manager', 'ipstring', 'cidr', 'note' ] ], 'the holder, with notes');
    is_deeply(get('/by-address/10.9.3.3'), { address => '10.9.3.3', holders => [], managers => ['/ipmanager/other'] }, 'a free one');
    is_deeply(get('/by-address/192.0.2.1'), { address => '192.0.2.1', holders => [], managers => [] }, 'one that nobody gives');
    is(get('/by-address/' . (10 * 2**24 + 8 * 65536 + 257))->{address}, '10.8.1.1', 'as an integer');
    is(status(GET => "/by-address/$_"), 400, "$_ is none") for qw(10.8.1 10.8.1.256 web1 10.8.1.1%2F24);
    $pg->psql("insert into entity_attrs (entity_id, key, datatype, int_value, version) select entity_id, 'ip', 'int', -1979186943, 1 from entities where name = 'web3'");
    is_deeply([ map { [ @$_{qw(object manager number)} ] } @{ get('/by-address/10.8.1.1')->{holders} } ], [ [ '/basicserver/web1', '/ipmanager/net', 0 ], [ '/basicserver/web3', undef, undef ] ], 'twice, by somebody else');
    must($client->delete('/attribute/web3/ip'));
    is(scalar @{ get('/by-address/10.8.1.1')->{holders} }, 1, 'no longer');
};

subtest 'deletion by value' => sub {
    my $left = sub { join ' ', map { JSON::PP->new->canonical->allow_nonref->encode($_->{value}) } @{ get('/attribute/web3/v') } };
    my $fill = sub {
        must($client->delete('/attribute/web3/v'));
        must($client->post('/attribute/web3', json => [ map { { key => 'v', %$_ } } { value => 8 }, { value => '8' }, { value => 'a' }, { value => '', subkey => 's' }, { value => [ 1, { x => "\x{e9}" } ] }, { value => '2026-01-02T03:04:05', datatype => 'datetime' },
            { value => '/basicserver/web1', datatype => 'relation' }, { value => 'a', number => 3 }, { value => undef } ]));
    };
    my $by = sub { my ($why, $want, $path, @form) = @_; $fill->(); my $answer = $client->delete("/attribute/web3/v$path", form => [@form]); is($answer->{status} == 200 ? $left->() : $answer->{status}, $want, $why) };
    my ($date, $json, $path) = ('"2026-01-02T03:04:05"', qq([1,{"x":"\x{e9}"}]), '"/basicserver/web1"');
    $by->('a number, and its text',   qq("a" "" $json $date $path "a" null), '', value => 8);
    $by->('of a datatype',            qq("8" "a" "" $json $date $path "a" null), '', value => 8, datatype => 'int');
    $by->('of another',               qq(8 "a" "" $json $date $path "a" null), '', value => 8, datatype => 'string');
    $by->('a text, with any number',  qq(8 "8" "" $json $date $path null), '', value => 'a');
    $by->('with one',                 qq(8 "8" "a" "" $json $date $path null), '', value => 'a', number => 3);
    $by->('the empty text only',      qq(8 "8" "a" $json $date $path "a" null), '', value => '');
    $by->('JSON, however it is written', qq(8 "8" "a" "" $date $path "a" null), '', value => qq([ 1 , {"x": "\x{e9}"}]));
    $by->('a date, in another form',  qq(8 "8" "a" "" $json $path "a" null), '', value => '2026-01-02 03:04:05');
    $by->('with a mask',              qq(8 "8" "a" "" $json $path "a" null), '', value => '2.1.2026 3:4:5', mask => '%d.%m.%Y %H:%M:%S', datatype => 'datetime');
    $by->('a relation',               qq(8 "8" "a" "" $json $date "a" null), '', value => '/basicserver/web1');
    $by->('of its datatype',          qq(8 "8" "a" "" $json $date "a" null), '', value => '/basicserver/web1', datatype => 'relation');
    $by->('none',                     qq(8 "8" "a" "" $json $date $path "a" null), '', value => 'b');
    $by->('of a subkey',              qq(8 "8" "a" $json $date $path "a" null), '/s', value => '');
    $by->('not a value of that datatype', 400, '', value => 'x', datatype => 'int');
    $by->('a datatype without a value',   400, '', datatype => 'int');
};

subtest 'as it was' => sub {
    my $version = $pg->psql('select max(version) from clustoversioning');
    my @asked   = ('/entity/basicserver/web1/parents', '/entity/basicserver/web1/parents?ancestors=1', '/entity/basicserver/web1/parents?ancestors=1&type=pool', '/entity/basicserver/web1/references',
        '/entity/basicserver/web1/references?key=_contains', '/by-address/10.8.1.1', '/by-name/web1', '/entity/basicrack/rack', '/attribute/web1/ip?resource=10.8.1.1');
    my @before = map { get($_, headers => { 'Clusto-Units' => 'true' }) } @asked;
    post('/entity/basicrack/rack2', [ action => 'move', device => 'web1', rackU => 1 ]);
    post('/entity/pool/all', { action => 'remove', device => 'webs' });
    must($client->delete('/attribute/web2/twin'));
    must($client->delete('/resourcemanager/ipmanager/net', form => { object => 'web1' }));
    must($client->delete('/entity/ipmanager/wide'));
    my @later = map { get($_, headers => { 'Clusto-Units' => 'true' }) } @asked;
    for my $i (0 .. $#asked) {
        isnt(JSON::PP->new->canonical->encode($later[$i]), JSON::PP->new->canonical->encode($before[$i]), "$asked[$i] has changed");
        is_deeply(get($asked[$i], headers => { 'Clusto-Units' => 'true', 'Clusto-As-Of' => $version }), $before[$i], 'and is as it was');
    }
    my %of = map { my $units = $_; ($units => $client->get('/by-name/web1', headers => { 'Clusto-As-Of' => $version, $units ? ('Clusto-Units' => 'true') : () })->{headers}{etag}) } 0, 1;
    isnt($of{0}, $of{1}, 'with and without units: two tags');
};

$world->stop;
done_testing;
