#!/usr/bin/perl
# 48-cost.t: a small request on a container of many members reads no more rows than on one of few.
# Rows are counted by PostgreSQL: as sessions end they report what they read.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Data;
use Muster::World;

my $world  = Muster::World->new(data => 0, conf => { workers => 1, cache_size => 0, statement_timeout => 60_000,
    drivers => [ { name => 'licences', type => 'resourcemanager', parent => 'resourcemanager', resource_key => 'licence' } ] });
my $pg     = $world->postgres;
my $client = $world->client;
my %size   = (few => 100, many => 20_000);

sub page {
    my ($path, $after, %header) = @_;
    return $client->get($path, headers => { 'Clusto-Per-Page' => 20, 'Clusto-After' => $after, %header });
}

# The sessions of muster end, so that nothing they read is missing; those of psql have.
sub rows_read {
    my ($going_on) = @_;
    $pg->psql("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()") if !$going_on;
    $pg->wait_for_sessions($going_on ? "application_name = 'psql'" : 'true');
    return $pg->psql('select (select sum(idx_tup_read) from pg_stat_user_indexes) + (select sum(coalesce(seq_tup_read, 0)) from pg_stat_user_tables)');
}

# Pools of either size, alone and beside a pool of ten in another one, in an inventory with many other
# containers.
my $nested = <<'SQL';
insert into entities (name, type, driver, version) select 'rack' || n, 'rack', 'basicrack', 1 from generate_series(1, 300) n;
insert into entity_attrs (entity_id, key, subkey, number, datatype, relation_id, version)
  select r.entity_id, '_contains', 'ru', u, 'relation', s.entity_id, 1
  from generate_series(1, 300) n join entities r on r.name = 'rack' || n
  join entities s on s.name = 'many-' || to_char(n + 1000, 'FM000000') cross join generate_series(1, 2) u;
insert into entities (name, type, driver, version) select p || '-in' || n, 'server', 'basicserver', 1
  from unnest(array['few', 'many']) p cross join generate_series(1, 10) n;
insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)
  select c.entity_id, '_contains', n, 'relation', m.entity_id, 1
  from unnest(array['few', 'many']) p cross join generate_series(1, 10) n
  join entities c on c.name = 'inner' || p join entities m on m.name = p || '-in' || n
  union all select c.entity_id, '_contains', n, 'relation', m.entity_id, 1
  from unnest(array['few', 'many']) p cross join generate_series(1, 2) n join entities c on c.name = 'outer' || p
  join entities m on m.name = case n when 1 then 'inner' || p else p end;
SQL
my @lists = ('/from-pools?pool=POOL', '/from-pools?pool=POOL&children=no', '/from-pools?pool=outerPOOL',
    '/from-pools?pool=POOL&pool=outerPOOL', '/by-attr?key=key1&value=POOL');

# Plans are made while the tables are empty, and kept.
$pg->psql("alter table $_ set (autovacuum_enabled = off)") for qw(entities entity_attrs);
$client->post('/entity/pool', form => [ map { (name => $_, name => "inner$_", name => "outer$_") } keys %size ]);
my @early = map { s/POOL/many/gr } @lists, '/by-attr?key=key1', '/by-attr?key=_contains', '/by-attr?key=key1&value=1', '/by-attr?key=key1&value=/pool/many';
is(page($_, 0)->{status}, 200, "$_, early") for @early;
Muster::Data::load_many($pg, prefix => "$_-", count => $size{$_}, attrs => 1, pool => $_, analyze => 0) for sort keys %size;
$pg->psql("update entity_attrs set string_value = split_part(split_part(string_value, ' of ', 2), '-', 1), subkey = 'sub' where key = 'key1'");
$pg->psql($nested);
my $early = rows_read('going on');
is(page($_, 0)->{status}, 200, "$_, with the early plan") for @early;
cmp_ok($early = rows_read() - $early, '<', 4000, "early plans: $early rows");
$pg->psql('analyze');

