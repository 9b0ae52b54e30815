#!/usr/bin/perl
# 48-cost.t: a small request on a container of many members reads no more rows than on one of few.
# Rows are counted by PostgreSQL: as sessions end they report what they read.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Data;
use Muster::Process qw(poll);
use Muster::World;

my $world  = Muster::World->new(data => 0, conf => { workers => 1, cache_size => 0, statement_timeout => 60_000 });
my $pg     = $world->postgres;
my $client = $world->client;
my %size   = (few => 100, many => 20_000);

sub page {
    my ($path, $after, %header) = @_;
    return $client->get($path, headers => { 'Clusto-Per-Page' => 20, 'Clusto-After' => $after, %header });
}

# The sessions of muster end, so that nothing they read is missing.
sub rows_read {
    my ($going_on) = @_;
    my $sessions = "from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()";
    if (!$going_on) {
        $pg->psql("select pg_terminate_backend(pid) $sessions");
        poll(10, sub { !$pg->psql("select count(*) $sessions") }) or die "sessions stay\n";
    }
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
    my ($what, $request) = @_;
    my %read;
    for my $pool (qw(few many)) {
        my $before = rows_read();
        my $answer = $request->($pool);
        $read{$pool} = rows_read() - $before;
        like($answer->{status}, qr/^20/, "$what: $pool") or diag(substr $answer->{body}, 0, 300);
    }
    cmp_ok($read{many}, '<=', 1.5 * $read{few} + 20, "$what: $read{few} rows of $size{few} members, $read{many} of $size{many}");
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

# Of two pools the smaller one is walked, whichever is named first.
for my $path ('/from-pools?pool=innermany&pool=outermany', '/from-pools?pool=outermany&pool=innermany') {
    my $before = rows_read();
    is(scalar @{ page($path, 0)->{json} }, 10, "$path: all of the inner one");
    cmp_ok(rows_read() - $before, '<', 2000, '... without a walk through the outer one');
}

$world->stop;
done_testing;
