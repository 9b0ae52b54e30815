# Muster::Data: puts known objects into the database, past the program.
package Muster::Data;
use v5.24;
use warnings;
use Exporter 'import';
use Muster::Process qw(source_dir);

our @EXPORT_OK = qw(load_example load_many python_inventory python_tables);

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

# SQL: these tables with what Python clusto writes. Names that differ in case; properties as strings; attributes and objects that are deleted later, a relation to one
# of these; equal attributes; ports, an address, units of a rack; a null of each kind.
sub python_inventory {
    return python_tables() . <<'SQL';
insert into clustoversioning(timestamp, "user", description) select localtimestamp, 'python', 'change ' || n from generate_series(1, 6) n;
insert into entities(name, type, driver, version, deleted_at_version) values
    ('clustometa', 'clustometa', 'clustometa', 1, null), ('net', 'resourcemanager', 'ipmanager', 1, null),
    ('labels', 'resourcemanager', 'simplenamemanager', 1, null), ('hosts', 'resourcemanager', 'simpleentitynamemanager', 1, null),
    ('site', 'datacenter', 'basicdatacenter', 2, null), ('rack', 'rack', 'basicrack', 2, null), ('web', 'server', 'basicserver', 2, null),
    ('all', 'pool', 'pool', 2, null), ('Web', 'server', 'basicserver', 3, null), ('inner', 'pool', 'pool', 3, null), ('old', 'server', 'basicserver', 2, 5),
    ('sw', 'networkswitch', 'basicnetworkswitch', 3, null), ('only', 'pool', 'unique_pool', 3, null);
insert into entity_attrs(entity_id, key, subkey, number, datatype, int_value, string_value, datetime_value, relation_id, version, deleted_at_version) values
    (1, 'schemaversion', 'property', null, 'int', 3, null, null, null, 1, null),
    (2, 'baseip', 'property', null, 'string', null, '10.0.0.0', null, null, 1, null), (2, 'netmask', 'property', null, 'string', null, '255.255.255.248', null, null, 1, null),
    (2, 'gateway', 'property', null, 'string', null, '10.0.0.1', null, null, 1, null), (2, '_lastip', null, null, 'int', -1979711486, null, null, null, 1, null),
    (3, 'basename', 'property', null, 'string', null, 'l', null, null, 1, null), (3, 'digits', 'property', null, 'string', null, '3', null, null, 1, null),
    (3, 'next', 'property', null, 'string', null, '1', null, null, 1, null), (3, 'leadingZeros', 'property', null, 'string', null, '1', null, null, 1, null),
    (4, 'basename', 'property', null, 'string', null, 'h', null, null, 1, null),
    (5, '_contains', null, 0, 'relation', null, null, null, 6, 2, null), (6, 'maxu', 'property', null, 'string', null, '52', null, null, 2, null),
    (6, '_contains', 'ru', 7, 'relation', null, null, null, 7, 2, null), (6, '_contains', 'ru', 8, 'relation', null, null, null, 7, 2, null),
    (8, '_contains', null, 0, 'relation', null, null, null, 7, 2, 4), (8, '_contains', null, 1, 'relation', null, null, null, 11, 2, 5), (8, '_contains', null, 2, 'relation', null, null, null, 10, 3, null),
    (10, '_contains', null, 4, 'relation', null, null, null, 9, 3, null), (13, '_contains', null, 0, 'relation', null, null, null, 9, 3, null),
    (7, 'ip', null, 0, 'int', -1979711486, null, null, null, 2, null), (7, 'ip', 'manager', 0, 'relation', null, null, null, 2, 2, null),
    (7, 'ip', 'ipstring', 0, 'string', null, '10.0.0.2', null, null, 2, null), (7, 'ip', 'cidr', 0, 'string', null, '10.0.0.2/29', null, null, 2, null),
    (7, 'port-nic-eth', 'connection', 1, 'relation', null, null, null, 12, 3, null), (7, 'port-nic-eth', 'otherportnum', 1, 'int', 5, null, null, null, 3, null),
    (12, 'port-nic-eth', 'connection', 5, 'relation', null, null, null, 7, 3, null), (12, 'port-nic-eth', 'otherportnum', 5, 'int', 1, null, null, null, 3, null),
    (7, 'note', 'x-y', null, 'string', null, E'two\nlines \\ "q"', null, null, 2, 3), (7, 'note', null, null, 'string', null, null, null, null, 3, null),
    (7, 'same', null, null, 'string', null, 'twice', null, null, 3, null), (7, 'same', null, null, 'string', null, 'twice', null, null, 3, null),
    (7, 'bought', null, null, 'datetime', null, null, '2012-03-04 05:06:07.5', null, 3, null), (9, 'friend', null, null, 'relation', null, null, null, 11, 3, null), (9, 'Mixed-Key', null, null, 'int', 1, null, null, null, 3, null),
    (9, 'nothing', null, 0, 'int', null, null, null, null, 3, null);
insert into counters(entity_id, attr_key, value) values (1, 'ip', 1), (3, 'next', 7), (8, '_contains', 2), (10, '_contains', 4);
SQL
}

1;
