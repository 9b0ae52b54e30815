# 28-inherit.t: attributes that objects inherit from what they are in: which are shown, where each came
# from, now and in the past, and that a query for them finds the same.
use v5.24;
use warnings;
use JSON::PP ();
use Muster::Client;
use Muster::World;
use Test::More;

my $world  = Muster::World->new(data => 0, conf => { workers => 2 });
my $client = $world->client;
my $json   = JSON::PP->new->canonical;

sub load { my (@lines) = @_; my $done = $client->post('/import', headers => { 'Content-Type' => 'application/x-ndjson' }, body => join '', map { $json->encode($_) . "\n" } @lines); is($done->{status}, 200, 'loaded') or diag $done->{body}; return }
sub attr { my ($key, $subkey, $value, $number) = @_; return { key => $key, subkey => $subkey, number => $number, datatype => 'string', value => $value } }
sub object { my ($driver, $name, $in, @attrs) = @_; return { driver => $driver, name => $name, attrs => \@attrs, in => [ map { { name => $_ } } @$in ] } }

sub inherited {
    my ($path, @headers) = @_;
    my $answer = $client->get("/attribute/$path", headers => { 'Clusto-Inherit' => 'true', @headers });
    return "$answer->{status} $answer->{body}" if $answer->{status} != 200;
    return join ' ', map { $_->{key} . (defined $_->{subkey} ? ".$_->{subkey}" : '') . (defined $_->{number} ? ":$_->{number}" : '') . "=$_->{value}<" . $_->{from} =~ s{.*/}{}r } @{ $answer->{json} };
}

load(
    object(pool => 'top',  [],       attr(owner => team => 'web'), attr(dns => undef, '1', 0), attr(dns => undef, '2', 1), attr(motd => undef, 'hello')),
    object(pool => 'left', ['top'],  attr(owner => team => 'left'), attr(tag => undef, 'l')),
    object(pool => 'right', ['top'], attr(owner => team => 'right'), attr(tag => undef, 'r'), attr(dns => undef, '9', 5)),
    object(basicserver => 'both',  [ 'left', 'right' ], attr(motd => undef, 'mine')),
    object(basicserver => 'one',   ['left'], attr(owner => mail => 'x')),
    object(basicserver => 'alone', [],       attr(motd => undef, 'only')),
    object(pool => 'outer', [], attr(list => s => 'a', 0), attr(list => s => 'b', 1), attr(list => t => 'c', 2)),
    object(basicserver => 'inner', ['outer'], attr(list => s => 'mine', 0)),
);

subtest 'what is inherited' => sub {
    is inherited('alone'), 'motd=only<alone', 'of what is in nothing its own';
    is inherited('one'), 'dns:0=1<top dns:1=2<top motd=hello<top owner.mail=x<one owner.team=left<left tag=l<left', 'the nearest wins, of each key and subkey';
    is inherited('both'), 'dns:5=9<right motd=mine<both owner.team=left<left owner.team=right<right tag=l<left tag=r<right', 'of several that are as near those of all; the numbers are one list';
    is inherited('left'), 'dns:0=1<top dns:1=2<top motd=hello<top owner.team=left<left tag=l<left', 'containers inherit, too; members are not inherited';
    is inherited('one/dns'), 'dns:0=1<top dns:1=2<top', 'by key';
    is inherited('one/owner/team'), 'owner.team=left<left', 'by subkey';
    is inherited('both/dns//1'), '404 "The path has an empty segment."', 'a number needs a subkey in the path';
    is inherited('inner/list'), 'list.s:0=mine<inner list.t:2=c<outer', 'of numbers all are inherited, or none';
    is inherited('inner/list/s/0'), 'list.s:0=mine<inner', 'one by its number';
    is inherited('inner/list/s/1'), '', '... that an own list does not have';
    is inherited('inner/list/t/2'), 'list.t:2=c<outer', '... that is inherited';
    is inherited('one/nothing'), '', 'nothing';
    is inherited('left/_contains'), '_contains:0=/basicserver/both<left _contains:1=/basicserver/one<left', 'hidden ones are its own';
    is inherited('one/_contains'), '', 'and not inherited';
    my $plain = $client->get('/attribute/one')->{json};
    is_deeply [ map { "$_->{key}.$_->{subkey}" } @$plain ], ['owner.mail'], 'without the header its own';
    ok !exists $plain->[0]{from}, 'as ever';
    is $client->get('/attribute/alone', headers => { 'Clusto-Inherit' => 'TRUE', 'Clusto-Minify' => 'true' })->{body},
        '[{"datatype": "string", "from": "/basicserver/alone", "key": "motd", "number": null, "subkey": null, "value": "only"}]', 'the whole answer';
};

