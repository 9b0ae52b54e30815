/* query_parts.h: the fixed texts that a statement of /query is joined of (store/query_sql.c). */
#ifndef MUSTER_STORE_QUERY_PARTS_H
#define MUSTER_STORE_QUERY_PARTS_H

/* A line of SQL stays a line. */
/* clang-format off */

/* What there is: the objects, their attributes. These are no more than names for what they select. */
#define WHAT_THERE_IS(objects, attributes) \
    "with recursive object as not materialized (" objects "), attr as not materialized (" attributes ")"
#define NOW \
    WHAT_THERE_IS("select entity_id, name, driver, type from entities where deleted_at_version is null", \
        "select * from entity_attrs where deleted_at_version is null")
/* As of the version $5, with what objects were called. */
#define THERE(t) t ".version <= $5 and coalesce(" t ".deleted_at_version, 2147483647) > $5"
#define THEN \
    WHAT_THERE_IS("select o.entity_id, coalesce(w.name, o.name) as name, coalesce(w.driver, o.driver) as driver," \
        " coalesce(w.type, o.type) as type from entities o left join lateral (select name, driver, type from muster_was" \
        " where entity_id = o.entity_id and until > $5 and version <= $5 offset 0) w on true where " THERE("o"), \
        "select * from entity_attrs o where " THERE("o"))

#define HITS ", hit as materialized (select e.entity_id, e.name, e.driver, e.type from object e where "
#define PAGE_OF_HITS \
    " select null::bigint, e.entity_id, e.name, e.driver, e.type from object e where e.entity_id > $4 and "

#define ATTR "exists (select from attr a where a.entity_id = e.entity_id and a.key = "
#define REFERENCE \
    "exists (select from attr a join object r on r.entity_id = a.relation_id" \
    " where a.entity_id = e.entity_id and coalesce(a.key, '') not like '\\_%' and r.name = "

/* The text of a value, whatever its datatype, as it is shown. */
#define PATH_OF_RELATION "(select '/' || r.driver || '/' || r.name from object r where r.entity_id = a.relation_id)"
#define VALUE_TEXT \
    "case a.datatype when 'int' then a.int_value::text" \
    " when 'datetime' then to_char(a.datetime_value, 'YYYY-MM-DD\"T\"HH24:MI:SS')" \
    " || case when date_trunc('second', a.datetime_value) <> a.datetime_value then to_char(a.datetime_value, '.US') else '' end" \
    " when 'relation' then " PATH_OF_RELATION " else a.string_value end"
#define WHOLE_NUMBER(text) text " ~ '^-?[0-9]{1,200}$'"

/* What the object c is in. */
#define CONTAINERS \
    " cross join lateral (select entity_id as id from attr where relation_id = c.entity_id" \
    " and key || '' = '_contains' offset 0) m"
#define ENTITY(id) "lateral (select entity_id from object where entity_id = " id " offset 0)"
#define UP \
    " union select m.id from walk%d w cross join " ENTITY("w.id") " c" CONTAINERS

/* The containers to look into: those objects c, and what contains something inside them: where the
 * indexes for it are, in steps as those of a page of pools (store/stmts.c), else by all members. */
#define INTO "(container, at, is_in) as (select c.entity_id, 0, false from object c where "
#define IS_MEMBER "key = '_contains' and coalesce(deleted_at_version, -1) = -1"
#define DOWN_BY_STEPS \
    " union select n.* from walk%d w cross join lateral (select w.container, c.entity_id, c.entity_id = m.relation_id" \
    " from lateral (select relation_id from entity_attrs where " IS_MEMBER " and entity_id::bigint = w.container" \
    " and relation_id::bigint >= w.at::bigint + w.is_in::integer order by relation_id::bigint limit 1) m" \
    " cross join lateral (select entity_id from entity_attrs where " IS_MEMBER \
    " and entity_id::bigint >= m.relation_id order by entity_id::bigint limit 1) c" \
    " union all select c.entity_id, 0, false from " ENTITY("w.at") " c where w.is_in) n"
#define DOWN_BY_MEMBERS \
    " union select c.entity_id, 0, false from walk%d w cross join lateral (select relation_id as id from attr" \
    " where entity_id = w.container and key = '_contains' offset 0) m cross join " ENTITY("m.id") " c" \
    " where (select true from attr where entity_id = c.entity_id and key = '_contains' limit 1)"
#define IS_INSIDE \
    "exists (select from attr m where m.relation_id = e.entity_id and m.key = '_contains'" \
    " and m.entity_id in (select container from walk%d where at = 0))"

/* clang-format on */

#endif
