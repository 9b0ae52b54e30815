#!/usr/bin/perl
# 74-transaction.t: operations in one request: all are done or none, with one version; references, roles, limits,
# conditions, dry runs, keys; and many clients at once.
# MUSTER_TRANSACTION_ROUNDS (12).
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Process qw(poll);
use Muster::Server;
use Muster::World;
use Time::HiRes qw(sleep time);

my $ROUNDS = $ENV{MUSTER_TRANSACTION_ROUNDS} // 12;
my $SLOW   = $ENV{MUSTER_SLOW} // 1;
my $world  = Muster::World->new(data => 0, front_options => { cors => 0 }, conf => { workers => 16, write_workers => 16 });
my $pg     = $world->postgres;
my $client = $world->client;

sub sql { return scalar $pg->psql($_[0]) }

sub dump_all { return $pg->rows }

sub op { my ($method, $path, %more) = @_; return { method => $method, path => $path, %more } }

# A transaction that has this status; its JSON.
sub transaction {
    my ($what, $status, $operations, %option) = @_;
    my $c = delete $option{client} // $client;
    return $c->expect($what, $status, POST => '/transaction', json => $operations, %option);
}

sub failed { my ($answer) = @_; my $json = $answer->{json}; return ref $json eq 'HASH' ? join ' ', @$json{qw(failed status body)} : $json }

sub versions { return sql('select count(*) from clustoversioning') }

sub done {
    my ($what, $status, $method, $path, %option) = @_;
    my $c = delete $option{client} // $client;
    return $c->expect($what, $status, $method, $path, %option);
}

done('managers', 201, POST => "/resourcemanager/$_->[0]", form => $_->[1]) for
    [ ipmanager => [ name => 'lan', baseip => '10.0.0.0', netmask => '16' ] ], [ simpleentitynamemanager => [ name => 'names', basename => 'web', digits => 4 ] ],
    [ simplenamemanager => [ name => 'labels', basename => 'l' ] ];
done('a rack', 201, POST => '/entity/basicrack', form => [ map { (name => "rack$_") } 1 .. 8 ]);
done('pools', 201, POST => '/entity/pool', form => [ name => 'front', name => 'back' ]);

# A server with a name, an address, a place in a rack, a pool and five attributes.
sub provisioning {
    my ($rack, $unit, @pools) = @_;
    @pools = ('front') if !@pools;
    return [
        op(POST => '/resourcemanager/simpleentitynamemanager/names', params => { driver => 'basicserver' }),
        op(POST => '/resourcemanager/ipmanager/lan', params => { object => '${0}' }),
        op(POST => "/entity/basicrack/$rack", params => { action => 'insert', device => '${0}', rackU => $unit }),
        map({ op(POST => "/entity/pool/$_", params => { action => 'insert', device => [ '${0}' ] }) } @pools),
        op(POST => '/attribute/${0}', body => [ map { { key => "k$_", value => "v$_" } } 1 .. 5 ]),
        op(GET => '/by-name/${0}'),
    ];
}

subtest 'provisioning in one request' => sub {
    my $before = versions();
    my $answer = transaction('a server', 200, provisioning('rack1', 1));
    my @json   = @{ $answer->{json} };
    is_deeply([ map { $_->{status} } @json ], [ 201, 201, 200, 200, 201, 200 ], 'each operation has its response');
    is($json[0]{body}, '/basicserver/web0001', 'the name');
    my $object = $json[-1]{body};
    is_deeply([ @$object{qw(name ips parents)} ], [ 'web0001', ['10.0.0.1'], [ '/basicrack/rack1', '/pool/front' ] ], 'a read sees what was done before it');
    is_deeply([ map { "$_->{key}=$_->{value}" } grep { $_->{key} =~ /^k/ } @{ $object->{attrs} } ], [ map { "k$_=v$_" } 1 .. 5 ], '... attributes, too');
    is(versions() - $before, 1, 'one version');
    is($answer->{headers}{'clusto-version'}, sql('select max(version) from clustoversioning'), 'which the response names');
    is_deeply($client->get('/by-name/web0001')->{json}, $object, 'it is there');
    like($json[-1]{headers}{ETag}, qr/^"[\w-]{16}-e"$/, 'headers of an operation');
};