# What each request reads beside the same one on the pool of few.
sub costs_the_same {
    my ($what, $request, $more) = @_;
    my %read;
    for my $pool (qw(few many)) {
        my $before = rows_read();
        my $answer = $request->($pool);
        $read{$pool} = rows_read() - $before;
        like($answer->{status}, qr/^20/, "$what: $pool") or diag(substr $answer->{body}, 0, 300);
    }
    cmp_ok($read{many}, '<=', 1.5 * $read{few} + ($more // 20), "$what: $read{few} rows of $size{few} members, $read{many} of $size{many}");
    return;
}

my %cursor = map { $_ => page("/from-pools?pool=$_", 0)->{headers}{'clusto-next'} } keys %size;
for my $mode (qw(compact expanded)) {
    my $next = sub { my ($path) = @_; return sub { page($path =~ s/POOL/$_[0]/gr, $cursor{ $_[0] }, 'Clusto-Mode' => $mode) } };
    costs_the_same("$mode: $_", $next->($_))
        for @lists, '/entity/pool/POOL/contents';
}
costs_the_same('by-attr of a key', sub { page('/by-attr?key=key1', $cursor{ $_[0] }) });
costs_the_same('by-attr of a key and subkey', sub { page('/by-attr?key=key1&subkey=sub', $cursor{ $_[0] }) });
costs_the_same('by-attr of what contains', sub { page('/by-attr?key=_contains', 0) });
costs_the_same('one object without contents', sub { $client->get("/by-name/$_[0]", headers => { 'Clusto-Contents' => 'none' }) });
costs_the_same('an attribute is added', sub { $client->post("/attribute/$_[0]", form => { key => 'note', value => 'one' }) });
costs_the_same('an attribute is set', sub { $client->put("/attribute/$_[0]/note", form => { value => 'two' }) });
costs_the_same('an attribute is deleted', sub { $client->delete("/attribute/$_[0]/note") });
$client->post('/entity/basicserver', form => { name => 'one' });
for my $action (qw(insert remove)) {
    costs_the_same($action, sub { $client->post("/entity/pool/$_[0]", form => { action => $action, device => 'one' }, headers => { 'Clusto-Mode' => 'compact' }) });
}

# Managers that have given much, on 1,000 objects.
for my $size (sort keys %size) {
    $client->post('/resourcemanager/licences',  form => { name => "l$size" });
    $client->post('/resourcemanager/ipmanager', form => { name => "ip$size", baseip => $size eq 'few' ? '10.1.0.0' : '10.2.0.0', netmask => '16' });
}
for my $size (sort keys %size) {
    for my $given ([ "l$size", 'licence', "'string', null, 'x' || n" ], [ "ip$size", 'ip', "'int', " . ($size eq 'few' ? -2147483648 + 10 * 2**24 + 65536 : -2147483648 + 10 * 2**24 + 2 * 65536) . ' + n, null' ]) {
        my ($manager, $key, $value) = @$given;
        $pg->psql("insert into entity_attrs (entity_id, key, number, datatype, int_value, string_value, version) select e.entity_id, '$key', n, $value, 1 from generate_series(1, $size{$size}) n join entities e on e.name = 'many-' || lpad((1 + n % 1000)::text, 6, '0');
            insert into entity_attrs (entity_id, key, subkey, number, datatype, relation_id, version) select e.entity_id, '$key', 'manager', n, 'relation', m.entity_id, 1
            from generate_series(1, $size{$size}) n join entities e on e.name = 'many-' || lpad((1 + n % 1000)::text, 6, '0') join entities m on m.name = '$manager'");
    }
}
$pg->psql("insert into counters (entity_id, attr_key, value) select entity_id, k, 100000 from entities, unnest(array['ip', 'licence']) k where name = 'clustometa' on conflict do nothing; analyze entity_attrs");
is($client->get('/resourcemanager/licences/lmany')->{json}{count}, $size{many}, 'a manager that has given much');
costs_the_same('a resource is given', sub { $client->post("/resourcemanager/licences/l$_[0]", form => { object => 'one', resource => "r$_[0]" }) });
costs_the_same('an address is given', sub { $client->post("/resourcemanager/ipmanager/ip$_[0]", form => { object => 'one' }) }, 500);    # a run for each 1,024 addresses
costs_the_same('a resource is given back', sub { $client->delete("/resourcemanager/licences/l$_[0]", form => { object => 'one' }) });

# Of two pools the smaller one is walked, whichever is named first.
for my $path ('/from-pools?pool=innermany&pool=outermany', '/from-pools?pool=outermany&pool=innermany') {
    my $before = rows_read();
    is(scalar @{ page($path, 0)->{json} }, 10, "$path: all of the inner one");
    cmp_ok(rows_read() - $before, '<', 2000, '... without a walk through the outer one');
}

# The question of a change is asked of the object that was changed, not of all that there are.
subtest 'changes that a question finds' => sub {
    my $since = $client->get('/changes?since=now')->{headers}{'clusto-next'};
    is($client->put('/attribute/innerfew/state', form => { value => $_ })->{status}, 200, "a change: $_") for 1 .. 5;
    for my $question ('has few-in1', 'not has few-in1', 'within outerfew', 'pool = outerfew', 'attr state = 3', 'attr inherited state = 3', 'refers few') {
        my $before = rows_read();
        my $answer = $client->get("/changes?since=$since&q=" . Muster::Client::uri_encode($question));
        is($answer->{status}, 200, $question) or diag $answer->{body};
        cmp_ok(rows_read() - $before, '<', 1000, '... reads few rows');
    }
};

# Pools that all contain the same are not walked through one by one.
subtest 'many pools' => sub {
    my @around = map { "around$_" } 1 .. 60;
    $client->post('/entity/pool', form => [ map { (name => $_) } @around ]);
    is($client->post("/entity/pool/$_", form => { action => 'insert', device => 'many' }, headers => { 'Clusto-Mode' => 'compact' })->{status}, 200, $_) for @around;
    my $form   = [ map { (pool => $_) } @around ];
    my $latest = $pg->psql('select max(version) from clustoversioning');
    for my $header ({}, { 'Clusto-As-Of' => $latest }) {
        my $before = rows_read();
        my $answer = $client->get('/from-pools', form => $form, headers => $header);
        is(scalar @{ $answer->{json} // [] }, $size{many} + 1, '60 pools around one of many') or diag substr $answer->{body}, 0, 200;
        cmp_ok(rows_read() - $before, '<', 8 * $size{many}, %$header ? 'as of a version: it is read a few times' : 'it is read a few times');
    }
};

# What a short request names again and again, and what indentation adds.
subtest 'an answer is in proportion' => sub {
    my $large = 'x' x 500_000;
    is($client->post('/attribute/one', form => { key => 'large', value => $large })->{status}, 201, 'an object with one long value');
    for my $case ([ get => '/by-names' ], [ post => '/entity/basicserver' ]) {
        my ($method, $path) = @$case;
        my $ask = sub { my ($count) = @_; return $client->$method($path, form => [ map { (name => $_) } ('one') x $count, 'two' ], headers => { 'Clusto-Mode' => 'expanded' }) };
        my $before = $pg->psql('select count(*) from clustoversioning, entities');
        my $answer = $ask->(1000);
        is($answer->{status}, 413, "$path, a thousand times: refused") or diag length $answer->{body};
        like($answer->{json}, qr/name each object once/, 'with what to do');
        is($pg->psql('select count(*) from clustoversioning, entities'), $before, 'and nothing is done');
        like($ask->(2)->{status}, qr/^20[26]$/, 'twice: answered');
        my $few = $client->$method($path, form => [ map { (name => $_) } ('few') x 200 ], headers => { 'Clusto-Mode' => 'expanded' });
        is($few->{status}, 413, 'a pool of 100 members, 200 times');
    }
    my $deep = '[' x 60 . join(',', ('0') x 200_000) . ']' x 60;
    $client->post('/entity/basicserver', form => { name => 'deep' });
    my $set = $client->put('/attribute/deep', json => [ { key => 'json', value => [] }, { key => 'z', value => 1 } ]);
    is($client->post('/attribute/deep', body => qq([{"key": "json", "subkey": "deep", "value": $deep}]), type => 'application/json')->{status}, 201, '0.4 MB of JSON, deep inside');
    for my $path ('/by-name/deep', '/attribute/deep', '/by-names?name=deep') {
        my $answer = $client->get($path, headers => { 'Clusto-Mode' => 'expanded' });
        cmp_ok(length $answer->{body}, '<', 4 * length $deep, "$path: no 50 MB of blanks");
        like($answer->{body}, qr/\n +"value": \[{60}0, 0, [0, ]+\]{60}\n +\}\n/, 'in one line');
    }
    is($client->put('/attribute/deep/json/deep', json => { value => [ [ 1, { a => 2 } ] ] })->{status}, 200, 'other values');
    like($client->get('/by-name/deep')->{body}, qr/"value": \[\n {16}\[\n {20}1,\n {20}\{\n {24}"a": 2\n {20}\}\n {16}\]\n {12}\]\n/, 'are indented');
};

# Processor time in seconds of the worker, for one request.
sub worker_time {
    my ($request) = @_;
    my ($pid) = $world->server->workers(1);
    my $used = sub { return (split ' ', Muster::Process::slurp("/proc/$pid/schedstat"))[0] / 1e9 };
    my $before = $used->();
    my $answer = $request->();
    like($answer->{status}, qr/^20/, 'it is served') or diag substr $answer->{body}, 0, 300;
    return $used->() - $before;
}

# Devices that are in nine pools each are put into a tenth one.
subtest 'inserting is linear' => sub {
    my @size = (1_100, 9_900);
    $pg->psql("insert into entities (name, type, driver, version) select 'nine' || n, 'server', 'basicserver', 1 from generate_series(1, $size[1]) n;
        insert into entities (name, type, driver, version) select 'old' || n, 'pool', 'pool', 1 from generate_series(1, 9) n;
        insert into entities (name, type, driver, version) select 'new' || n, 'pool', 'pool', 1 from generate_series(1, 6) n;
        insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)
          select p.entity_id, '_contains', row_number() over (order by d.entity_id), 'relation', d.entity_id, 1 from entities p, entities d where p.name ~ '^old' and d.name ~ '^nine';
        analyze entities, entity_attrs");
    my $insert = sub {
        my ($pool, $count) = @_;
        return $client->post("/entity/pool/$pool", form => [ action => 'insert', map { (device => "nine$_") } 1 .. $count ], headers => { 'Clusto-Mode' => 'compact' });
    };
    $insert->('new1', 10);
    my @fastest = map {
        my $n = $_;
        (sort { $a <=> $b } map { worker_time(sub { $insert->($_, $size[$n]) }) } $n ? ('new2', 'new3') : ('new4', 'new5', 'new6'))[0]
    } 0, 1;
    cmp_ok($fastest[1], '<', 25 * $fastest[0], sprintf '9 times as many take %.1f times as long: %.0f ms', $fastest[1] / $fastest[0], 1000 * $fastest[1]);
};

# In a rack of many units the device that is in all of them.
subtest 'units of a rack' => sub {
    my $units = 6000;
    $client->post('/entity/basicrack', form => { name => 'tall', maxu => 2_000_000 });
    $client->post('/entity/basicserver', form => { name => 'tower' });
    my $ask = sub { my ($action, $first) = @_; return $client->post('/entity/basicrack/tall', form => [ action => $action, device => 'tower', map { (rackU => $_) } $first .. $first + $units - 1 ], headers => { 'Clusto-Mode' => 'compact' }) };
    my $slow = $ENV{MUSTER_SANITIZED} ? 10 : 1;
    cmp_ok(worker_time(sub { $ask->(insert => 1) }), '<', 0.5 * $slow, 'it is put there');
    cmp_ok(worker_time(sub { $ask->(insert => 1) }), '<', 0.5 * $slow, 'again');
    cmp_ok(worker_time(sub { $ask->(move => 1) }), '<', 0.5 * $slow, 'moved to where it is');
    cmp_ok(worker_time(sub { $ask->(move => 1001) }), '<', 0.5 * $slow, 'moved');
    my $answer = $ask->(insert => 1);
    is($answer->{status}, 409, 'elsewhere: refused');
    like($answer->{json}, qr/^"tower" is already in unit 1001, 1002, 1003/, 'with the units that it has');
};

$world->stop;
done_testing;
