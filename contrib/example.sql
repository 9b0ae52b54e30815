-- example.sql: the small inventory used by the examples in the documentation, for an empty schema.
-- The rows are those that the API would write: one version for the transaction, memberships numbered
-- by the container's own counter, a manager's properties with the subkey "property".
begin;

insert into clustoversioning(timestamp, "user", description)
values (localtimestamp, 'example', 'the example inventory');

-- In this order, since lists are sorted by id.
insert into entities(name, type, driver, version)
select name, type, driver, currval('clustoversioning_version_seq')
from (values
    (1, 'emptypool',   'pool',            'pool'),
    (2, 'singlepool',  'pool',            'pool'),
    (3, 'multipool',   'pool',            'pool'),
    (4, 'testserver1', 'server',          'basicserver'),
    (5, 'testserver2', 'server',          'basicserver'),
    (6, 'testnames',   'resourcemanager', 'simpleentitynamemanager')
  ) as example(place, name, type, driver)
order by place;

-- Containment: testserver1 was inserted into singlepool first.
insert into entity_attrs(entity_id, key, number, datatype, relation_id, version)
select container.entity_id, '_contains', number, 'relation', member.entity_id, container.version
from (values
    (1, 'singlepool', 0, 'testserver1'),
    (2, 'multipool',  0, 'testserver1'),
    (3, 'multipool',  1, 'testserver2')
  ) as example(place, pool, number, server)
join entities as container on container.name = pool and container.deleted_at_version is null
join entities as member on member.name = server and member.deleted_at_version is null
order by place;

insert into counters(entity_id, attr_key, value)
select entity_id, '_contains', last
from (values ('singlepool', 0), ('multipool', 1)) as example(pool, last)
join entities on name = pool and deleted_at_version is null;

insert into entity_attrs(entity_id, key, subkey, datatype, string_value, int_value, version)
select entity_id, key, subkey, datatype, string_value, int_value, version
from (values
    (1, 'testserver1', 'key1',         'subkey1',  'string', 'value1', null),
    (2, 'testserver2', 'key1',         'subkey2',  'string', 'value2', null),
    (3, 'testnames',   'basename',     'property', 'string', 's',      null),
    (4, 'testnames',   'digits',       'property', 'int',    null,     2),
    (5, 'testnames',   'next',         'property', 'int',    null,     1),
    (6, 'testnames',   'leadingZeros', 'property', 'int',    null,     1)
  ) as example(place, owner, key, subkey, datatype, string_value, int_value)
join entities on name = owner and deleted_at_version is null
order by place;

commit;
