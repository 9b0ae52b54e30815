\set i random(1,100000)
select x.*, e.entity_id from (select entity_id, name, driver, type from entities where name = 'server' || :i and deleted_at_version is null offset 0) e cross join lateral (
 select 0, null::int as attr_id, null::text as key, null::text as subkey, null::int as number, null::text as datatype, (select count(*) from entity_attrs m where m.relation_id = e.entity_id and m.subkey = 'manager' and m.deleted_at_version is null and m.key = ('{ip,simplename,resource}'::text[])[array_position('{ipmanager,simplenamemanager,resourcemanager}'::text[], e.driver::text)]) as int_value, null::text as string_value, null::timestamp as datetime_value, null::int as relation_id, e.name, e.driver, e.type
 union all
 select 1, a.attr_id, a.key, a.subkey, a.number, a.datatype, a.int_value, a.string_value, a.datetime_value, a.relation_id, r.name, r.driver, r.type from entity_attrs a left join entities r on r.entity_id = a.relation_id and r.deleted_at_version is null where a.entity_id = e.entity_id and a.deleted_at_version is null
 union all
 select 2, a.attr_id, null, null, null, null, null, null, null, a.entity_id, p.name, p.driver, p.type from entity_attrs a join entities p on p.entity_id = a.entity_id and p.deleted_at_version is null where a.relation_id = e.entity_id and a.key = '_contains' and a.deleted_at_version is null) x
