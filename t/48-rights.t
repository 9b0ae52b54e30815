#!/usr/bin/perl
# 48-rights.t: the functions of triggers run with their owner's rights, for whoever writes to clusto's tables. Who does
# that with operators, functions and types of his own before those of PostgreSQL gets none of them called by the owner.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Foreign;
use Muster::Process qw(slurp source_dir);
use Muster::World;

my $world  = Muster::World->new(data => 0);
my $pg     = $world->postgres;
my $client = $world->front->client;

sub sql { return scalar $pg->psql($_[0]) }

is $client->post('/entity/basicserver', form => [ map { (name => $_) } 'a' .. 'd' ])->{status}, 201, 'there are servers';
is $client->post('/resourcemanager/ipmanager', form => { name => 'net', baseip => '10.0.0.0', netmask => '24' })->{status}, 201, 'and a manager';
is $client->post('/entity/basicrack', form => { name => 'rack' })->{status}, 201, 'and a rack';

# All names that the schema's text has may be functions or operators in it.
my $text = slurp(source_dir() . '/etc/schema.sql');
my $words = join ',', map { "'$_'" } sort keys %{ { map { $_ => 1 } $text =~ /([a-z_][a-z0-9_]*)\s*\(/g } };
sql(<<"SQL");
create role writer login;
grant select, insert, update, delete on clustoversioning, entities, entity_attrs, counters to writer;
grant usage on all sequences in schema public to writer;
create schema evil authorization writer;
set role writer;
do \$do\$ declare
    x record;
    body constant text := 'begin if current_user <> ''writer'' then raise exception ''% was called by %'', %L, current_user; end if; return %s; end';
    kinds oid[] := array['int4', 'int8', 'text', 'varchar', 'bpchar', 'name', 'char', 'xid8', 'pg_snapshot', 'bool', 'float8', 'numeric', 'oid',
        'regclass', 'timestamp', 'timestamptz', 'interval', '_int4', '_int8', '_text']::regtype[]::oid[];
begin
    for x in select oid, oprname, oprleft::regtype as l, oprright::regtype as r, oprresult::regtype as result from pg_operator
              where oprnamespace = 'pg_catalog'::regnamespace and oprkind = 'b' and oprleft = any(kinds) and oprright = any(kinds)
    loop
        execute format('create function evil.op%s(%s, %s) returns %s language plpgsql set search_path = pg_catalog as %L', x.oid, x.l, x.r, x.result,
            format(replace(body, '% was called by %', '%% was called by %%'), 'operator ' || x.oprname, format('\$1 operator(pg_catalog.%s) \$2', x.oprname)));
        execute format('create operator evil.%s (function = evil.op%s, leftarg = %s, rightarg = %s)', x.oprname, x.oid, x.l, x.r);
    end loop;
    for x in select proname, pg_get_function_identity_arguments(oid) as a, prorettype::regtype as result,
                    (select string_agg('\$' || n, ',' order by n) from generate_series(1, pronargs) n) as args from pg_proc
              where pronamespace = 'pg_catalog'::regnamespace and prokind = 'f' and not proretset and provariadic = 0 and proargnames is null
                and prorettype = any(kinds) and proargtypes::oid[] <\@ kinds and proname in ($words)
    loop
        execute format('create function evil.%I(%s) returns %s language plpgsql set search_path = pg_catalog as %L', x.proname, x.a, x.result,
            format(replace(body, '% was called by %', '%% was called by %%'), 'function ' || x.proname, format('pg_catalog.%I(%s)', x.proname, x.args)));
    end loop;
end \$do\$;
-- A type that takes no value.
create domain evil.text as integer check (value is null);
create domain evil.xid8 as integer check (value is null);
create domain evil.int8 as integer check (value is null);
SQL
cmp_ok sql("select count(*) from pg_operator where oprnamespace = 'evil'::regnamespace"), '>', 100, 'there are evil operators';
cmp_ok sql("select count(*) from pg_proc where pronamespace = 'evil'::regnamespace and proname !~ '^op[0-9]'"), '>', 20, 'and functions';

my $evil = Muster::Foreign->new($pg, user => 'writer');
$evil->ask('set search_path = evil, pg_catalog, public, pg_temp');
is $evil->ask('show search_path'), 'evil, pg_catalog, public, pg_temp', 'they come first';

# What a writer does, each with a transaction that announces its version and one that need not.
my $older = $pg->begin('select pg_current_xact_id()');
for my $when ('while another is under way', 'alone') {
    for my $what (
        [ 'a version', "insert into clustoversioning (\"user\") values ('evil')" ],
        [ 'an attribute', "insert into entity_attrs (entity_id, key, datatype, string_value, version) values (1, 'k', 'string', 'v', 1)" ],
        [ 'an address', "insert into entity_attrs (entity_id, key, subkey, number, datatype, int_value, version) values (1, 'ip', 'ipstring', 0, 'int', -1979711480, 1)" ],
        [ 'a resource', "insert into entity_attrs (entity_id, key, number, datatype, int_value, version) values (1, 'ip', 0, 'int', -1979711480, 1)" ],
        [ 'a name', "insert into entity_attrs (entity_id, key, number, datatype, string_value, version) values (1, 'simplename', 0, 'string', 'n', 1)" ],
        [ 'a port', "insert into entity_attrs (entity_id, key, subkey, number, datatype, relation_id, version) values (1, 'port-nic-eth', 'connection', 0, 'relation', 2, 1)" ],
        [ 'a member', "insert into entity_attrs (entity_id, key, number, datatype, relation_id, version) values (6, '_contains', 0, 'relation', 1, 1)" ],
        [ 'a unit', "insert into entity_attrs (entity_id, key, subkey, number, datatype, int_value, version) values (6, '_contains', 'ru', 0, 'int', 3, 1)" ],
        [ 'another value', "update entity_attrs set string_value = 'w' where key = 'k'" ],
        [ 'its end', "update entity_attrs set deleted_at_version = 1 where key = 'k'" ],
        [ 'a counter', "insert into counters (entity_id, attr_key, value) values (1, 'c', 1)" ],
        [ 'its next value', "update counters set value = 2 where attr_key = 'c'" ],
        [ 'an object', "insert into entities (name, type, driver, version) values ('e', 'server', 'basicserver', 1)" ],
        [ 'another name', "update entities set name = 'f' where name = 'e'" ],
        [ 'its end', "update entities set deleted_at_version = 1 where name = 'f'" ],
        [ 'all erased', "delete from entity_attrs where entity_id = 1" ],
        [ 'an erased object', "delete from entities where name = 'f'" ],
        [ 'an erased counter', "delete from counters where attr_key = 'c'" ],
    ) {
        @{ $evil->{errors} } = ();
        $evil->ask($what->[1]);
        is join('; ', @{ $evil->{errors} }), '', "$what->[0], $when";
    }
    $older->('commit') if $when ne 'alone';
}
$evil->end;

# By what they are: none has the owner's rights with names that somebody else resolves.
is sql(<<'SQL'), '', 'each has a search_path of its own, or is known to qualify its names';
select string_agg(proname, ' ' order by proname) from pg_proc
 where pronamespace = 'public'::regnamespace and prosecdef and not coalesce(proconfig::text, '') ~ 'search_path=public, ?pg_temp'
   and proname not in ('muster_version_begins', 'muster_version_taken', 'muster_keep_version', 'muster_keep_end', 'muster_claim', 'muster_attrs_changed')
SQL

# A function of a trigger, as one of a table of his own, would write for whoever may execute it.
is sql(<<'SQL'), '', 'nobody else can use the functions of triggers';
select string_agg(proname, ' ' order by proname) from pg_proc
 where pronamespace = 'public'::regnamespace and prosecdef and prorettype = 'trigger'::regtype and has_function_privilege('writer', oid, 'execute')
SQL
is $client->get('/by-name/a')->{status}, 200, 'all is well';

$world->stop;
done_testing;
