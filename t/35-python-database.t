#!/usr/bin/perl
# 35-python-database.t: a database that Python clusto made, served through nginx before --init-db and
# written after it, with a history and without.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::Data qw(python_tables);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll);
use Muster::Question;
use Muster::Server;

# Version 1 everywhere; properties as strings; two live objects
# of one name; containers in each other and in themselves; a driver that is not configured.
my $PYTHON = python_tables() . <<'SQL';
insert into clustoversioning(timestamp, "user", description) values (localtimestamp, 'python', 'init');
insert into entities(name, type, driver, version) values
    ('clustometa', 'clustometa', 'clustometa', 1), ('p1', 'pool', 'pool', 1), ('p2', 'pool', 'pool', 1),
    ('web', 'server', 'basicserver', 1), ('twin', 'server', 'basicserver', 1), ('twin', 'pool', 'pool', 1),
    ('net', 'resourcemanager', 'ipmanager', 1), ('labels', 'resourcemanager', 'simplenamemanager', 1),
    ('hosts', 'resourcemanager', 'simpleentitynamemanager', 1), ('odd', 'weird', 'ownthing', 1),
    ('self', 'pool', 'pool', 1), ('rack', 'rack', 'basicrack', 1), ('box', 'generic', 'device', 1);
insert into entity_attrs(entity_id, key, subkey, number, datatype, int_value, string_value, relation_id, version) values
    (1, 'schemaversion', 'property', null, 'int', 3, null, null, 1),
    (2, '_contains', null, 0, 'relation', null, null, 3, 1), (3, '_contains', null, 0, 'relation', null, null, 2, 1),
    (3, '_contains', null, 1, 'relation', null, null, 4, 1), (2, '_contains', null, 1, 'relation', null, null, 10, 1),
    (11, '_contains', null, 0, 'relation', null, null, 11, 1),
    (7, 'baseip', 'property', null, 'string', null, '10.0.0.0', null, 1),
    (7, 'netmask', 'property', null, 'string', null, '255.255.255.248', null, 1),
    (7, 'gateway', 'property', null, 'string', null, '10.0.0.1', null, 1),
    (7, '_lastip', null, null, 'int', -1979711486, null, null, 1),
    (8, 'basename', 'property', null, 'string', null, 'l', null, 1), (8, 'digits', 'property', null, 'string', null, '3', null, 1),
    (8, 'next', 'property', null, 'string', null, '1', null, 1), (8, 'leadingZeros', 'property', null, 'string', null, '1', null, 1),
    (9, 'basename', 'property', null, 'string', null, 'h', null, 1),
    (4, 'ip', null, 0, 'int', -1979711486, null, null, 1), (4, 'ip', 'manager', 0, 'relation', null, null, 7, 1),
    (4, 'ip', 'ipstring', 0, 'string', null, '10.0.0.2', null, 1), (4, 'ip', 'cidr', 0, 'string', null, '10.0.0.2/29', null, 1),
    (12, 'maxu', 'property', null, 'string', null, '52', null, 1);
insert into counters(entity_id, attr_key, value) values (1, 'ip', 1), (8, 'next', 7), (2, '_contains', 1), (3, '_contains', 1);
SQL

my $postgres = Muster::Postgres->new(database => undef);
my ($database, $server, $front, $client);

sub sql { return $postgres->psql($_[0], database => $database) }

sub start {
    my ($name, %conf) = @_;
    $database = $postgres->create_database($name);
    sql($PYTHON);
    $server = Muster::Server->new(postgres => $postgres, conninfo => $postgres->conninfo($database), schema => 0, conf => \%conf);
    $front  = Muster::Front->new(server => $server);
    $client = $front->client;
    return;
}

sub stop { $front->stop; $server->stop; return }

# Status, and the body as JSON where it is some.
sub ask {
    my ($method, $path, @form) = @_;
    my $answer = $client->request($method, $path, @form ? (form => \@form) : ());
    return [ $answer->{status}, length $answer->{body} ? $answer->{json} : () ];
}

sub value { my ($answer) = @_; return ref $answer->[1] eq 'HASH' ? $answer->[1]{value} : $answer->[1] }

my @ALL = qw(/clustometa/clustometa /pool/p1 /pool/p2 /basicserver/web /basicserver/twin /pool/twin /ipmanager/net
    /simplenamemanager/labels /simpleentitynamemanager/hosts /ownthing/odd /pool/self /basicrack/rack /device/box);