subtest 'refusals' => sub {
    is $client->get('/attribute/one', headers => { 'Clusto-Inherit' => 'yes' })->{status}, 400, 'neither true nor false';
    is $client->get('/attribute/one', headers => { 'Clusto-Inherit' => 'false' })->{json}[0]{from}, undef, 'false';
    is $client->get('/attribute/none', headers => { 'Clusto-Inherit' => 'true' })->{status}, 404, 'no object';
    is $client->get('/attribute/one?driver=pool', headers => { 'Clusto-Inherit' => 'true' })->{status}, 409, 'of another driver';
    is $client->get('/attribute/one?driver=nodriver', headers => { 'Clusto-Inherit' => 'true' })->{status}, 412, 'no driver';
    is $client->get('/attribute/one/a/b/x', headers => { 'Clusto-Inherit' => 'true' })->{status}, 400, 'no number';
    is $client->get('/attribute/one/ip?resource=10.0.0.1', headers => { 'Clusto-Inherit' => 'true' })->{status}, 400, 'a resource';
};

# What can't be obeyed is not ignored, either; what was said before without the header is not said again.
subtest 'where it is not obeyed' => sub {
    my @others = (
        [ GET => '/entity/basicserver/one' ], [ GET => '/by-name/one' ], [ GET => '/entity/' ], [ GET => '/entity/pool' ], [ GET => '/by-names?name=one' ],
        [ GET => '/query?q=all' ], [ POST => '/query', form => { q => 'all' } ], [ GET => '/export' ], [ GET => '/changes?since=now' ], [ GET => '/history' ],
        [ GET => '/preferences/', headers => { 'X-User-Id' => 'one' } ], [ POST => '/attribute/one', form => { key => 'new', value => 1 } ], [ POST => '/entity/pool', form => { name => 'new' } ],
    );
    for my $request (@others) {
        my ($method, $path, %option) = @$request;
        my $with = sub { return $client->request($method, $path, %option, headers => { %{ $option{headers} // {} }, 'Clusto-Inherit' => $_[0] }) };
        cmp_ok $client->request($method, $path, %option)->{status}, '<', 300, "$method $path" if $method eq 'GET';
        my $answer = $with->('true');
        is $answer->{status}, 400, "$method $path with it";
        like $answer->{json}, qr/^Clusto-Inherit can't be obeyed here: it is for GET of attributes/, '... by its message';
        is $with->('yes')->{status}, 400, '... neither true nor false';
        cmp_ok $with->('false')->{status}, '<', 300, '... but false is' if $method eq 'GET' || $path eq '/query';
    }
    is $client->get('/attribute/one/new')->{json}[0], undef, 'nothing was written';
    is $client->get($_, headers => { 'Clusto-Inherit' => 'true' })->{status}, 200, "$_ has nothing to do with objects" for '/__version__', '/__meta__', '/__ready__', '/query/__doc__';
};

subtest 'it is as it is now, and was' => sub {
    my $answer  = $client->get('/attribute/one', headers => { 'Clusto-Inherit' => 'true' });
    my $version = $world->postgres->psql('select max(version) from clustoversioning');
    is $answer->{headers}{etag}, undef, 'no tag: the state of the object does not say it';
    like $answer->{headers}{vary}, qr/\bClusto-Inherit\b/, 'it varies by the header';
    my $old = inherited('one');
    is inherited('one'), $old, 'asked again';
    is $client->put('/attribute/top/motd', form => { value => 'new' })->{status}, 200, 'something far away is changed';
    is inherited('one/motd'), 'motd=new<top', 'and shown';
    is $client->post('/entity/pool/left', form => [ action => 'remove', device => 'one' ])->{status}, 200, 'it is taken out';
    is inherited('one'), 'owner.mail=x<one', 'nothing is inherited any more';
    is inherited('one', 'Clusto-As-Of' => $version), $old, 'as of the version before all that';
    is $client->delete('/entity/pool/left')->{status}, 204, 'the container is deleted';
    is inherited('one', 'Clusto-As-Of' => $version), $old, 'but was there';
    is $client->post('/transaction', headers => { 'Content-Type' => 'application/json', 'Clusto-Inherit' => 'true' }, body => '[{"method": "GET", "path": "/attribute/both/motd"}]')->{json}[0]{body}[0]{from},
        '/basicserver/both', 'in a transaction';
};

subtest 'a circle' => sub {
    load(object(pool => 'c1', [], attr(a => undef, '1')), object(pool => 'c2', ['c1'], attr(b => undef, '2')));
    $world->postgres->psql("insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)
        select a.entity_id, '_contains', 0, 'relation', b.entity_id, 1 from entities a, entities b where a.name = 'c2' and b.name = 'c1'");
    is inherited('c1'), 'a=1<c1 b=2<c2', 'ends';
    is inherited('c2'), 'a=1<c1 b=2<c2', 'from either side';
};

subtest 'a query finds the same' => sub {
    my $seed = $ENV{MUSTER_SEED} // time;
    note "MUSTER_SEED=$seed";
    srand $seed;
    my @names = map { "o$_" } 0 .. 24;
    load(map {
        my $i     = $_;
        my %in    = map { ($names[ rand $i ] => 1) } 1 .. ($i ? 1 + rand 2 : 0);
        object(pool => $names[$i], [ sort keys %in ], map { rand() < 0.35 ? attr($_->[0], $_->[1], int rand 3, $_->[2]) : () } [ 'a', undef ], [ 'b', 's', 0 ], [ 'b', 's', 1 ], [ 'b', 't' ], [ '_c', 's', 1 ]);
    } 0 .. $#names);
    my $show  = sub { return @{ $client->get("/attribute/$_[0]", headers => { 'Clusto-Inherit' => 'true' })->{json} } };
    my %shown = map { ($_ => [ $show->($_), $show->("$_/_c") ]) } @names;
    for my $test ([ 'b', 's' ], [ 'b', 't' ], ['b'], ['a'], [ 'b', 's', 0 ], [ 'b', 's', 1 ], [ 'b', undef, 1 ], ['_c'], [ '_c', 's', 1 ]) {
        my ($key, $subkey, $number) = @$test;
        my $path = $key . (defined $subkey ? ".$subkey" : '') . (defined $number ? ":$number" : '');
        my $is   = sub { my ($attr) = @_; return $attr->{key} eq $key && (!defined $subkey || ($attr->{subkey} // '') eq $subkey) && (!defined $number || ($attr->{number} // -1) == $number) };
        for my $value (undef, 0 .. 2) {
            my $q    = "name ^ o and not name in (one, outer) and attr inherited $path " . (defined $value ? "= $value" : 'exists');
            my $want = join ' ', sort grep { grep { $is->($_) && (!defined $value || $_->{value} eq $value) } @{ $shown{$_} } } @names;
            is join(' ', sort map { s{.*/}{}r } @{ $client->get('/query', query => { q => $q })->{json} }), $want, $q;
        }
    }
};

done_testing();
