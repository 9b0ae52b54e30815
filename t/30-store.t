# 30-store.t: the tables: made, completed and checked; the lists of taken addresses; what lists and
# look-ups find in data that only others could have made; statements whose clients have left.
use v5.24;
use warnings;
use Test::More;
use JSON::PP ();
use Muster::Client qw(parallel);
use Muster::Data qw(python_tables);
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll spew);
use Muster::Server;
use Muster::World;

my $postgres = Muster::Postgres->new;

# A muster on a database of its own, not started: --init-db, --check-db and --once are enough here.
sub muster {
    my ($database, %option) = @_;
    return Muster::Server->new(
        postgres => $postgres, conninfo => $postgres->conninfo($database), start => 0, schema => 0, %option,
    );
}

sub fresh {
    my ($database) = @_;
    $postgres->create_database($database);
    return muster($database);
}

sub sql {
    my ($database, $sql) = @_;
    return $postgres->psql($sql, database => $database);
}

# The lines that it printed; its exit status must be this.
sub lines {
    my ($muster, $option, $status) = @_;
    my $result = $muster->run_program([$option]);
    is($result->{status}, $status, "$option exits with $status") or diag $result->{out}, $result->{err};
    return split /\n/, $result->{out};
}

sub get {
    my ($muster, $target, %env) = @_;
    my $result = $muster->once('GET', $target, env => { HTTP_CLUSTO_MODE => 'compact', %env });
    my ($head, $body) = split /\r?\n\r?\n/, $result->{out}, 2;
    my ($status) = $head =~ /^Status: (\d+)/m;
    return { status => $status, json => eval { JSON::PP->new->utf8->allow_nonref->decode($body) }, body => $body };
}

subtest 'a fresh database' => sub {
    my $muster = fresh('fresh');
    my @lines  = lines($muster, '--init-db', 0);
    for my $table (qw(clustoversioning entities entity_attrs counters muster_ip_run)) {
        ok((grep { $_ eq "created table $table" } @lines), "says that it made $table");
    }
    is_deeply([ lines($muster, '--init-db', 0) ], ['nothing to do'], 'once more: nothing to do');
    is(sql('fresh', "select entity_id, name, type, driver, version, deleted_at_version is null from entities"),
        '1|clustometa|clustometa|clustometa|1|t', 'clustometa is there');
    is(sql('fresh', "select entity_id, key, subkey, number is null, datatype, int_value, version from entity_attrs"),
        '1|schemaversion|property|t|int|3|1', 'with the version of the schema');
    is(sql('fresh', "select version, muster_xid is not null from clustoversioning"), '1|t', 'version 1 and its transaction');
    is(sql('fresh', "select data_type from information_schema.columns where table_name = 'entity_attrs' and column_name = 'int_value'"),
        'bigint', 'numbers of 64 bits');
    is_deeply([ lines($muster, '--check-db', 0) ], ['0 found'], 'nothing wrong with it');
};

subtest 'several at once' => sub {
    my $muster = fresh('crowd');
    my @status = parallel(4, sub { $muster->run_program(['--init-db'])->{status} });
    is_deeply(\@status, [ (0) x 4 ], 'each ends well');
    is(sql('crowd', 'select count(*) from entities'), 1, 'one clustometa');
    is(sql('crowd', "select count(*) from pg_trigger where tgname like 'muster\\_ip\\_%'"), 4, 'each trigger once');
};

# With its rows: version 1 everywhere, two live objects of one name.
my $python = python_tables() . <<'SQL';
insert into entities(name, type, driver, version) values ('clustometa', 'clustometa', 'clustometa', 1),
    ('twin', 'pool', 'pool', 1), ('twin', 'server', 'basicserver', 1), ('web', 'server', 'ownserver', 1);
insert into entity_attrs(entity_id, key, subkey, number, datatype, int_value, string_value, datetime_value, relation_id, version) values
    (1, 'schemaversion', 'property', null, 'int', 3, null, null, null, 1),
    (2, '_contains', null, 0, 'relation', null, null, null, 4, 1),
    (4, 'ip', null, 0, 'int', -1979711486, null, null, null, 1),
    (4, 'since', null, null, 'datetime', null, null, '2011-03-04 05:06:07.08', null, 1),
    (4, 'doc', null, null, 'json', null, '{"a": [1, null]}', null, null, 1),
    (4, 'odd', null, null, 'float', null, '1.5', null, null, 1),
    (4, null, null, null, 'string', null, null, null, null, 1);
