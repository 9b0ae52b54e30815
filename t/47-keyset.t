# 47-keyset.t: pages after a cursor: every object once, in order, whatever the kind of list; links work;
# the total that a page tells is kept right by whoever writes.
use v5.24;
use warnings;
use Test::More;
use Muster::Data;
use Muster::World;

my $world  = Muster::World->new;
my $client = $world->client;
my $pg     = $world->postgres;
Muster::Data::load_many($pg, prefix => 'k', count => 120, attrs => 1, pool => 'many');

# Pools in pools, some members in several of them, one deleted past the program, and two circles.
$client->post('/entity/pool', form => [ map { (name => $_) } qw(top left right deep gone) ]);
my %inside = (top => [qw(left right many gone)], left => [qw(deep k000010 k000020)], right => [qw(deep k000020 k000030)], deep => [qw(k000040 k000050)], gone => ['k000120']);
$client->post("/entity/pool/$_", form => [ action => 'insert', map { (device => $_) } @{ $inside{$_} } ]) for sort keys %inside;
$client->post('/entity/basicrack', form => { name => 'keyrack' });
$client->post('/entity/basicrack/keyrack', form => [ action => 'insert', device => 'k000001', rackU => 1, rackU => 2 ]);
$client->post('/entity/pool/deep', form => { action => 'insert', device => 'keyrack' });
$client->post('/attribute/k000003', body => '[{"key": "n", "value": 5}, {"key": "n", "value": "5"}, {"key": "r", "value": "/pool/top", "datatype": "relation"}, {"key": "j", "value": [1, 2]}]', type => 'application/json');
$client->post('/attribute/k000004', form => { key => 'n', value => 5, datatype => 'int' });
$pg->psql("insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)
    select c.entity_id, '_contains', 9, 'relation', m.entity_id, 1 from entities c, entities m where (c.name, m.name) in (('deep', 'top'), ('deep', 'deep'));
    update entities set deleted_at_version = 1 where name in ('gone', 'k000050')");

# Follows Clusto-Next to the end.
sub walk {
    my ($path, $per, %headers) = @_;
    my ($after, @all, $pages) = (0);
    while (defined $after && $pages++ < 50) {
        my $answer = $client->get($path, headers => { 'Clusto-After' => $after, 'Clusto-Per-Page' => $per, %headers });
        return "$answer->{status} $answer->{body}" if $answer->{status} != 200;
        push @all, @{ $answer->{json} };
        $after = $answer->{headers}{'clusto-next'};
    }
    return \@all;
}

for my $path (
    '/entity/', '/entity/basicserver', '/from-pools?pool=many', '/by-attr?key=key1', '/entity/?clusto_types=server', '/resourcemanager/',
    map({ "/from-pools?pool=$_" } qw(top left deep many&children=no left&pool=right left&pool=right&children=no right&pool=left&pool=left
          many&pool=top top&pool=many&driver=basicserver top&driver=pool&type=pool&type=server top&type=pool)),
    map({ "/by-attr?key=$_" } qw(_contains key1&subkey=sub1 n n&value=5 j&value=%5B1%2C2%5D r&value=/pool/top _contains&value=/pool/deep _contains&subkey=ru)),
    '/entity/pool/top/contents', '/entity/entity/many/contents', '/entity/basicrack/keyrack/contents',
) {
    my $whole = $client->get($path)->{json};
    cmp_ok(scalar @$whole, '>', 0, "$path: something to list");
    is_deeply($client->get($path, headers => { 'Clusto-Page' => 1, 'Clusto-Per-Page' => 5000 })->{json}, $whole, "$path as one page");
    is_deeply(walk($path, $_), $whole, "$path by $_: the whole list, in its order") for 1 == @$whole ? (1) : (7, 50, 5000);
    my $expanded = $client->get($path, headers => { 'Clusto-Mode' => 'expanded' })->{json};
    is_deeply(walk($path, 33, 'Clusto-Mode' => 'expanded'), $expanded, "$path expanded");
}

subtest 'contents' => sub {
    is_deeply($client->get("/entity/pool/$_/contents")->{json}, $client->get("/entity/pool/$_")->{json}{contents}, "$_: as the object has them") for qw(top left deep many emptypool);
    is_deeply($client->get("/entity/pool/many/contents", headers => { 'Clusto-Page' => 2, 'Clusto-Per-Page' => 50 })->{headers}{'clusto-pages'}, 3, 'the number of pages');
    for my $case ([ 412, '/entity/nodriver/nopool' ], [ 404, '/entity/pool/nopool' ], [ 409, '/entity/basicserver/many' ], [ 412, '/entity/nodriver/many' ]) {
        my ($status, $path) = @$case;
        my ($object, $contents) = map { $client->get($_) } $path, "$path/contents";
        is_deeply([ @$contents{qw(status json)} ], [ @$object{qw(status json)} ], "$path: $status");
        is($contents->{status}, $status, '... as said');
    }
    is($client->get('/entity/pool/many/contents', headers => { 'Clusto-Mode' => 'x' })->{status}, 409, 'no mode');
    is($client->post('/entity/pool/many/contents')->{status}, 405, 'only read');
    for my $path ('/entity/pool/left', '/by-name/left') {
        my $whole = $client->get($path)->{json};
        my $alone = $client->get($path, headers => { 'Clusto-Contents' => 'none' })->{json};
        is_deeply($client->get($path)->{json}, $whole, "$path: with contents, whatever the request before");
        ok(delete $whole->{contents}, '... there are some');
        is_deeply($alone, $whole, '... and without them');
        my $wrong = $client->get($path, headers => { 'Clusto-Contents' => 'some' });
        is_deeply([ @$wrong{qw(status json)} ], [ 400, "Clusto-Contents must be none, not 'some'" ], '... nothing else');
    }
    $client->post('/entity/pool/left', form => { action => 'remove', device => 'k000010' });
    is_deeply($client->get('/entity/pool/left/contents')->{json}, $client->get('/entity/pool/left')->{json}{contents}, 'after a removal');
};

subtest 'links' => sub {
    my ($path, @all) = ('/from-pools?pool=many&driver=basicserver&clusto_after=0&clusto_per_page=50');
    for (1 .. 10) {
        my $answer = $client->get($path);
        is($answer->{status}, 200, $path) or last;
        push @all, @{ $answer->{json} };
        ($path) = ($answer->{headers}{link} // '') =~ /^<([^>]+)>; rel="next"$/ or last;
    }
    is_deeply(\@all, $client->get('/from-pools?pool=many')->{json}, 'following them gives the list');
};

subtest 'what is refused' => sub {
    for my $case ([ 'x' => "Clusto-After must be what Clusto-Next said, or 0 for the first page, not 'x'" ],
        [ -1 => "Clusto-After must be what Clusto-Next said, or 0 for the first page, not '-1'" ]) {
        my $answer = $client->get('/entity/', headers => { 'Clusto-After' => $case->[0] });
        is_deeply([ @$answer{qw(status json)} ], [ 400, $case->[1] ], $case->[0]);
    }
    my $both = $client->get('/entity/', headers => { 'Clusto-After' => 0, 'Clusto-Page' => 1 });
    is($both->{status}, 400, 'a page and a cursor');
    my $large = $client->get('/entity/', headers => { 'Clusto-After' => 0, 'Clusto-Per-Page' => 10001 });
    is_deeply([ @$large{qw(status json)} ], [ 400, 'with Clusto-After, Clusto-Per-Page must be at most 10000' ], 'too large a page');
};

subtest 'totals' => sub {
    my $pages = sub { $client->get($_[0], headers => { 'Clusto-Page' => 1, 'Clusto-Per-Page' => 1 })->{headers}{'clusto-pages'} };
    my $truth = sub { $pg->psql("select count(*) from entities where deleted_at_version is null $_[0]") };
    my $same  = sub {
        my ($what) = @_;
        is($pages->('/entity/'),            $truth->(''), "$what: all");
        is($pages->('/entity/basicserver'), $truth->("and driver = 'basicserver'"), "$what: servers");
        is($pages->('/entity/?clusto_types=pool'), $truth->("and type = 'pool'"), "$what: pools");
    };
    $same->('as loaded');
    $client->post('/entity/basicserver', form => [ map { (name => "new$_") } 1 .. 5 ]);
    $client->delete('/entity/basicserver/new2');
    $same->('after writes');
    $pg->psql("update entities set driver = 'basicappliance', type = 'appliance' where name = 'new3'");
    $pg->psql("delete from entity_attrs where entity_id in (select entity_id from entities where name = 'new4'); delete from entities where name = 'new4'");
    $pg->psql("begin; insert into entities (name, type, driver, version) values ('ghost', 'server', 'basicserver', 1); rollback");
    $same->('after psql');
    $client->post('/entity/pool', form => { name => "p$_" }) for 1 .. 120;    # some of these make the rows few
    $same->('after many');
};

$world->stop;
done_testing;