subtest 'references' => sub {
    my $all = transaction('of all kinds', 200, [
        op(POST => '/entity/pool', params => { name => [ 'ref a/b', 'ref2' ] }),
        op(POST => '/attribute/${0}', body => { key => 'note', value => 'of ${0} and ${0#/1}, $${0}', subkey => 'sub' }),
        op(POST => '/attribute/${0}', params => { key => 'n', value => '${1#/0/value}!' }),
        op(GET => '/entity/pool/${0}'),
        op(POST => '/entity/pool', params => { name => 'x ${3#/name} ${3#/driver}' }),
        op(GET => '/by-names', params => { name => [ '${4}', '${0}' ] }),
        op(POST => '/attribute/${0}', params => { key => 'json', datatype => 'json', value => '[1.50, true, null, {"a~b": {"/": 7}}]' }),
        op(POST => '/attribute/${0}', params => { key => 'last', value => '${6#/0/value/0} ${6#/0/value/1} ${6#/0/value/3/a~0b/~1}' }),
    ])->{json};
    is($all->[1]{body}[0]{value}, 'of ref a/b and /pool/ref2, ${0}', 'names, pointers, what is none');
    is($all->[2]{body}[0]{value}, 'of ref a/b and /pool/ref2, ${0}!', 'what was filled in is not filled in again');
    is($all->[3]{body}{name}, 'ref a/b', 'in a path they are encoded');
    is_deeply($all->[5]{body}, [ '/pool/x ref a/b pool', '/pool/ref a/b' ], 'in lists');
    like($all->[7]{body}[1]{value}, qr/^1\.50? true 7$/, 'numbers and booleans');

    my $before = dump_all();
    my @make   = (op(POST => '/entity/pool', params => { name => 'never' }));
    my @wrong  = (
        [ 'to itself', [ @make, op(GET => '/by-name/${1}') ], qr/^1 400 '\$\{1\}': only operations before this one/ ],
        [ 'to a later one', [ op(GET => '/by-name/${1}'), @make ], qr/^0 400 '\$\{1\}': only operations before/ ],
        [ 'in params', [ @make, op(GET => '/by-attr', params => { key => [ 'a', '${7}' ] }) ], qr/^1 400 '\$\{7\}': only/ ],
        [ 'in a body', [ @make, op(POST => '/attribute/a', body => [ { key => '${9#/a}' } ]) ], qr/^1 400 '\$\{9#\/a\}': only/ ],
        [ 'of a huge number', [ @make, op(GET => '/by-name/${99999999999999999999}') ], qr/^1 400 .*a reference is the number/ ],
        [ 'without an end', [ @make, op(GET => '/by-name/${0') ], qr/^1 400 .*ends with \}/ ],
        [ 'to a version', [ @make, op(GET => '/by-name/${0.version}') ], qr/^1 400 .*a reference is the number/ ],
        [ 'with a bad pointer', [ @make, op(GET => '/by-name/${0#name}') ], qr/^1 400 '\$\{0#name\}': \w/ ],
        [ 'where nothing is', [ @make, op(GET => '/by-name/${0#/1}') ], qr/^1 400 '\$\{0#\/1\}': the answer of that operation has nothing there/ ],
        [ 'to a list', [ @make, op(GET => '/by-name/${0#}') ], qr/^1 400 '\$\{0#\}': there is no string, number or boolean/ ],
        [ 'to no object', [ @make, op(GET => '/entity', params => { names => 'nobody' }), op(GET => '/by-name/${1}') ], qr/^2 400 '\$\{1\}': the answer of that operation shows no object/ ],
    );
    for (@wrong) {
        my ($what, $operations, $like) = @$_;
        like(failed(transaction($what, 400, $operations)), $like, '... which is named');
    }
    is(dump_all(), $before, 'nothing is done');
};