SQL

subtest 'a database of Python clusto' => sub {
    my $muster = fresh('python');
    sql('python', $python);
    is(get($muster, '/by-name/web')->{json}, '/ownserver/web', 'is read without anything of ours');
    is(get($muster, '/by-name/twin')->{json}, '/pool/twin', 'of twins the elder');
    my $rows = 'select * from entity_attrs order by attr_id';
    my $before = sql('python', $rows);
    my @lines = lines($muster, '--init-db', 0);
    is(scalar(grep { /^created table (entities|entity_attrs|counters|clustoversioning)$/ } @lines), 0, 'its tables are not made again');
    ok((grep { /^left out unique index muster_entities_name: 1 live names/ } @lines), 'twins are reported');
    ok((grep { /^listed 1 taken addresses in 1 runs$/ } @lines), 'its address is taken in');
    is(scalar sql('python', $rows), $before, 'no row has changed');
    is(sql('python', "select data_type from information_schema.columns where table_name = 'entity_attrs' and column_name = 'int_value'"),
        'integer', 'no column either');
    my $web = get($muster, '/by-name/web', HTTP_CLUSTO_MODE => 'expanded')->{json};
    is_deeply({ map { $_->{key} => [ $_->{datatype}, $_->{value} ] } @{ $web->{attrs} } }, {
        ''    => [ 'string', undef ],
        doc   => [ 'json', { a => [ 1, undef ] } ],
        ip    => [ 'int', -1979711486 ],
        odd   => [ 'string', '1.5' ],
        since => [ 'datetime', '2011-03-04T05:06:07.080000' ],
    }, 'every datatype, known or not');
    is_deeply($web->{parents}, ['/pool/twin'], 'and its place');
    my @report = lines($muster, '--check-db', 1);
    ok((grep { /^name "twin" is there 2 times: entities 2, 3$/ } @report), 'the check names the twins');
    sql('python', "delete from entities where entity_id = 3");
    ok((grep { $_ eq 'created unique index muster_entities_name' } lines($muster, '--init-db', 0)),
        'twins gone: names become unique');
    is($postgres->psql("insert into entities(name, type, driver, version) values ('web', 'pool', 'pool', 1)",
        database => 'python', fails => 1)->{status}, 3, 'for everyone');
    is_deeply([ lines($muster, '--init-db', 0) ], ['nothing to do'], 'and then there is nothing to do');
};