sub reads {
    is_deeply(ask(GET => '/entity/'), [ 200, \@ALL ], 'all of it is listed, by entity id');
    is_deeply(ask(GET => '/by-name/odd')->[1], { attrs => [], contents => [], driver => 'ownthing', name => 'odd', parents => ['/pool/p1'] },
        'a driver that is not configured is shown');
    is(ask(GET => $_)->[0], 200, "... by $_") for qw(/entity/ownthing/odd /entity/entity/odd /by-name/odd?driver=ownthing /attribute/odd?driver=ownthing);
    is(ask(GET => $_)->[0], 412, "... but not by $_") for qw(/entity/ownthing/web /entity/ownthing/nobody /entity/otherthing/odd);
    is(ask(GET => '/by-name/twin')->[1]{driver}, 'basicserver', 'of twins the elder is found');
    is_deeply(ask(GET => '/from-pools?pool=p1'), [ 200, [qw(/pool/p1 /pool/p2 /basicserver/web /ownthing/odd)] ], 'a circle ends');
    is_deeply(ask(GET => '/from-pools?pool=self'), [ 200, ['/pool/self'] ], 'also the smallest');
    is_deeply(ask(GET => '/by-name/p2')->[1]{parents}, ['/pool/p1'], 'and is shown');
    is(ask(GET => '/resourcemanager/ipmanager/net')->[1]{count}, 1, 'what a manager gave is counted');
    is_deeply(ask(GET => '/by-attr?key=_contains&value=/pool/p2'), [ 200, ['/pool/p1'] ], 'relations are found');
    is_deeply(ask(GET => '/by-name/web')->[1]{ips}, ['10.0.0.2'], 'addresses are shown');
    is_deeply(ask(GET => '/entity/pool?names=self&names=p1'), [ 200, [qw(/pool/p1 /pool/self)] ], 'filters work');
    is_deeply(ask(GET => '/query?q=all&count_by=type')->[1][0], { value => 'pool', count => 4 }, 'types are counted');
    is_deeply(ask(GET => '/query?q=is%20pool&count_by=driver')->[1], [ { value => 'pool', count => 4 } ], 'drivers, too');
    return;
}