subtest 'a failure anywhere undoes everything' => sub {
    my @good = (
        op(POST => '/entity/basicserver', params => { name => [ 'f1', 'f2' ] }),
        op(POST => '/attribute/f1', body => { key => 'a', value => 'x' }),
        op(PUT => '/attribute/f1/a', body => { value => 'y' }),
        op(POST => '/resourcemanager/ipmanager/lan', params => { object => 'f1' }),
        op(POST => '/resourcemanager/simplenamemanager/labels', params => { object => 'f2' }),
        op(POST => '/entity/pool/front', params => { action => 'insert', device => [ 'f1', 'f2' ] }),
        op(POST => '/entity/basicrack/rack8', params => { action => 'insert', device => 'f2', rackU => [ 4, 5 ] }),
        op(POST => '/entity/basicserver/f2/ports', params => { action => 'connect', type => 'pwr-nema-5', number => 1, to => 'f1', to_number => 1 }),
        op(POST => '/entity/basicserver/f1', params => { action => 'rename', to => 'f3' }),
        op(DELETE => '/resourcemanager/ipmanager/lan', params => { object => 'f3' }),
        op(DELETE => '/attribute/f3/a'),
        op(DELETE => '/entity/basicserver/f2'),
    );
    my $before = dump_all();
    for my $k (0 .. @good) {
        my @operations = @good;
        splice @operations, $k, 0, op(GET => '/by-name/nobody');
        is(failed(transaction("operation $k", 404, \@operations)), "$k 404 Object \"nobody\" not found (nobody does not exist.)", '... is named, with what it was answered');
    }
    is(dump_all(), $before, 'nothing is left');
    my $tried = transaction('a dry run', 200, \@good, headers => { 'Clusto-Dry-Run' => 'true', 'Clusto-Diff' => 'true' });
    is($tried->{headers}{'clusto-dry-run'}, 'true', 'says so');
    is(scalar @{ $tried->{json}{result} }, scalar @good, 'has all responses');
    cmp_ok(scalar @{ $tried->{json}{changes} }, '>', 0, 'and what would be changed');
    is(dump_all(), $before, 'and changes nothing');
    my $real = transaction('without the failure', 200, \@good);
    isnt(dump_all(), $before, 'it is done');
    is($client->get('/by-name/f3')->{status}, 200, 'all of it');
    my @conflict = (op(POST => '/entity/pool/back', params => { action => 'insert', device => 'f3' }), op(POST => '/entity/basicrack/rack8', params => { action => 'insert', device => 'f3', rackU => 99 }));
    like(failed(transaction('a rule', 400, \@conflict)), qr/^1 400 rackU must be from 1 to 45/, 'its message');
    is_deeply($client->get('/entity/pool/back/contents')->{json}, [], 'nothing is done');
};