subtest 'what --check-db finds' => sub {
    my $muster = fresh('broken');
    lines($muster, '--init-db', 0);
    my ($next, %id) = (1);
    my $entity = sub {
        my ($name, $driver, $type) = @_;
        ($id{$name}) = sql('broken', "insert into entities(name, type, driver, version) values ('$name', '$type', '$driver', 1) returning entity_id");
    };
    my $contains = sub {
        my ($container, $member, $subkey, $number) = @_;
        my $sub = defined $subkey ? "'$subkey'" : 'null';
        sql('broken', sprintf "insert into entity_attrs(entity_id, key, subkey, number, datatype, relation_id, version)
            values (%d, '_contains', %s, %d, 'relation', %d, 1)", $id{$container}, $sub, $number // $next++, $id{$member});
    };
    $entity->("s$_", 'basicserver', 'server') for 1 .. 9;
    $entity->("p$_", 'pool', 'pool') for 1 .. 3;
    $entity->("u$_", 'unique_pool', 'pool') for 1 .. 2;
    $entity->('x', 'exclusive_pool', 'pool');
    $entity->("d$_", 'basicdatacenter', 'datacenter') for 1 .. 2;
    $entity->("r$_", 'basicrack', 'rack') for 1 .. 2;
    $entity->('old', 'basicserver', 'server');
    $contains->('p1', 's1'), $contains->('u1', 's1'), $contains->('d1', 's1'), $contains->('r1', 's1', 'ru', $_) for 1;
    is_deeply([ lines($muster, '--check-db', 0) ], ['0 found'], 'one of each kind is fine');
    $contains->($_, 's9') for qw(s7 p1);
    is_deeply([ lines($muster, '--check-db', 0) ], ['0 found'], 'so is what was in a server before it came into a pool');

    my @breaks = (
        [ 'unique pools',   sub { $contains->("u$_", 's2') for 1, 2 }, qr{^/basicserver/s2 is in more than one unique pool: /unique_pool/u1, /unique_pool/u2$} ],
        [ 'exclusive pool', sub { $contains->($_, 's3') for qw(x p1) }, qr{^/basicserver/s3 is in an exclusive pool and in others: /exclusive_pool/x, /pool/p1$} ],
        [ 'locations',      sub { $contains->("d$_", 's4') for 1, 2 }, qr{^/basicserver/s4 is in more than one basicdatacenter: /basicdatacenter/d1, /basicdatacenter/d2$} ],
        [ 'racks',          sub { $contains->("r$_", 's5', 'ru', 7) for 1, 2 }, qr{^/basicserver/s5 is in more than one rack: /basicrack/r1, /basicrack/r2$} ],
        [ 'a unit',         sub { $contains->('r1', 's6', 'ru', 7) }, qr{^unit 7 of /basicrack/r1 is taken more than once: /basicserver/s5, /basicserver/s6$} ],
        [ 'a port',         sub { sql('broken', "insert into entity_attrs(entity_id, key, subkey, number, datatype, relation_id, version)
                                    select $id{s1}, 'port-nic-eth', 'connection', n, 'relation', id, 1 from (values (1, $id{s2}), (1, $id{s3}), (2, $id{s3}), (null, $id{s2})) v(n, id)") },
          qr{^port-nic-eth 1 of /basicserver/s1 is connected more than once: /basicserver/s2, /basicserver/s3$} ],
        [ 'others',         sub { $contains->($_, 's8') for qw(p1 s7) }, qr{^/basicserver/s8 is in something that shares with nothing, and elsewhere: } ],
        [ 'a circle',       sub { $contains->('p1', 'p2'), $contains->('p2', 'p3'), $contains->('p3', 'p1') }, qr{^/pool/p2 contains itself$} ],
        [ 'an address',     sub { sql('broken', "insert into entity_attrs(entity_id, key, datatype, int_value, version)
                                    select entity_id, 'ip', 'int', -1979711486, 1 from entities where name in ('s1', 's2')") },
          qr{^address 10\.0\.0\.2 is held more than once: /basicserver/s1, /basicserver/s2$} ],
        [ 'a counter',      sub { sql('broken', "set session_replication_role = replica; drop index muster_counters_key; insert into counters(entity_id, attr_key, value)
                                    values (1, 'ip', 1), (1, 'ip', 2)") }, qr{^counter "ip" of entity 1 is there 2 times$} ],
        [ 'an orphan',      sub { sql('broken', "set session_replication_role = replica;
                                  insert into entity_attrs(entity_id, key, datatype, string_value, version)
                                    values ($id{old}, 'k', 'string', 'v', 1);
                                  insert into entity_attrs(entity_id, key, datatype, relation_id, version) values ($id{s9}, 'ref', 'relation', $id{old}, 1);
                                  update entities set deleted_at_version = 1 where entity_id = $id{old}") },
          qr{^attribute \d+ \(k\) belongs to entity $id{old}, which is not there$} ],
        [ 'a dead end',     sub { }, qr{^attribute \d+ \(ref\) of /basicserver/s9 refers to entity $id{old}, which is not there$} ],
        [ 'a datatype',     sub { sql('broken', "insert into entity_attrs(entity_id, key, datatype, version) values (1, 'f', 'float', 1)") },
          qr{^attribute \d+ \(f\) has an unknown datatype: float$} ],
        [ 'a stale list',   sub { sql('broken', "update muster_ip set uses = 1") }, qr{^the list of taken addresses is out of date at 1 addresses} ],
    );
    for my $break (@breaks) {
        my ($what, $make, $line) = @$break;
        $make->();
        my @report = lines($muster, '--check-db', 1);
        ok((grep { $_ =~ $line } @report), "$what is found") or diag join "\n", @report;
        is($report[-1], @report - 1 . ' found', 'and counted');
    }
    ok((grep { /^listed 1 taken addresses/ } lines($muster, '--init-db', 0)), '--init-db makes the list again');
    ok(!(grep { /out of date/ } lines($muster, '--check-db', 1)), 'and then it is fine');

    is_deeply(get($muster, '/from-pools?pool=p1&children=1&driver=pool')->{json}, [ map { "/pool/p$_" } 1 .. 3 ],
        'a circle ends when it is searched');
    is_deeply(get($muster, '/attribute/s9')->{json}, [ { datatype => 'relation', key => 'ref', number => undef, subkey => undef, value => undef } ],
        'an orphan has no value');
    is_deeply(get($muster, '/by-name/r1', HTTP_CLUSTO_MODE => 'expanded')->{json}{contents},
        [ map { "/basicserver/s$_" } 1, 5, 6 ], 'a rack contains each thing once');
};

# The lists must say what the attributes say, whoever wrote and however it ended.
sub lists_fit {
    my ($database) = @_;
    return sql($database, <<'SQL');
        with taken as (select int_value::bigint as address, count(*)::int as uses from entity_attrs
            where key = 'ip' and subkey is null and datatype = 'int' and deleted_at_version is null group by 1)
        select (select count(*) from (table taken except table muster_ip) a)
             + (select count(*) from (table muster_ip except table taken) b)
             + (select count(*) from taken where not exists (select from muster_ip_run where address between lo and hi))
             + abs((select coalesce(sum(hi - lo + 1), 0) from muster_ip_run) - (select count(*) from taken))
SQL
}

subtest 'taken addresses' => sub {
    my $muster = fresh('taken');
    lines($muster, '--init-db', 0);
    my $seed = $ENV{MUSTER_SEED} // int rand 1e6;
    srand $seed;
    diag "seed $seed";
    sql('taken', "insert into entities(name, type, driver, version) select 's' || n, 'server', 'basicserver', 1 from generate_series(1, 20) n");

    # Addresses from 40 around a multiple of 1,024, where a run has to end, so that they meet often.
    my $script = sub {
        my ($i) = @_;
        my $address = sub { 1024 * 7 - 20 + int rand 40 };
        my @sql;
        for (1 .. 250) {
            my ($x, $y, $kind) = ($address->(), $address->(), rand);
            my $live = "key = 'ip' and subkey is null and deleted_at_version is null";
            push @sql,
                $kind < 0.4 ? "insert into entity_attrs(entity_id, key, datatype, int_value, version) values (2, 'ip', 'int', $x, 1);"
              : $kind < 0.6 ? "update entity_attrs set deleted_at_version = 2 where attr_id = (select attr_id from entity_attrs where int_value = $x and $live limit 1);"
              : $kind < 0.75 ? "delete from entity_attrs where attr_id = (select attr_id from entity_attrs where int_value = $x and $live limit 1);"
              : $kind < 0.85 ? "update entity_attrs set int_value = $y where attr_id = (select attr_id from entity_attrs where int_value = $x and $live limit 1);"
              : $kind < 0.9 ? "begin; insert into entity_attrs(entity_id, key, datatype, int_value, version) values (3, 'ip', 'int', $x, 1), (3, 'ip', 'int', $y, 1); rollback;"
              : "begin; insert into entity_attrs(entity_id, key, datatype, int_value, version) values (3, 'ip', 'int', $x, 1), (3, 'ip', 'int', $y, 1); commit;";
        }
        return join "\n", @sql;
    };
    my @scripts = map { $script->($_) } 1 .. 6;
    # A deadlock (two addresses in one transaction) undoes that transaction; psql goes on.
    my @failed = parallel(6, sub {
        my ($i) = @_;
        my $result = $postgres->psql("\\set ON_ERROR_STOP 0\n$scripts[$i]", database => 'taken', fails => 1);
        return join '', grep { /ERROR/ && !/deadlock detected|current transaction is aborted/ } split /^/, $result->{err};
    });
    is_deeply(\@failed, [ ('') x 6 ], 'six writers at once, nothing but deadlocks in their way');
    is(lists_fit('taken'), 0, 'the lists fit the attributes');
    cmp_ok(sql('taken', 'select count(*) from muster_ip'), '>', 5, 'and there is something in them');
    is(sql('taken', "select count(*) from muster_ip_run a join muster_ip_run b on a.lo < b.lo and b.lo <= a.hi"), 0, 'runs do not overlap');

    my ($first, $last) = (1024 * 7 - 25, 1024 * 7 + 25);
    is(sql('taken', "select count(*) from generate_series($first, $last) f, generate_series($first, $last) l
        where muster_ip_free(f, l) is distinct from (select min(x) from generate_series(f, l) x
            where not exists (select from muster_ip where address = x))"), 0, 'the next free address is found from everywhere');

    sql('taken', "insert into entity_attrs(entity_id, key, datatype, int_value, version)
        select 4, 'ip', 'int', n, 1 from generate_series(20000, 23000) n");
    is(lists_fit('taken'), 0, 'three thousand at once');
    cmp_ok(sql('taken', 'select count(*) from muster_ip_run where lo >= 20000'), '<', 6, 'in few runs');
    sql('taken', "update entity_attrs set key = 'former' where key = 'ip' and entity_id = 4 and int_value % 2 = 0");
    is(lists_fit('taken'), 0, 'a change of the key frees them');
    sql('taken', 'truncate entity_attrs');
    is(lists_fit('taken'), 0, 'nothing is left after truncate');
};

subtest 'lists in chunks' => sub {
    my $muster = fresh('many');
    lines($muster, '--init-db', 0);
    my $count = 2150;
    sql('many', <<"SQL");
        insert into entities(name, type, driver, version) select 'n' || n, 'server', case when n % 7 = 0 then 'basicvirtualserver' else 'basicserver' end, 1
            from generate_series(1, $count) n order by n;
        insert into entity_attrs(entity_id, key, datatype, int_value, version) select entity_id, 'n', 'int', substr(name, 2)::int, 1 from entities where name like 'n%';
        insert into entities(name, type, driver, version) values ('full', 'pool', 'pool', 1), ('half', 'pool', 'pool', 1);
        insert into entity_attrs(entity_id, key, number, datatype, relation_id, version)
            select p.entity_id, '_contains', 1, 'relation', s.entity_id, 1 from entities p, entities s
            where s.type = 'server' and (p.name = 'full' or p.name = 'half' and s.entity_id % 2 = 0);
        update entities set deleted_at_version = 1 where name = 'n700';
SQL
    my @all = map { "n$_" } grep { $_ != 700 } 1 .. $count;
    my $expanded = sub { get($muster, $_[0], HTTP_CLUSTO_MODE => 'expanded', @_[ 1 .. $#_ ])->{json} };
    my $fits = sub {
        my ($list, @names) = @_;
        return 0 if @$list != @names;
        for my $i (0 .. $#names) {
            my $o = $list->[$i];
            return 0 if $o->{name} ne $names[$i] || @{ $o->{attrs} } != 1 || "n$o->{attrs}[0]{value}" ne $o->{name}
                || $o->{parents}[0] ne '/pool/full' || @{ $o->{parents} } > 2;
        }
        return 1;
    };
    my @servers = grep { substr($_, 1) % 7 } @all;
    ok($fits->($expanded->('/entity/basicserver'), @servers), 'one driver, whole objects');
    ok($fits->($expanded->('/from-pools?pool=full'), @all), 'a pool, whole objects');
    my @half = split /\n/, sql('many', "select name from entities where name like 'n%' and entity_id % 2 = 0 and deleted_at_version is null order by entity_id");
    ok($fits->($expanded->('/from-pools?pool=full&pool=half'), @half), 'what is in both pools');
    ok($fits->($expanded->('/by-attr?key=n'), @all), 'by key');
    ok($fits->($expanded->('/from-pools?pool=full', HTTP_CLUSTO_PAGE => 3, HTTP_CLUSTO_PER_PAGE => 500), @all[ 1000 .. 1499 ]), 'a page of the pool');
    ok($fits->($expanded->('/entity/basicserver', HTTP_CLUSTO_PAGE => 2, HTTP_CLUSTO_PER_PAGE => 1200), @servers[ 1200 .. $#servers ]), 'the last page');
    is_deeply(get($muster, '/from-pools?pool=full')->{json}, [ map { (substr($_, 1) % 7 ? '/basicserver/' : '/basicvirtualserver/') . $_ } @all ], 'the same as paths');
    is_deeply(get($muster, '/by-attr?key=n&value=77')->{json}, ['/basicvirtualserver/n77'], 'a number by its text');
    is_deeply(get($muster, '/by-attr?key=n&value=077')->{json}, [], 'and only by that');
    is_deeply([ map { $_->{name} } @{ $expanded->('/by-names?name=n9&name=n8&name=n9') } ], [qw(n9 n8 n9)], 'several by name, in the order asked for');
};

# Rows of the attributes that were read so far. A session's numbers are there when it has ended.
sub rows_read {
    my ($database) = @_;
    $postgres->wait_for_sessions("datname = '$database'");
    return sql($database, "select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_all_tables where relname = 'entity_attrs'");
}

subtest 'deleting an object reads only what is its own' => sub {
    sql('many', "delete from entity_attrs a using entities e where e.name = 'n21' and e.entity_id in (a.entity_id, a.relation_id)");
    my $before = rows_read('many');
    sql('many', "delete from entities where name = 'n21'");
    cmp_ok(rows_read('many') - $before, '<', 100, 'as Python clusto does it');
    my $muster = muster('many', conf => { versioning => JSON::PP::false });
    $before = rows_read('many');
    my $deleted = $muster->once('DELETE', '/entity/basicvirtualserver/n28');
    like($deleted->{out}, qr/^Status: 204/m, 'and with versioning = false') or diag $deleted->{out};
    cmp_ok(rows_read('many') - $before, '<', 100, 'the same');
    is(sql('many', "select count(*) from entities where name = 'n28'"), 0, 'it is gone');
};

subtest 'a publication of all tables' => sub {
    my $muster = fresh('published');
    lines($muster, '--init-db', 0);
    sql('published', "set client_min_messages = error; create publication everything for all tables");
    my $inserts = join '', map { "insert into entities(name, type, driver, version) values ('n$_', 'pool', 'pool', 1);\n" } 1 .. 400;
    my $result  = $postgres->psql($inserts, database => 'published', fails => 1);
    is($result->{status}, 0, 'objects are made, and counted') or diag $result->{err};
    is(sql('published', "select sum(n) from muster_count where driver = 'pool'"), 400, 'each once');
    sql('published', 'update muster_pruned set below = pg_snapshot_xmin(pg_current_snapshot());
        delete from muster_change where xid < pg_snapshot_xmin(pg_current_snapshot())');
    is(sql('published', 'select count(*) from muster_change'), 0, 'changes can be pruned');
};

subtest 'tables of an older version' => sub {
    my $muster = fresh('older');
    lines($muster, '--init-db', 0);
    sql('older', 'drop index muster_attrs_related, muster_attrs_int_value; alter table muster_count replica identity default;
        create index muster_attrs_int on entity_attrs (key, int_value);
        create index muster_attrs_referred on entity_attrs ((relation_id::bigint), (version + 0));
        create index muster_attrs_relation_all on entity_attrs (relation_id, deleted_at_version);
        create index muster_dead_contains on entity_attrs (entity_id, deleted_at_version)');
    is_deeply([ sort(lines($muster, '--init-db', 0)) ],
        [ 'created index muster_attrs_int_value', 'created index muster_attrs_related', (map { "dropped index $_" } qw(muster_attrs_int muster_attrs_referred muster_attrs_relation_all muster_dead_contains)), 'set replica identity of table muster_count' ], 'are completed');
    is_deeply([ lines($muster, '--init-db', 0) ], ['nothing to do'], 'once');
};

subtest 'made while it runs' => sub {
    $postgres->create_database('late');
    sql('late', $python);
    my $muster = muster('late', start => 1);
    my $front  = Muster::Front->new(server => $muster);
    my $client = $front->client;
    my $write  = sub { $client->post('/preferences/colours', json => { sky => 'blue' }, headers => { 'X-User-Id' => 'me' })->{status} };
    is($client->get('/by-name/web')->{status}, 200, 'read without our additions');
    is($write->(), 503, 'what needs them is refused');
    lines($muster, '--init-db', 0);
    # A worker that has just missed them asks again after a second.
    ok(poll(10, sub { $write->() == 204 }), 'they are seen without a restart');
    $front->stop;
    $muster->stop;
};

subtest 'without --init-db' => sub {
    my $muster = fresh('forgotten');
    my $result = $muster->once(GET => '/by-name/nobody');
    like($result->{out}, qr/\AStatus: 503/, 'a read: 503');
    like($result->{out}, qr/\n"The database schema is missing or too old\. Run muster --init-db\."\s*\z/, '  which says what to do');
    like($result->{out}, qr/^Retry-After: /m, '  and that it may end');
    like($result->{err}, qr/ error: .*database: The database schema is missing or too old\. Run muster --init-db\./, '  so does the log');
    unlike($result->{err}, qr/can't connect/, '  which does not say that the database is away');
    like($muster->once(POST => '/entity/pool?name=a')->{out}, qr/\AStatus: 503.*Run muster --init-db/s, 'a write');
    lines($muster, '--init-db', 0);
    like($muster->once(POST => '/entity/pool?name=a')->{out}, qr/\AStatus: 201/, 'afterwards it is served');
};

subtest 'roles of the database' => sub {
    my $owner = fresh('roles');
    lines($owner, '--init-db', 0);
    like($owner->once(GET => '/by-name/nobody')->{err}, qr/ warning: .*database: the role "postgres" is a superuser/, 'a superuser: a warning');
    $postgres->psql('create role stranger login', database => 'postgres');
    my $stranger = muster('roles', conninfo => $postgres->conninfo('roles') =~ s/user=\w+/user=stranger/r);
    my $result   = $stranger->once(GET => '/by-name/nobody');
    like($result->{out}, qr/\AStatus: 503/, 'a role that owns nothing: 503');
    like($result->{err}, qr/database: the role "stranger" needs privileges on the tables: .*permission denied for/, '  the log says why');
    unlike($result->{err}, qr/can't connect|superuser/, '  and nothing else');
    $result = $stranger->run_program(['--init-db']);
    is($result->{status}, 1, '  nor may it make tables');
    like($result->{err}, qr/must be owner of|permission denied/, '  says PostgreSQL');
};

subtest 'a connection in the way of --init-db' => sub {
    my $muster = fresh('crossing');
    lines($muster, '--init-db', 0);
    open my $psql, '|-', "$postgres->{bin}/psql", '-Xq', '-d', $postgres->conninfo('crossing') or die $!;
    $psql->autoflush(1);
    say {$psql} 'begin; lock table entity_attrs in share row exclusive mode;';
    my $locks = sub { sql('crossing', "select count(*) from pg_locks where relation = 'entity_attrs'::regclass and granted = $_[0]") };
    ok(poll(10, sub { $locks->('true') }), 'one table is locked, as --init-db does');
    my @status = parallel(2, sub {
        return get($muster, '/by-name/clustometa')->{status} if $_[0] == 0;
        my $waits = poll(10, sub { $locks->('false') });
        say {$psql} 'lock table entities in share row exclusive mode; commit;';
        return $waits ? 'waited' : 'no';
    });
    is_deeply(\@status, [ 200, 'waited' ], 'the connection loses the deadlock, and tries again');
    close $psql;
};

subtest 'the client has left' => sub {
    my $world  = Muster::World->new(postgres => $postgres, database => 'many', data => 0);
    my $waits  = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = 'many'";
    spew("$world->{server}{dir}/lock.sql", "begin; lock table entities; select pg_sleep(20);");
    my $holder = Muster::Process->start([
        "$postgres->{bin}/psql", '-XqAt', '-h', $postgres->socket_dir, '-U', 'postgres', '-d', 'many',
        '-f', "$world->{server}{dir}/lock.sql",
    ], out => '/dev/null');
    ok(poll(10, sub { sql('many', "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and relation = 'entities'::regclass and granted") }),
        'the table is locked');
    my $client = $world->client;
    my $socket = $client->connect;
    $socket->syswrite("GET /by-name/n1 HTTP/1.1\r\nHost: x\r\n\r\n");
    ok(poll(10, sub { sql('many', $waits) == 1 }), 'a request waits for it');
    close $socket;
    ok(poll(10, sub { sql('many', $waits) == 0 }) && $holder->alive, 'its client disconnects: the statement is cancelled');
    $holder->stop('INT');
    ok(poll(10, sub { $client->get('/by-name/n1')->{status} == 200 }), 'and the next one is answered');
    $world->{front}->stop;
    $world->{server}->stop;
};

done_testing;