# What Python clusto would find afterwards in the attributes of an object.
sub rows {
    my ($name, $key) = @_;
    return [ sql("select concat_ws('|', coalesce(a.subkey, '-'), coalesce(a.number, -1), a.datatype,
        coalesce(a.int_value::text, a.string_value, r.name), a.version > 1) from entity_attrs a
        join entities e on e.entity_id = a.entity_id left join entities r on r.entity_id = a.relation_id
        where e.name = '$name' and a.key = '$key' and a.deleted_at_version is null order by a.attr_id") ];
}

# Random questions, as the evaluator answers them.
sub questions {
    my %parents = (basicserver => 'device', device => 'entity', pool => 'entity', basicrack => 'location', location => 'entity', clustometa => 'entity', entity => '',
        resourcemanager => 'entity', ipmanager => 'resourcemanager', simplenamemanager => 'resourcemanager', simpleentitynamemanager => 'simplenamemanager');
    my $question = Muster::Question->new($postgres, \%parents, database => $database);
    my ($seed, $wrong) = ($ENV{MUSTER_SEED} // int rand 2**31, 0);
    srand $seed;
    for (1 .. $ENV{MUSTER_QUESTIONS} // 200) {
        my ($q, $accepts) = $question->random(1 + int rand 6);
        my $expected = $question->find($accepts);
        my $answer   = $client->request(POST => '/query', form => { q => $q });
        next if $answer->{status} == 200 && "@{ $answer->{json} }" eq "@$expected";
        diag "MUSTER_SEED=$seed\n$q\nanswer $answer->{status}: $answer->{body}\nexpected @$expected" if $wrong++ < 3;
    }
    is $wrong, 0, 'all are answered as the evaluator does';
    return;
}

# After --init-db; $kept: there is a history.
sub writes {
    my ($kept) = @_;
    my $new = $kept ? 't' : 'f';
    my @given = map { value(ask(POST => '/resourcemanager/ipmanager/net', object => 'box')) } 1 .. 4;
    is_deeply(\@given, [ map { -1979711488 + $_ } 3 .. 6 ], 'addresses continue after the last one of Python clusto');
    is(ask(POST => '/resourcemanager/ipmanager/net', object => 'box')->[0], 409, 'and come to their end');
    is(ask(DELETE => '/resourcemanager/ipmanager/net', object => 'web', resource => '10.0.0.2')->[0], 204, 'one that it gave is freed');
    is(value(ask(POST => '/resourcemanager/ipmanager/net', object => 'twin')), -1979711486, 'and given again');
    my ($number) = rows('twin', 'ip')->[0] =~ /\|(\d+)\|/;
    cmp_ok($number, '>=', 5, 'numbers go on with its counter');
    is_deeply(rows('twin', 'ip'),
        [ "-|$number|int|-1979711486|$new", "manager|$number|relation|net|$new", "ipstring|$number|string|10.0.0.2|$new",
            "cidr|$number|string|10.0.0.2/29|$new" ],
        'in rows that it can read');
    is_deeply(rows('net', '_lastip'), ['-|-1|int|-1979711486|f'], '_lastip is where it left it');
    is(value(ask(POST => '/resourcemanager/simplenamemanager/labels', object => 'box')), 'l007', 'names go on with its counter');
    is(sql("select value from counters where entity_id = 8 and attr_key = 'next'"), 8, 'which then holds the next one');
    is(ask(POST => '/resourcemanager/simpleentitynamemanager/hosts', driver => 'basicserver')->[1], '/basicserver/h01', 'what was not stored is the default');
    is_deeply(ask(POST => '/entity/pool', name => 'twin')->[0], 202, 'twins exist');
    is(ask(POST => '/entity/basicrack/rack', action => 'insert', device => 'box', rackU => 52)->[0], 200, 'a rack has as many units as a string says');
    is(ask(POST => '/entity/basicrack/rack', action => 'insert', device => 'web', rackU => 53)->[0], 400, 'and no more');
    is(ask(POST => '/entity/pool/p2', action => 'insert', device => 'p1')->[0], 200, 'what is in a circle already is in');
    is(ask(POST => '/entity/pool/p1', action => 'insert', device => 'p1')->[0], 409, 'nothing new comes into one');
    is(ask(POST => '/entity/entity/odd', action => 'insert', device => 'h01')->[0], 200, 'an unknown driver contains like entity');
    is(ask(POST => '/attribute/web', key => 'big', value => '2147483648', datatype => 'int')->[1],
        'Error casting 2147483648 into a(n) int: this database takes -2147483648 to 2147483647', 'numbers of 32 bits only');
    is(ask(POST => '/entity/ownthing/odd', action => 'remove', device => 'h01')->[0], 200, 'and is emptied by its own name');
    is(ask(DELETE => '/entity/ownthing/h01')->[1], 'Requested driver "ownthing" does not exist', 'which is no other object\'s');
    is(ask(DELETE => '/entity/ownthing/odd')->[0], 204, 'it is deleted by it too');
    is(ask(PUT => '/attribute/web/k', value => $_)->[0], 200, "set to $_") for 1, 2;
    is(sql("select count(*) from entity_attrs where key = 'k'"), $kept ? 2 : 1, $kept ? 'the old value is kept' : 'the old value is gone');
    is(ask(DELETE => '/entity/basicserver/twin')->[0], 204, 'the elder twin is deleted');
    is(ask(GET => '/by-name/twin')->[1]{driver}, 'pool', 'the younger is found then');
    is(ask(DELETE => "/entity/entity/$_")->[0], 204, "$_ is deleted") for qw(net web p2);
    is_deeply(rows('box', 'ip'), [], 'with a manager goes what it gave');
    is(sql("select count(*) from entities where name in ('net', 'web', 'p2')"), $kept ? 3 : 0, $kept ? 'rows are kept' : 'rows are gone');
    is(sql("select count(*) from entity_attrs a left join entities e using (entity_id) left join entities r on r.entity_id = a.relation_id
        where a.deleted_at_version is null and (e.deleted_at_version is not null or r.deleted_at_version is not null or e is null)"),
        0, 'nothing refers to what is gone');
    return;
}

for my $kept (1, 0) {
    subtest $kept ? 'with a history' : 'versioning = false' => sub {
        start("python$kept", $kept ? () : (versioning => JSON::PP::false));
        subtest 'before --init-db' => \&reads;
        subtest 'questions before --init-db' => \&questions;
        my $refused = $client->post('/resourcemanager/ipmanager/net', form => [ object => 'box' ]);
        is($refused->{status}, 503, 'choosing an address needs --init-db');
        is($refused->{json}, 'The database schema is missing or too old. Run muster --init-db.', 'and says so');
        is($client->get('/preferences/', headers => { 'X-User-Id' => 'u' })->{json}, $refused->{json}, 'so do preferences');
        my $before = sql('select * from entity_attrs order by 1');
        $server->init_db;
        is(sql('select * from entity_attrs order by 1'), $before, '--init-db changes no row');
        ok(poll(10, sub { $client->get('/preferences/', headers => { 'X-User-Id' => 'u' })->{status} == 200 }), 'the running server sees it');
        subtest 'after --init-db' => \&reads;
        subtest 'questions after --init-db' => \&questions;
        writes($kept);
        if (!$kept) {
            is(sql('select count(*) from clustoversioning'), 1, 'no version was made');
            is(sql('select count(*) from entity_attrs where version <> 1 or deleted_at_version is not null'), 0, 'rows are as Python clusto makes them');
            is(sql('select count(*) from entities where version <> 1 or deleted_at_version is not null'), 0, 'objects too');
        }
        else {
            is(sql("select count(*) from entity_attrs a where (a.version > 1 and not exists (select from clustoversioning v where v.version = a.version))
                or not exists (select from clustoversioning v where v.version = coalesce(a.deleted_at_version, 1))"), 0, 'each change has its version');
        }
        my $check = $server->run_program(['--check-db']);
        is_deeply([ $check->{status}, $check->{out} ], [ 1, "/pool/self contains itself\nindex muster_entities_name of entities is missing (muster --init-db makes it)\n2 found\n" ],
            'only the old circle is left, and what the twins were in the way of');
        stop();
    };
}

done_testing;
