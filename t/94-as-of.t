#!/usr/bin/perl
# 94-as-of.t: history: what others change, erase or number themselves is kept.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Muster::Client qw(parallel);
use Muster::Foreign;
use Muster::Process qw(build_dir poll run slurp temp_dir);
use Muster::Versions qw(made);
use Muster::World;

# Both workers may be in a write: --init-db holds writes up, and none may be refused for that.
my $world  = Muster::World->new(data => 0, conf => { write_workers => 2 });
my $pg     = $world->postgres;
my $client = $world->front->client;

sub sql { return $pg->psql($_[0]) }

sub latest { return scalar sql('select max(version) from clustoversioning') }

# The rows of an attribute in the order of their beginning: value, from, until.
sub rows {
    my ($key) = @_;
    return join ' ', sql("select concat(coalesce(string_value, int_value::text), '\@', version, '-', deleted_at_version)
        from entity_attrs where key = '$key' order by version, deleted_at_version");
}

made($client->post('/entity/basicserver', form => [ map { (name => $_) } qw(a b c d) ]));
my $id = sql("select entity_id from entities where name = 'a'");
my $v1 = made($client->post('/attribute/a', form => { key => 'colour', value => 'red' }));

subtest 'changed in place' => sub {
    sql("update entity_attrs set string_value = 'green' where key = 'colour' and deleted_at_version is null");
    my $v2 = latest();
    is rows('colour'), "red\@$v1-$v2 green\@$v2-", 'the value from before is kept, and the new one begins now';
    is sql("select \"user\" || ': ' || description from clustoversioning where version = $v2"),
        'postgres: written past the service by psql', 'in a version of its own, which says who';
    sql("begin; update entity_attrs set string_value = 'blue' where key = 'colour' and deleted_at_version is null;
        update entity_attrs set string_value = 'black' where key = 'colour' and deleted_at_version is null; commit");
    my $v3 = latest();
    is rows('colour'), "red\@$v1-$v2 green\@$v2-$v3 black\@$v3-", 'a transaction has one version';
    sql("update entity_attrs set string_value = 'black' where key = 'colour' and deleted_at_version is null");
    is latest(), $v3, 'what changes nothing is no version';
};

subtest 'erased' => sub {
    my $row = sql("select attr_id from entity_attrs where key = 'colour' and deleted_at_version is null");
    is sql("with gone as (delete from entity_attrs where attr_id = $row returning 1) select count(*) from gone"), 1, 'deleted, as whoever did it sees';
    is sql("select deleted_at_version from entity_attrs where attr_id = $row"), latest(), 'and ended';
    my $rows = rows('colour');
    sql("delete from entity_attrs where key = 'colour'");
    is rows('colour'), $rows, 'ended rows are not deleted either';
    sql("begin; insert into entity_attrs(entity_id, key, datatype, version) values ($id, 'short', 'string', 1); delete from entity_attrs where key = 'short'; commit");
    is rows('short'), '', 'what only its own transaction saw is not kept';
    my $pool = made($client->post('/entity/pool', form => { name => 'p' }));
    made($client->post('/entity/pool/p', form => { action => 'insert', device => 'b' }));
    my $b = sql("select entity_id from entities where name = 'b'");
    sql("begin; delete from entity_attrs where $b in (entity_id, relation_id); delete from entities where entity_id = $b; commit");
    is sql("select deleted_at_version from entities where entity_id = $b"), latest(), 'an object with its rows';
    is $client->get('/by-name/b')->{status}, 404, '... is gone';
    is sql("select sum(n) from muster_count where driver = 'basicserver'"), 3, '... and not counted';
    is $client->post('/entity/basicserver', form => { name => 'b' })->{status}, 201, '... and its name is free';
};

subtest 'numbers of others' => sub {
    my $before = latest();
    sql("insert into entity_attrs(entity_id, key, datatype, string_value, version) values ($id, 'number', 'string', 'x', 1)");
    my $v = latest();
    is $v, $before + 1, 'a row with the number 1 has a version of its own';
    is rows('number'), "x\@$v-", 'and its number';
    sql("update entity_attrs set deleted_at_version = 2 where key = 'number'");
    is rows('number'), "x\@$v-" . latest(), 'the same for an end';
    sql("with v as (insert into clustoversioning(timestamp, description) values (localtimestamp, 'own') returning version)
        insert into entities(name, type, driver, version) select 'own', 'server', 'basicserver', version from v");
    is sql("select description from clustoversioning join entities using (version) where name = 'own'"), 'own', 'who numbers his writes keeps his number';
    sql("update entity_attrs set deleted_at_version = null where key = 'number'");
    like rows('number'), qr/^x\@$v-\d+ x\@@{[ latest() ]}-$/, 'what is brought back begins anew';
};

subtest 'names' => sub {
    my $v = sql("select version from entities where entity_id = $id");
    sql("update entities set name = 'aa' where entity_id = $id");
    my $w = latest();
    sql("begin; update entities set name = 'x' where entity_id = $id; update entities set name = 'a', driver = 'basicvirtualserver' where entity_id = $id; commit");
    is join(' ', sql("select name, driver, version, until from muster_was where entity_id = $id order by until")),
        "a|basicserver|$v|$w aa|basicserver|$w|" . latest(), 'names and drivers from before';
};

subtest 'writes of the service' => sub {
    made($client->put('/attribute/c/x', form => { value => 1 }));
    made($client->put('/attribute/c/x', form => { value => 2 }));
    made($client->delete('/attribute/c/x'));
    made($client->post('/resourcemanager/ipmanager', form => [ name => 'net', baseip => '10.0.0.0', netmask => '24' ]));
    made($client->post('/resourcemanager/ipmanager/net', form => { object => 'c' })) for 1 .. 2;
    made($client->delete('/entity/basicserver/c'));
    is sql("select count(*) from clustoversioning where description like 'written past%' and version > " . (latest() - 7)), 0, 'fire none of the triggers';
    is sql("select count(*) from entity_attrs where key = '_lastip'"), 1, 'bookkeeping has no history';
};

# Of a version that is known to be settled the data is asked for at once, and checked after it. Each object
# is asked for once, as the cache would answer the second time.
my $warm;
subtest 'known to be settled' => sub {
    $warm = made($client->post('/entity/basicserver', form => [ map { (name => "e$_") } 1 .. 30 ]));
    my $status = sub { my ($c, $path) = @_; $c->get($path, headers => { 'Clusto-As-Of' => $warm })->{status} };
    is $status->($client, "/by-name/e$_"), 200, "e$_" for 1 .. 2;
    is $status->($client, '/by-name/nobody'), 404, 'one that was never there';
    is $client->get('/entity/basicserver?name=nobody', headers => { 'Clusto-As-Of' => $warm, 'Clusto-After' => 0 })->{headers}{'clusto-as-of-exact'}, 'true', 'none at all';
    sql("update entities set name = 'was-' || name where name ~ '^e[0-9]+\$'");
    my @got = parallel(16, sub { $status->($world->front->client, '/by-name/e' . ($_[0] + 5)) });
    is_deeply \@got, [ (200) x 16 ], 'what was renamed since has its name, also where several are asked for at once';
    is $status->($client, "/by-name/was-e$_"), 404, 'and not its later one' for 1 .. 2;
    is $client->get('/entity/basicserver', headers => { 'Clusto-As-Of' => $warm, 'Clusto-After' => 0, 'Clusto-Per-Page' => 1000 })->{body} =~ m{was-e}, '', 'nor in a list';
};

subtest 'times from before' => sub {
    my $first = sub { $client->get('/by-name/a', headers => { 'Clusto-As-Of' => '2020-06-01T12:00:00Z' })->{headers}{'clusto-as-of'} };
    sql("update clustoversioning set muster_at = null, timestamp = '2020-06-01 12:00' where version = 1");
    is $first->(), 1, 'are in UTC';
    $world->server->write_conf(history_time_zone => 'America/New_York');
    is $world->server->init_db->{out}, "created index muster_version_at\n", 'or in the zone that --init-db is told';
    is $first->(), 0, 'which is four hours later';
    is $world->server->init_db->{out}, "nothing to do\n", 'once';
    $world->server->write_conf(history_time_zone => 'Nowhere/Land');
    is $world->server->run_program(['--init-db'])->{status}, 1, 'one that there is not is refused';
    $world->server->write_conf(history_time_zone => undef);
    $world->server->init_db;
    is $first->(), 1, 'and back';
};

subtest 'what can not be kept' => sub {
    is sql('select oldest, exact from muster_floor'), '0|0', 'whole from the beginning';
    my $d = sql("select entity_id from entities where name = 'd'");
    sql("update entities set deleted_at_version = 1 where entity_id = $d");
    sql("update entities set deleted_at_version = null where entity_id = $d");
    is sql('select exact from muster_floor'), latest(), 'an object that was brought back';
    sql('truncate entity_attrs');
    my $refused = $client->get('/by-name/e25', headers => { 'Clusto-As-Of' => $warm });
    is "$refused->{status} $refused->{headers}{'clusto-oldest'}", '410 ' . latest(), 'which refuses what is older';
    my $exact = sub { $client->get("/by-name/was-e$_[0]", headers => { 'Clusto-As-Of' => latest() })->{headers}{'clusto-as-of-exact'} };
    is $exact->($_), 'true', 'the latest version is whole' for 1 .. 3;
    is sql('select oldest || exact::text from muster_floor'), latest() x 2, 'a table that was emptied: the floor is there';
    sql('alter table entities disable trigger muster_keep_name; alter table entities enable always trigger muster_keep_name');
    isnt sql('select watch = muster_keep_watch() from muster_floor'), 't', 'a trigger that was off is noticed';
    is $exact->($_), 'false', 'also by a worker that has just been told that all is well' for 4 .. 5;
    like $world->server->init_db->{out}, qr/^history is whole from version (\d+) on$/m, '--init-db begins anew';
    is sql('select watch = muster_keep_watch() and exact = (select max(version) from clustoversioning) from muster_floor'), 't', 'from there on';
    my ($check) = map { (split /\t/)[3] } grep { /^statement\tcheck_versions\t/ } run([ build_dir() . '/t/tables' ])->{out} =~ /^.*$/mg;
    is +(split /\|/, sql($check =~ s/\$1/"'{" . latest() . "}'::integer[]"/er))[1], 't', 'and what each read asks for says the same: it takes the short way';
    is $world->server->init_db->{out}, "nothing to do\n", 'once';
};

subtest 'switched off' => sub {
    $world->server->write_conf(keep_history => JSON::PP::false);
    like $world->server->init_db->{out}, qr/^switched off 10 triggers muster_keep_\*$/m, '--init-db says so';
    is $world->server->init_db->{out}, "nothing to do\n", 'once';
    sql("delete from entities where name = 'd'");
    is sql("select count(*) from entities where name = 'd'"), 0, 'what is erased is gone';
    $world->server->write_conf(keep_history => JSON::PP::true);
    like $world->server->init_db->{out}, qr/^created 10 triggers.*^history is whole/ms, 'and on again';
};

# 16 sessions take numbers at random and end when they like: the answer as of a version that is settled
# never changes again. They go on until the reader, which a busy machine makes slow, has seen enough.
subtest 'settled versions' => sub {
    my $writers = "select count(*) from pg_stat_activity where query like '%begin for i in%' and pid <> pg_backend_pid() and state <> 'idle'";
    sql('create table enough(x integer)');
    my ($seen) = parallel(17, sub {
        my ($n) = @_;
        if ($n > 0) {
            return sql("do \$do\$ begin for i in 1..3000 loop
                exit when i > 150 and exists (select from enough);
                insert into clustoversioning(timestamp, description) values (localtimestamp, 'w$n');
                perform pg_sleep(random() * 0.02);
                insert into entity_attrs(entity_id, key, datatype, int_value, version) values ($id, 'w$n', 'int', i, currval('clustoversioning_version_seq'));
                perform pg_sleep(random() * 0.02);
                if random() < 0.2 then rollback; else commit; end if; end loop; end \$do\$");
        }
        my %seen;
        poll(20, sub { sql($writers) >= 8 }) or return {};
        while (sql($writers) > 0) {
            my ($version, $rows) = split /\|/, sql("with v as (select version from clustoversioning
                where coalesce(muster_high < pg_snapshot_xmin(pg_current_snapshot()), true) order by version desc limit 1)
                select version, (select count(*) from entity_attrs where version <= v.version) from v");
            $seen{"$version $rows"} = 1;
            sql('insert into enough values (1)') if keys %seen == 20;
        }
        return \%seen;
    });
    my %seen = %$seen;
    my @wrong = grep { my ($version, $rows) = split / /; sql("select count(*) from entity_attrs where version <= $version") != $rows } sort keys %seen;
    cmp_ok scalar(keys %seen), '>', 10, 'settled versions were seen while 16 wrote';
    is_deeply \@wrong, [], 'no answer as of one changed';
    is sql("select count(*) from pg_locks where locktype = 'advisory'"), 0, 'no lock is left';
};

# Who has a lower id and takes its number later has to know of the higher id.
subtest 'a lower number of a higher id' => sub {
    my $settled = "select muster_high < pg_snapshot_xmin(pg_current_snapshot()) from clustoversioning where description = 'lower id'";
    ok my $lower = $pg->begin('set local client_min_messages = error; select pg_current_xact_id()'), 'one has an id';
    my $end = $pg->hold("insert into clustoversioning(description) values ('higher id')");
    $lower->("insert into clustoversioning(description) values ('lower id'); commit") or die 'psql';
    is sql($settled), 'f', 'it is not settled while a lower one is under way';
    $end->();
    ok poll(20, sub { sql($settled) eq 't' }), 'but then';
};

# What schema 4 added taken away again, and made anew while clients write and read.
subtest '--init-db of a schema 3 under load' => sub {
    my @functions = sql("select p.oid::regprocedure from pg_proc p where proname ~ '^muster_(version|keep|erases)'");
    my @tables    = qw(muster_was muster_copy muster_floor);
    sql(join '; ', (map { "drop function $_ cascade" } @functions), (map { "drop table $_" } @tables),
        'alter table clustoversioning drop column muster_high, drop column muster_at', 'drop sequence muster_high',
        (map { "drop index $_" } sql("select indexrelid::regclass from pg_index where indexrelid::regclass::text ~ '^muster_dead_'")),
        'delete from muster_schema where version = 4');
    made($client->post('/entity/basicserver', form => [ map { (name => "load$_") } 1 .. 8 ]));
    my $until = time + 4;
    my @done = parallel(9, sub {
        my ($n) = @_;
        my %status;
        my $c = $world->front->client;
        if ($n == 0) {
            my $before = latest();
            poll(20, sub { latest() > $before + 20 });
            return { made => $world->server->init_db->{out} };
        }
        for (my $i = 0; time < $until; $i++) {
            $status{ $c->put("/attribute/load$n/x", form => { value => $i })->{status} }++;
            $status{ $c->post('/entity/basicserver', form => { name => "new$n-$i" })->{status} }++;
            $status{ $c->get("/by-name/load$n")->{status} }++;
            $status{ $c->delete("/entity/basicserver/new$n-$i")->{status} }++;
        }
        return \%status;
    }, timeout => 60);
    like $done[0]{made}, qr/^muster's additions are at version 4$/m, 'was made';
    my %status;
    for my $client (@done[ 1 .. 8 ]) { $status{$_} += $client->{$_} for keys %$client }
    is_deeply [ sort keys %status ], [ 200, 201, 204 ], 'no request failed' or diag explain(\%status), $world->server->log;
    is sql("select count(*) from entity_attrs where key = 'x' and deleted_at_version <= version"), 0, 'and no end is before its beginning';
    sql("update entity_attrs set string_value = 'new' where key = 'x'");
    is sql("select count(*) from muster_copy"), 8, 'from now on history is whole';
};

# A version is announced under a lock, which must not stay with a session whose statement is cancelled there.
subtest 'cancelled while a version is taken' => sub {
    my ($pg, $until) = ($world->postgres, time + 4);
    my @held = parallel(8, sub {
        my ($n) = @_;
        my $file = temp_dir() . '/held';
        open my $psql, '|-', "$pg->{bin}/psql -q -At -h @{[ $pg->socket_dir ]} -U postgres muster 2>/dev/null" or die "psql: $!";
        $psql->autoflush;
        print $psql 'set statement_timeout = ', 1 + $n % 3, ";\n";
        print $psql 'insert into clustoversioning ("user") select \'x\' from generate_series(1, ', 1 + int rand 40, ");\n" while time < $until;
        print $psql "set statement_timeout = 0;\nselect count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() \\g $file\n";
        close $psql;
        return slurp($file);
    }, timeout => 60);
    is join('', @held), "0\n" x 8, 'no lock is left';
};

# Who finds the lock taken waits for it, and does not take back what was announced meanwhile.
subtest 'two announce at once' => sub {
    my $lock  = "from pg_locks where locktype = 'advisory' and classid = 1836413812 and objid = 2";
    my $older = $pg->begin('select pg_current_xact_id()');       # without one, nothing is announced
    my $other = $pg->begin('select pg_advisory_xact_lock(1836413812, 2)');
    my $who   = Muster::Foreign->new($pg);
    $who->send('insert into clustoversioning ("user") values (\'waits\') returning muster_high');
    ok(poll(30, sub { sql("select count(*) $lock and not granted") }), 'it is waited for');
    $other->("select setval('muster_high', pg_current_xact_id()::text::bigint); commit");
    my $high = $who->answer(30);
    cmp_ok $high, '>', sql("select max(muster_high::text::bigint) from clustoversioning where \"user\" <> 'waits'"), 'then it is announced';
    is $high, sql('select last_value from muster_high'), '... by the number of who was later';
    is sql("select count(*) $lock"), 0, 'and the lock is given back';
    is $older->('commit'), 1, 'an older one was under way';
    $who->end;
};

# A session that is new has to read about the sequence: while it waits for that, it has not the lock.
subtest 'nothing is waited for with the lock of a session' => sub {
    my $older = $pg->begin('select pg_current_xact_id()');
    my $other = $pg->begin('lock table pg_sequence in access exclusive mode');
    my $who   = Muster::Foreign->new($pg);
    $who->send('insert into clustoversioning ("user") values (\'new\')');
    ok(poll(30, sub { sql("select count(*) from pg_locks where relation = 'pg_sequence'::regclass and not granted") }), 'it waits');
    is sql("select count(*) from pg_locks where locktype = 'advisory' and classid = 1836413812 and objid = 2"), 0, 'without the lock';
    $_->('commit') for $other, $older;
    is $who->answer(30), '', 'and goes on';
    $who->end;
};

# As if the clock had been ten minutes ahead, and was put right.
subtest 'times do not step back' => sub {
    my $last = sub { return sql("select $_[0] from clustoversioning order by version desc limit 1") };
    sql("select setval('muster_clock', ((extract(epoch from clock_timestamp()) + 600) * 1000000)::bigint)");
    is $client->put('/attribute/load1/x', form => { value => 'ahead' })->{status}, 200, 'a write';
    is $last->("muster_at between clock_timestamp() + interval '9 minutes' and clock_timestamp() + interval '10 minutes'"), 't', 'is not before the one that was ahead';
    my $at = $last->('muster_at');
    sql("insert into entities (name, type, driver, version) values ('beside', 'server', 'basicserver', 1)");
    is $last->("muster_at >= '$at'"), 't', 'nor is that of a writer beside';
    sql("drop sequence muster_clock");
    is $world->server->init_db->{out}, "created sequence muster_clock\n", 'it is made again';
    is $client->put('/attribute/load1/x', form => { value => 'again' })->{status}, 200, 'another write';
    is $last->("muster_at >= '$at'"), 't', '... after all that are there';
};

$world->stop;
done_testing;
