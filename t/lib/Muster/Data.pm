# Muster::Data: puts known objects into the database, past the program.
package Muster::Data;
use v5.24;
use warnings;
use Exporter 'import';
use Muster::Process qw(source_dir);

our @EXPORT_OK = qw(load_example load_many python_tables);

# The example inventory that the documentation speaks of. The schema must be there.
sub load_example {
    my ($postgres, %option) = @_;
    $postgres->psql(undef, file => source_dir() . '/contrib/example.sql', %option);
    return;
}

# $count servers "PREFIX000001"... with $attrs string attributes each, all in one pool if `pool` names
# one (made when missing). analyze => 0 leaves the statistics as they are. For tests of lists and of
# memory.
sub load_many {
    my ($postgres, %option) = @_;
    my $count  = int $option{count};
    my $attrs  = int($option{attrs} // 5);
    my $prefix = $option{prefix} // 'server';
    my $pool   = $option{pool};
    die "bad name\n" if grep { defined && !/^[a-z0-9_-]+$/i } $prefix, $pool;
    my $sql = <<"SQL";
begin;
insert into clustoversioning(timestamp, "user", description) values (localtimestamp, 'test', 'many');
insert into entities(name, type, driver, version)
  select '$prefix' || to_char(n, 'FM000000'), 'server', 'basicserver', currval('clustoversioning_version_seq')
  from generate_series(1, $count) n order by n;
insert into entity_attrs(entity_id, key, subkey, datatype, string_value, version)
  select entity_id, 'key' || k, 'sub' || k, 'string', 'value ' || k || ' of ' || name, version
  from entities, generate_series(1, $attrs) k
  where version = currval('clustoversioning_version_seq') order by entity_id, k;
SQL
    $sql .= <<"SQL" if defined $pool;
insert into entities(name, type, driver, version)
  select '$pool', 'pool', 'pool', currval('clustoversioning_version_seq')
  where not exists (select from entities where name = '$pool' and deleted_at_version is null);
insert into entity_attrs(entity_id, key, number, datatype, relation_id, version)
  select p.entity_id, '_contains', row_number() over (order by e.entity_id) - 1, 'relation', e.entity_id, e.version
  from entities e, entities p
  where e.version = currval('clustoversioning_version_seq') and e.driver = 'basicserver'
    and p.name = '$pool' and p.deleted_at_version is null
  order by e.entity_id;
insert into counters(entity_id, attr_key, value)
  select entity_id, '_contains', $count - 1 from entities where name = '$pool' and deleted_at_version is null;
SQL
    $sql .= "commit;\n";
    $sql .= "analyze entities, entity_attrs;\n" if $option{analyze} // 1;
    $postgres->psql($sql, timeout => 300, %{ $option{psql} // {} });
    return;
}

# SQL: the shared tables as Python clusto makes them: no 64-bit numbers, nothing unique.
sub python_tables {
    return <<'SQL';
create table clustoversioning (version serial primary key, timestamp timestamp, "user" varchar(64), description text);
create table entities (entity_id serial primary key, name varchar(128) not null, type varchar(32) not null,
    driver varchar(32) not null, version integer not null, deleted_at_version integer);
create table entity_attrs (attr_id serial primary key, entity_id integer not null references entities, key varchar(256),
    subkey varchar(256), number integer, datatype varchar(32) not null, int_value integer, string_value text,
    datetime_value timestamp, relation_id integer references entities, version integer not null, deleted_at_version integer);
create table counters (counter_id serial primary key, entity_id integer not null references entities,
    attr_key varchar(256), value integer);
create index idx_attrs_entity_version on entity_attrs (entity_id, version, deleted_at_version);
create index idx_attrs_key on entity_attrs (key);
create index idx_attrs_subkey on entity_attrs (subkey);
create index idx_attrs_str_value on entity_attrs (substring(string_value, 0, 20));
create index idx_counter_entity_attr on counters (entity_id, attr_key);
create index idx_entity_name_version on entities (name, version, deleted_at_version);
create index ix_clustoversioning_timestamp on clustoversioning (timestamp);
SQL
}

1;
