#!/usr/bin/perl
# 31-check-schema.t: --check-db reports each thing that --init-db would make, and what it would not but
# clusto's tables need.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::Data qw(python_tables);
use Muster::Postgres;
use Muster::Process qw(run);
use Muster::Server;

my $postgres = Muster::Postgres->new(database => undef);
my ($name, $server, $count) = (undef, undef, 0);

sub sql { return $postgres->psql($_[0], database => $name) }

sub fresh {
    my (%option) = @_;
    $name   = $postgres->create_database('check' . ++$count, $option{template});
    $server = Muster::Server->new(postgres => $postgres, conninfo => $option{conninfo} // $postgres->conninfo($name), schema => $option{schema} // 1,
        start => 0, conf => $option{conf} // {});
    return;
}

# The lines of the report but the last, whose number they must have.
sub check {
    my $result = $server->run_program(['--check-db']);
    my @lines  = split /\n/, $result->{out};
    my $last   = pop @lines // '';
    is($last, @lines . ' found', 'all are counted') or diag $result->{err};
    is($result->{status}, @lines ? 1 : 0, 'and the exit status says so');
    return @lines;
}

my $OURS = "like 'muster\\_%'";

# What there is of a kind, as the report names it; how it is taken away; and whether --init-db makes it.
my @kinds = (
    [ 'indexes', 1, "select format('index %s of %s is missing (muster --init-db makes it)', c.relname, i.indrelid::regclass), format('drop index %s', c.oid::regclass)
        from pg_index i join pg_class c on c.oid = i.indexrelid where not exists (select from pg_constraint where conindid = c.oid)
        and i.indrelid::regclass::text !~ '^pg_'" ],
    [ 'foreign keys', 0, "select format('a constraint of %s is missing: alter table %1\$s add %s', conrelid::regclass, pg_get_constraintdef(oid)),
        format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint where contype = 'f' and conrelid::regclass::text !~ '^pg_'" ],
    [ 'keys and checks', 0, "select format('a constraint of %s is missing: alter table %1\$s add %s', conrelid::regclass, pg_get_constraintdef(oid)),
        format('alter table %s drop constraint %I cascade', conrelid::regclass, conname) from pg_constraint where contype in ('p', 'u', 'c') and conrelid::regclass::text !~ '^(pg_|information_schema|-)'" ],
    [ 'defaults', 0, "select format('a default of %s is missing: alter table %1\$s alter %s set default %s', attrelid::regclass, attname, pg_get_expr(adbin, adrelid)),
        format('alter table %s alter %I drop default', attrelid::regclass, attname)
        from pg_attrdef join pg_attribute on attrelid = adrelid and attnum = adnum where attgenerated = ''" ],
    [ 'triggers of history and addresses', 1, "select format('trigger %s of %s is missing (muster --init-db makes it)', tgname, tgrelid::regclass), format('drop trigger %I on %s', tgname, tgrelid::regclass)
        from pg_trigger where tgname like any (array['muster\\_ip%', 'muster\\_keep%', 'muster\\_version%'])" ],
    [ 'functions', 1, "select format('function %s(%s) is missing (muster --init-db makes it)', proname, pg_get_function_identity_arguments(oid)), format('drop function %s cascade', oid::regprocedure)
        from pg_proc where proname $OURS" ],
    [ 'policies', 1, "select format('policy %s of %s is missing (muster --init-db makes it)', polname, polrelid::regclass), format('drop policy %I on %s', polname, polrelid::regclass) from pg_policy" ],
    [ 'replica identities', 1, "select format('replica identity full of %s is missing (muster --init-db makes it)', oid::regclass), format('alter table %s replica identity default', oid::regclass)
        from pg_class where relreplident = 'f'" ],
);

fresh();
is_deeply([ check() ], [], 'a fresh database: nothing is missing');
my $whole = $name;
for my $kind (@kinds) {
    my ($what, $made, $find) = @$kind;
    subtest $what => sub {
        fresh(template => $whole, schema => 0);
        my @there = map { [ split /\|/ ] } sql($find);
        cmp_ok(scalar @there, '>', 0, scalar(@there) . ' of them');
        sql("set client_min_messages = error; $_->[1]") for @there;
        my %reported = map { $_ => 1 } check();
        is_deeply([ grep { !$reported{$_} } map { $_->[0] } @there ], [], 'each is reported') or diag join "\n", sort keys %reported;
        if ($made) {
            $server->init_db;
            is_deeply([ check() ], [], '--init-db makes what it was said to make');
            return;
        }
        # A key before what refers to it.
        sql(s/^.*? is missing: //r) for sort { ($a =~ /FOREIGN/ ? 1 : 0) <=> ($b =~ /FOREIGN/ ? 1 : 0) } keys %reported;
        is_deeply([ check() ], [], 'what the report says does');
    };
}

subtest 'tables, sequences and columns' => sub {
    fresh(template => $whole, schema => 0);
    sql('drop table muster_token, muster_was, muster_ip; drop sequence muster_high; alter table clustoversioning drop muster_at');
    my @report = check();
    is_deeply([ grep { /^(?:table|sequence|column)/ } @report ],
        [ map { "$_ is missing (muster --init-db makes it)" } 'table muster_ip', 'table muster_token', 'table muster_was', 'sequence muster_high', 'column muster_at of clustoversioning' ],
        'are reported') or diag join "\n", @report;
};

subtest 'not as they must be' => sub {
    fresh(template => $whole, schema => 0);
    sql("drop index muster_entities_name; create index muster_entities_name on entities (name);
        alter table entity_attrs disable trigger muster_ip_update; alter table entities enable trigger muster_keep_end;
        create or replace function muster_keeps() returns boolean language sql as 'select true'");
    is_deeply([ grep { !/history/ } check() ], [
        'index muster_entities_name of entities is not as it must be (drop it, muster --init-db makes it again)',
        'trigger muster_keep_end of entities is not as it must be (muster --init-db makes it again)',
        'trigger muster_ip_update of entity_attrs is not as it must be (muster --init-db makes it again)',
        'function muster_keeps() is not as it must be (muster --init-db makes it again)',
    ], 'a plain index instead of a unique one, a trigger that is off, one that ordinary sessions fire, an older function');
    sql('drop index muster_entities_name');
    $server->init_db;
    is_deeply([ check() ], [], 'mended');
};

subtest 'counts and history' => sub {
    fresh(template => $whole, schema => 0);
    sql("alter table entities disable trigger muster_change_insert; insert into entities (name, type, driver, version) values ('uncounted', 'pool', 'pool', 1);
        alter table entities enable always trigger muster_change_insert; alter table entities disable trigger muster_keep_name; alter table entities enable always trigger muster_keep_name");
    is_deeply([ check() ], [
        'the number of pool objects of the driver pool is out of date (muster --init-db counts them again)',
        'the history may lack what was written since its triggers were off, made again or restored (muster --init-db notes it)',
    ], 'are reported');
    $server->init_db;
    is_deeply([ check() ], [], 'mended');
};

subtest 'a restore that broke off' => sub {
    fresh(schema => 0);
    my $tool = sub { return run([ "$postgres->{bin}/$_[0]", '-h', $postgres->socket_dir, '-U', 'postgres', @_[ 1 .. $#_ ] ]) };
    my $dump = $tool->('pg_dump', '--section=pre-data', '--section=data', $whole);
    is($dump->{status}, 0, 'tables and rows, but nothing that follows them') or diag $dump->{err};
    sql($dump->{out});
    my @report = check();
    my $of     = sub { my ($like) = @_; return scalar grep { /$like/ } @report };
    is($of->(qr/^a constraint of (?:entities|entity_attrs|clustoversioning|counters) is missing/), 7, 'keys and foreign keys of clusto\'s tables');
    cmp_ok($of->(qr/^index muster_entities_name /), '==', 1, 'the unique name');
    cmp_ok($of->(qr/^index idx_/), '>=', 6, 'indexes');
    cmp_ok($of->(qr/trigger/), '>', 10, 'triggers') or diag join "\n", @report;
};

subtest 'before --init-db, and an older one' => sub {
    fresh(schema => 0);
    sql(python_tables());
    is_deeply([ check() ], [q{muster's additions are missing or older than this version needs (muster --init-db makes them)}], 'of Python clusto\'s tables nothing is missing');
    $server->init_db;
    is_deeply([ check() ], [], 'nor afterwards');
    sql('delete from muster_schema where version > 3; insert into muster_schema (version) values (3) on conflict do nothing; drop table muster_was, muster_copy');
    is_deeply([ check() ], [
        q{muster's additions are missing or older than this version needs (muster --init-db makes them)},
        map { "table $_ is missing (muster --init-db makes it)" } qw(muster_copy muster_was)
    ], 'an older one');
    sql('drop table muster_floor');
    is((check())[0], q{muster's additions are missing or older than this version needs (muster --init-db makes them)}, 'even without what the checks look into');
};

subtest 'without a history that others keep' => sub {
    fresh(conf => { keep_history => JSON::PP::false });
    is_deeply([ check() ], [], 'its triggers are not missed');
};

subtest 'who may not make a schema' => sub {
    fresh(template => $whole, schema => 0);
    sql("create role reader login; grant pg_read_all_data to reader");
    fresh(template => $whole, schema => 0, conninfo => $postgres->conninfo("check" . ($count + 1)) =~ s/user=postgres/user=reader/r);
    my $result = $server->run_program(['--check-db']);
    is($result->{out}, "0 found\n", 'is told the rest');
    like($result->{err}, qr/warning: .*what --init-db would make is not known: permission denied/, 'and what is not known');
};

# Functions that run for each write have the schema's name in them, some in a text.
for my $schema ('new', 'Rack@%1$s', q{o'dd" one}, 'a$$b', 'e', q{back\\'}) {
    subtest "tables in schema $schema" => sub {
        fresh(schema => 0);
        my $quoted = $postgres->psql('select quote_ident($q$' . $schema . '$q$)', database => $name);
        sql("create schema $quoted; alter database $name set search_path = $quoted");
        $server->init_db;
        is_deeply([ check() ], [], 'nothing is missing');
        sql("begin; select pg_current_xact_id(); set local search_path = ''; insert into $quoted.entity_attrs (entity_id, key, subkey, datatype, relation_id, version) values (1, '_contains', 'ru', 'relation', 1, 1); commit");
        is(sql('select version from entity_attrs order by attr_id desc limit 1'), sql('select max(version) from clustoversioning'), 'a write has a version');
        is(sql("select count(*) from muster_change where version = (select max(version) from clustoversioning)"), 1, 'and is told');
        is($server->run_program(['--drop-extensions'])->{status}, 0, 'all goes');
        is(sql("select count(*) from pg_proc where proname $OURS"), 0, 'functions, too');
    };
}

is($postgres->psql("select count(*) from pg_namespace where nspname like 'muster%'", database => $name), 0, 'no schema is left');
$postgres->stop;
done_testing;