subtest 'what is refused before anything is done' => sub {
    my $before = dump_all();
    my @make   = (op(POST => '/entity/pool', params => { name => 'never' }));
    my %refused = (
        'a member that is unknown'  => [ { %{ op(GET => '/entity') }, verb => 'x' }, 400, qr/unknown member 'verb'/ ],
        'no object'                 => [ 'GET /entity', 400, qr/must be an object/ ],
        'no method'                 => [ { path => '/entity' }, 400, qr/"method" is missing/ ],
        'another method'            => [ op(PATCH => '/entity'), 400, qr/must be GET, POST, PUT or DELETE, not 'PATCH'/ ],
        'HEAD'                      => [ op(HEAD => '/entity'), 400, qr/must be GET/ ],
        'no path'                   => [ { method => 'GET' }, 400, qr/"path" is missing/ ],
        'a path that is none'       => [ op(GET => 'entity'), 400, qr/must begin with a slash/ ],
        'a path with a query'       => [ op(GET => '/entity?name=a'), 400, qr/no query/ ],
        'a path that is a number'   => [ op(GET => 7), 400, qr/"path" must be a string/ ],
        'a broken path'             => [ op(GET => '/by-name/%zz'), 400, qr/broken %-escape/ ],
        'an empty segment'          => [ op(GET => '/by-name//a'), 404, qr/empty segment/ ],
        'dots'                      => [ op(DELETE => '/entity/../entity/pool/a'), 400, qr/segment/ ],
        'a long path'               => [ op(GET => '/by-name/' . 'x' x 9000), 414, qr/too long/ ],
        'an unknown path'           => [ op(GET => '/nowhere'), 404, qr/nothing at this path/ ],
        'a method that is not there' => [ op(PUT => '/entity/pool'), 405, qr/PUT is not allowed here/ ],
        'params and body'           => [ op(POST => '/attribute/a', params => { key => 'a' }, body => {}), 400, qr/only one of/ ],
        'params that are a list'    => [ op(GET => '/entity', params => ['a']), 400, qr/"params" must be an object/ ],
        'preferences'               => [ op(GET => '/preferences/box'), 400, qr/can't be part of a transaction/ ],
        'a preference'              => [ op(POST => '/preferences/box/a', body => 1), 400, qr/can't be part/ ],
        'changes'                   => [ op(GET => '/changes', params => { since => 'now' }), 400, qr/can't be part/ ],
        'the history'               => [ op(GET => '/history'), 400, qr/can't be part/ ],
        'a difference'              => [ op(GET => '/diff', params => { from => 1 }), 400, qr/can't be part/ ],
        'a transaction'             => [ op(POST => '/transaction', body => []), 400, qr/can't be part/ ],
        'an export'                 => [ op(GET => '/export'), 400, qr/can't be part/ ],
        'an import'                 => [ op(POST => '/import', body => []), 400, qr/can't be part/ ],
        'a search'                  => [ op(GET => '/search', params => { q => 'x' }), 400, qr/can't be part/ ],
        'documentation'             => [ op(GET => '/entity/__doc__'), 400, qr/can't be part/ ],
        'a condition where is none' => [ op(GET => '/entity', if_match => '"x"'), 400, qr/If-Match can't be obeyed/ ],
        'a malformed condition'     => [ op(PUT => '/attribute/a/b', params => { value => 1 }, if_match => 'x'), 400, qr/If-Match is neither/ ],
        'another driver\'s name'    => [ op(POST => '/entity/pool', params => { name => 'b' }, if_none_match => '"x"'), 400, qr/If-None-Match must be \*/ ],
    );
    for my $what (sort keys %refused) {
        my ($operation, $status, $like) = @{ $refused{$what} };
        my $answer = transaction($what, $status, [ @make, $operation ]);
        is_deeply([ @{ $answer->{json} }{qw(failed status)} ], [ 1, $status ], '... the second one');
        like($answer->{json}{body}, $like, '... says why');
    }
    like(transaction('no list', 400, { method => 'GET' })->{json}, qr/must be a list/, 'no list');
    my $none = $client->request(POST => '/transaction', headers => { 'Content-Type' => 'application/json' }, body => '[{]');
    is($none->{status}, 400, 'no JSON');
    like($none->{json}, qr/line 1 column/, 'says where');
    is(done('GET', 405, GET => '/transaction')->{headers}{allow}, 'POST, OPTIONS', 'is no method of it');
    is_deeply(transaction('nothing at all', 200, [])->{json}, [], 'is done');
    like(failed(transaction('an unknown parameter', 400, [ @make, op(GET => '/from-pools', params => { pol => 'a' }) ])), qr/^1 400 Unknown parameter "pol"/, 'is refused as elsewhere');
    like(failed(transaction('dry_run', 400, [ @make, op(POST => '/revert', params => { version => 1, dry_run => 'true' }) ])), qr/^1 400 /, 'is of the whole');
    transaction('a condition of the whole', 400, \@make, headers => { 'If-Match' => '*' });
    transaction('the past', 400, \@make, headers => { 'Clusto-As-Of' => '1' });
    is(dump_all(), $before, 'nothing is done');
};

subtest 'conditions, description, reads' => sub {
    done('a server', 201, POST => '/entity/basicserver', form => { name => 'cond' });
    my $etag = $client->get('/by-name/cond')->{headers}{etag};
    my @set  = map { op(PUT => '/attribute/cond/a', body => { value => $_ }, if_match => $etag, description => "set $_") } 1, 2;
    my $answer = transaction('the second one comes too late', 412, \@set);
    like(failed($answer), qr/^1 412 Precondition failed/, '... as its own change came before');
    like($answer->{headers}{etag}, qr/^"/, 'the tag that it would need');
    $set[1]{if_match} = undef;
    transaction('without it', 200, \@set);
    is(sql('select description from clustoversioning order by version desc limit 1'), 'set 1; set 2', 'descriptions are those of the operations');
    transaction('or of the whole', 200, [ op(PUT => '/attribute/cond/a', body => { value => 5 }, description => 'x') ], headers => { 'Clusto-Description' => 'mine' });
    is(sql('select description from clustoversioning order by version desc limit 1'), 'mine', '... which counts');
    like(failed(transaction('to create only', 412, [ op(POST => '/entity/basicserver', params => { name => 'cond' }, if_none_match => '*') ])), qr/^0 412 Precondition/, '... what is not there');
    my $reads = transaction('reads', 200, [
        op(DELETE => '/entity/basicserver/cond'),
        map { op(GET => $_->[0], params => $_->[1]) } [ '/entity/', { driver => 'basicserver' } ], [ '/query', { q => 'name ^ cond' } ], [ '/entity/basicrack/rack1/units', {} ], [ '/from-pools', { pool => 'front' } ], [ '/by-attr', { key => 'a' } ],
            [ '/by-address/10.0.0.1', {} ], [ '/resourcemanager', {} ], [ '/resourcemanager/ipmanager/lan', {} ], [ '/entity/pool/front/contents', {} ], [ '/entity/basicserver/web0001/parents', {} ],
            [ '/entity/basicserver/web0001/references', {} ], [ '/entity/basicserver/web0001/ports', {} ], [ '/attribute/web0001', {} ], [ '/entity/basicserver', { clusto_per_page => 1, clusto_after => 0 } ],
    ], headers => { 'Clusto-Mode' => 'compact' });
    my @json = @{ $reads->{json} };
    ok(!grep({ /cond/ } map { ref $_ ? JSON::PP::encode_json($_) : $_ } grep { defined } map { $_->{body} } @json), 'see what was done before them');
    like($json[-1]{headers}{'Clusto-Next'}, qr/^\d+$/, 'pages');
    is($json[8]{body}, '/ipmanager/lan', 'Clusto-Mode holds for all');
    done('it is gone', 404, GET => '/by-name/cond');
};

subtest 'a manager that was just made' => sub {
    my @operations = (
        op(POST => '/resourcemanager/ipmanager', params => { name => 'fresh', baseip => '10.9.0.0', netmask => 24 }),
        op(POST => '/entity/basicserver', params => { name => [ map { "fresh$_" } 1 .. 3 ] }),
        map({ op(POST => '/resourcemanager/resourcemanager/${0}', params => { object => "fresh$_" }) } 1 .. 3),
        op(POST => '/resourcemanager/simplenamemanager/labels', params => { object => '${1}' }),
    );
    my $answer = transaction('gives', 200, \@operations);
    is_deeply([ map { $client->get("/by-name/fresh$_")->{json}{ips}[0] } 1 .. 3 ], [ map { "10.9.0.$_" } 1 .. 3 ], 'addresses');
    is(sql("select count(*) from (select from entity_attrs where key = 'ip' and subkey is null and deleted_at_version is null group by number having count(*) > 1) x"), 0, 'each with a number of its own');
};

subtest 'Idempotency-Key' => sub {
    my @request = (provisioning('rack2', 1), headers => { 'Idempotency-Key' => 'one' });
    my $first  = transaction('the first time', 200, @request);
    my $rows   = dump_all();
    my $second = transaction('the second time', 200, @request);
    is($second->{body}, $first->{body}, 'the same response');
    is($second->{headers}{'idempotency-replayed'}, 'true', 'which says so');
    is($second->{headers}{'clusto-version'}, $first->{headers}{'clusto-version'}, 'and the version');
    is(dump_all(), $rows, 'nothing is done');
    transaction('another request', 422, provisioning('rack2', 2), headers => { 'Idempotency-Key' => 'one' });
    transaction('a failure', 404, [ op(GET => '/by-name/nobody') ], headers => { 'Idempotency-Key' => 'two' });
    transaction('is not kept', 200, [ op(GET => '/by-name/web0001') ], headers => { 'Idempotency-Key' => 'two' });
    my @got = parallel(8, sub { my $answer = $world->front->client->request(POST => '/transaction', json => provisioning('rack2', 9), headers => { 'Idempotency-Key' => 'three' }); return "$answer->{status} $answer->{body}" });
    is(scalar keys %{ { map { ($_ // '') => 1 } @got } }, 1, 'eight at once have one response');
    like($got[0], qr/^200/, 'a good one');
    is(sql("select count(*) from entity_attrs a join entities e using (entity_id) where e.name = 'rack2' and a.key = '_contains' and a.number = 9 and a.deleted_at_version is null"), 1, 'it is done once');
};

# --- many at once ------------------------------------------------------------------------------------

subtest 'retries' => sub {
    $pg->psql('create sequence disturbed; create function disturb() returns trigger language plpgsql as $$ begin
        if new.key = $d$disturbed$d$ and nextval($d$disturbed$d$) <= new.int_value then raise exception $d$not now$d$ using errcode = $d$40001$d$; end if; return new; end $$;
        create trigger disturb before insert on entity_attrs for each row execute function disturb()');
    my $write = sub { my ($times) = @_; return [ op(POST => '/entity/pool', params => { name => "tried $times" }), op(POST => '/attribute/${0}', body => { key => 'disturbed', value => $times }), op(GET => '/by-name/${0}') ] };
    my $before = versions();
    my $answer = transaction('what fails for a while', 200, $write->(3));
    is($answer->{json}[2]{body}{attrs}[0]{value}, 3, 'is done');
    is(sql('select last_value from disturbed'), 4, '... at the fourth attempt');
    is(versions() - $before, 1, 'with one version');
    sql('alter sequence disturbed restart');
    my $hopeless = transaction('what always fails', 409, $write->(1000));
    like(failed($hopeless), qr/^1 409 Too many writers/, 'the operation is named');
    is($hopeless->{headers}{'retry-after'}, 1, 'a client may try again');
    is($client->get('/by-name/tried%201000')->{status}, 404, 'nothing is done');
    $pg->psql('drop trigger disturb on entity_attrs; drop function disturb; drop sequence disturbed');
};

# Deep inside, a value of two bytes has a line of its own with hundreds of blanks.
subtest 'what is deep is shown as it is alone' => sub {
    my $deep = ('[' x 60) . join(',', (1) x 5000) . (']' x 60);
    done('a deep value', 201, POST => '/attribute/back', type => 'application/json', body => qq({"key": "deep", "datatype": "json", "value": $deep}));
    my $alone = length $client->get('/attribute/back/deep')->{body};
    for my $header ({}, { 'Clusto-Dry-Run' => 'true', 'Clusto-Diff' => 'true' }) {
        my $answer = transaction('shown', 200, [ op(GET => '/attribute/back/deep') ], headers => $header);
        cmp_ok(length $answer->{body}, '<', 2 * $alone, 'in about as many bytes');
        my $value = ref $answer->{json} eq 'HASH' ? $answer->{json}{result} : $answer->{json};
        is_deeply($value->[0]{body}, $client->get('/attribute/back/deep')->{json}, 'the same');
    }
    my $changed = $client->request(DELETE => '/attribute/back/deep', headers => { 'Clusto-Dry-Run' => 'true', 'Clusto-Diff' => 'true' });
    cmp_ok(length $changed->{body}, '<', 2 * $alone, 'what is changed, too');
};

subtest 'what is cached is not older' => sub {
    done('a read', 200, GET => '/by-name/front') for 1 .. 4;
    transaction('a write', 200, [ op(PUT => '/attribute/front/cached', body => { value => $_ }) ]) && is((grep { $_->{key} eq 'cached' } @{ $client->get('/by-name/front')->{json}{attrs} })[0]{value}, $_, 'is seen') for 1 .. 3;
};

subtest '16 clients that provision at once' => sub {
    my $before    = versions();
    my $deadlocks = sql('select deadlocks from pg_stat_database where datname = current_database()');
    my @got = parallel(16, sub {
        my ($me) = @_;
        my ($c, @answers) = ($world->front->client);
        for my $round (1 .. $ROUNDS) {
            # Racks and pools are met in either order.
            my $rack  = 3 + ($me + $round) % 5;
            my @pools = $me % 2 ? ('front', 'back') : ('back', 'front');
            my $operations = provisioning("rack$rack", 1 + int(($me * $ROUNDS + $round) / 5), @pools);
            @$operations[ 1 .. 4 ] = @$operations[ 4, 3, 2, 1 ] if $me % 3 == 0;
            my $answer = $c->request(POST => '/transaction', json => $operations);
            push @answers, $answer->{status} == 200 ? "200 $answer->{json}[0]{body}" : "$answer->{status} $answer->{body}";
        }
        return \@answers;
    }, timeout => 300 * $SLOW);
    my @answers = map { @{ $_ // [] } } @got;
    my @good    = grep { /^200/ } @answers;
    is(scalar @answers, 16 * $ROUNDS, 'all are answered');
    # A unit may be taken by another; nothing else is a reason.
    is(join("\n", grep { !/^200|^409.*is occupied/s } @answers), '', 'no deadlock reaches a client');
    cmp_ok(scalar @good, '>', 8 * $ROUNDS, 'most are done');
    is(scalar keys %{ { map { $_ => 1 } @good } }, scalar @good, 'no name is given twice');
    is(sql("select count(*) from (select from entity_attrs where key = 'ip' and subkey is null and deleted_at_version is null group by int_value having count(*) > 1) x"), 0, 'nor an address');
    is(sql("select count(*) from (select from entity_attrs where key = '_contains' and subkey = 'ru' and deleted_at_version is null group by entity_id, number having count(*) > 1) x"), 0, 'nor a unit');
    is(versions() - $before, scalar @good, 'a version for each');
    is(sql("select count(*) from entities e where name ~ '^web' and deleted_at_version is null and (select count(*) from entity_attrs a where a.entity_id = e.entity_id and deleted_at_version is null) <> 9"), 0, 'each is whole');
    note 'deadlocks: ', sql('select deadlocks from pg_stat_database where datname = current_database()') - $deadlocks;
};

subtest 'the same objects in any order' => sub {
    my @names = map { "order$_" } 0 .. 5;
    transaction('objects', 200, [ op(POST => '/entity/basicserver', params => { name => \@names }) ]);
    my $deadlocks = sql('select deadlocks from pg_stat_database where datname = current_database()');
    my @got = parallel(8, sub {
        my ($me) = @_;
        my ($c, %status) = ($world->front->client);
        srand $me;
        for my $round (1 .. 2 * $ROUNDS) {
            my @order = sort { rand() <=> 0.5 } @names;
            $status{ $c->request(POST => '/transaction', json => [ map { op(PUT => "/attribute/$_/by", body => { value => "$me-$round" }) } @order ])->{status} }++;
        }
        return \%status;
    }, timeout => 300 * $SLOW);
    is(join(' ', map { join '=', %{ $_ // {} } } @got), join(' ', ('200=' . 2 * $ROUNDS) x 8), 'all are done');
    is(sql("select count(distinct string_value) from entity_attrs where key = 'by' and deleted_at_version is null"), 1, 'all of the last one');
    is(sql('select deadlocks from pg_stat_database where datname = current_database()'), $deadlocks, 'without one deadlock');
};

$world->front->stop;
$world->server->stop;

# --- roles and limits --------------------------------------------------------------------------------

subtest 'roles' => sub {
    my $server = Muster::Server->new(postgres => $pg, schema => 0, conf => {
        identity_param => 'HTTP_X_WHO',
        access         => \q[({ who = "reader"; roles = "read"; }, { who = "writer"; mounts = [ "entity", "attribute" ]; roles = "write"; }, { who = "taker"; mounts = "resourcemanager"; roles = "allocate"; },
            { who = "boss"; roles = "admin"; })],
        require_conditions => ['boss'],
    });
    my $front  = Muster::Front->new(server => $server, cors => 0);
    my $c      = $front->client;
    my $as     = sub { my ($who, $what, $status, @operations) = @_; return transaction($what, $status, \@operations, client => $c, headers => { defined $who ? ('X-Who' => $who) : () }) };
    my $before = dump_all();
    my $write  = op(POST => '/attribute/f3', body => { key => 'r', value => 'x' });
    my $nobody = $as->(undef, 'nobody', 401, op(GET => '/by-name/f3'));
    like($nobody->{headers}{'www-authenticate'} // '', qr/./, 'a challenge');
    $as->('stranger', 'without any role', 403, op(GET => '/by-name/f3'));
    my $denied = $as->('reader', 'a write', 403, op(GET => '/by-name/f3'), $write);
    is(failed($denied), '1 403 Permission denied: this needs the role write on attribute.', 'is named');
    is(failed($as->('writer', 'a read', 403, $write, op(GET => '/by-name/f3'))), '1 403 Permission denied: this needs the role read on root.', 'is refused before the write');
    $as->('taker', 'a manager', 403, op(POST => '/resourcemanager/ipmanager', params => { name => 'no', baseip => '10.1.0.0', netmask => 24 }));
    is($as->('writer', 'a manager, by way of an object', 403, $write, op(POST => '/entity/ipmanager', params => { name => 'no' }))->{json}{failed}, 1, 'is refused');
    is(dump_all(), $before, 'nothing is done');
    $as->('reader', 'reads', 200, op(GET => '/by-name/f3'), op(GET => '/entity'));
    is_deeply([ map { @$_{qw(status body)} } @{ $as->('writer', 'who may not read', 200, $write)->{json} } ], [ 204, undef ], 'is not shown anything');
    $as->('writer', 'a value', 200, op(PUT => '/attribute/f3/secret', body => { value => 'secret' }));
    my $blind = transaction('its deletion', 200, [ op(DELETE => '/attribute/f3/secret') ], client => $c, headers => { 'X-Who' => 'writer', 'Clusto-Dry-Run' => 'true', 'Clusto-Diff' => 'true' });
    is_deeply($blind->{json}, [ { status => 204, body => undef, headers => {} } ], 'what is changed is not shown, either');
    $as->('taker', 'allocations', 200, map { op(POST => '/resourcemanager/ipmanager/lan', params => { object => 'f3' }) } 1, 2);
    is(failed($as->('boss', 'a change without a condition', 428, op(GET => '/entity'), $write)) =~ s/ If.*//r, '1 428', 'is refused for some');
    $front->stop;
    $server->stop;
};

subtest 'limits' => sub {
    my $server = Muster::Server->new(postgres => $pg, schema => 0, conf => { workers => 2, transaction_operations => 3, transaction_response => 2000, transaction_timeout => 500, statement_timeout => 30_000, body_limit => 5000 });
    my $front  = Muster::Front->new(server => $server, cors => 0);
    my $c      = $front->client;
    my $exact  = sub { my ($n) = @_; done('a value', 201, POST => '/attribute/f3', form => { key => "exact$n", value => 'x' x $n }, client => $c); return length $c->get("/attribute/f3/exact$n")->{body} };
    my $n      = 3000 - $exact->(1000);
    is($exact->($n), 2000, 'a response for which there is just room');
    my $before = dump_all();
    my $make   = op(POST => '/entity/pool', params => { name => 'never' });
    like(transaction('operations', 413, [ ($make) x 4 ], client => $c)->{json}, qr/at most 3 operations/, 'too many');
    transaction('a body', 413, [ op(POST => '/attribute/a', body => { key => 'a', value => 'x' x 6000 }) ], client => $c);
    like(failed(transaction('responses', 413, [ $make, op(GET => '/entity'), op(GET => '/entity') ], client => $c)), qr/^\d 413 The responses of all operations have more than 2000 bytes/, 'too long');
    # As few bytes as 14 stand for a thousand.
    my $long = op(GET => '/attribute/f3/exact1000');
    my $used = sub { my ($times) = @_; return op(GET => '/by-attr', params => { key => 'none', value => '${0#/0/value}' x $times }) };
    transaction('references', 200, [ $long, $used->(4) ], client => $c);
    like(failed(transaction('... that are filled with too much', 413, [ $long, $used->(6) ], client => $c)), qr/^1 413 What is filled in for references has more than 5000 bytes/, 'is named');
    like(failed(transaction('... in all operations together', 413, [ $long, $used->(3), $used->(3) ], client => $c)), qr/^2 413 What is filled in/, 'is named');
    like(failed(transaction('... in a body', 413, [ $long, op(POST => '/attribute/f3', body => [ map { { key => 'a', value => '${0#/0/value}' } } 1 .. 6 ]) ], client => $c)), qr/^1 413 What is filled in/, 'is named');
    # Responses that fill the room to the last byte leave none, not any.
    like(failed(transaction('no room', 413, [ op(GET => "/attribute/f3/exact$n"), op(GET => '/entity'), op(GET => '/entity') ], client => $c)), qr/^1 413 The responses of all/, 'for the next');
    transaction('and the worker goes on', 200, [ op(GET => '/by-name/f3'), op(GET => '/entity/pool/front', params => {}) ], client => $c, headers => { 'Clusto-Mode' => 'compact' });
    # A transaction that is held up, for less than a statement may take.
    my $release = $pg->hold(q(select from entities where name = 'f3' for update)) or die 'nobody holds it';
    my ($late) = parallel(2, sub {
        my ($me) = @_;
        return do { my $answer = $front->client->request(POST => '/transaction', json => [ $make, op(PUT => '/attribute/f3/late', body => { value => 1 }) ]); [ $answer->{status}, failed($answer), $answer->{headers}{'retry-after'} ] } if !$me;
        poll(20, sub { sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") }) or die 'nobody waits';
        sleep 0.6; # longer than transaction_timeout
        $release->();
        return;
    }, timeout => 60 * $SLOW);
    is_deeply($late, [ 503, '0 503 The transaction took more than 500 milliseconds.', 1 ], 'time');
    is(dump_all(), $before, 'nothing is done');
    $front->stop;
    $server->stop;
};

$pg->stop;
done_testing;
