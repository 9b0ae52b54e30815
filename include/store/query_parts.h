/* query_parts.h: the fixed texts that a statement of /query is joined of (store/query_sql.c). */
#ifndef MUSTER_STORE_QUERY_PARTS_H
#define MUSTER_STORE_QUERY_PARTS_H

#include "store/history_sql.h"
#include "store/stmt_parts.h"

/* A line of SQL stays a line. */
/* clang-format off */

/* What there is: the objects, their attributes. These are no more than names for what they select. */
#define WHAT_THERE_IS(objects, attributes) \
    "with recursive object as not materialized (" objects "), attr as not materialized (" attributes ")"
#define NOW \
    WHAT_THERE_IS("select entity_id, name, driver, type from entities where deleted_at_version is null", \
        "select * from entity_attrs where deleted_at_version is null")
/* As of a version, with what objects were called; rows o that are there. */
#define AS_OF(v, there) \
    WHAT_THERE_IS("select o.entity_id, coalesce(w.name, o.name) as name, coalesce(w.driver, o.driver) as driver," \
        " coalesce(w.type, o.type) as type from entities o left join lateral (select name, driver, type from muster_was" \
        " where entity_id = o.entity_id and until > " v " and version <= " v " offset 0) w on true where " there, \
        "select * from entity_attrs o where " there)
#define THEN AS_OF("$5", "o.version <= $5 and coalesce(o.deleted_at_version, 2147483647) > $5")

/* As of the versions v.at, of each the objects v.ids; also of rows without a version. */
#define AT_VERSIONS \
    "select v.at, f.entity_id from (select at, array_agg(id) as ids from unnest($1, $2) as i(id, at) group by at) v" \
    " cross join lateral (" \
    AS_OF("v.at", "coalesce(o.version, 0) <= v.at and coalesce(o.deleted_at_version::bigint, 4294967295) > v.at")
#define AT_IDS " select e.entity_id from object e where e.entity_id = any(v.ids) and "
#define ORDER_OF_VERSIONS " offset 0) f order by 1, 2"

#define HITS ", hit as materialized (select e.entity_id, e.name, e.driver, e.type from object e where "
#define PAGE_OF_HITS \
    " select null::bigint, e.entity_id, e.name, e.driver, e.type from object e where e.entity_id > $4 and "

/* Each object is looked at for itself, by its attributes with the key: the offset keeps the planner, who
 * knows nothing of a table that has just grown, from turning that round. To it any index would do: so nothing
 * else in there may be what another one has, or say that a column is not null ("is true" doesn't), and the key
 * is a range: of one that is equal it may think that it is there once. */
#define ATTR "exists (select from attr a where a.entity_id = e.entity_id and a.key between "
#define IS_TRUE ") is true"
#define ENDED " offset 0)"
#define REFERENCE \
    "exists (select from attr a where a.entity_id = e.entity_id and (a.relation_id is not null) is true" \
    " and coalesce(a.key, '') not like '\\_%' and (select r.name from object r where r.entity_id = a.relation_id) = "

/* The same of the nearest of the object and its containers that has such attributes, of each subkey for
 * itself: its own, else those of what it is in, else of what that is in. A circle ends with the depth. */
#define UP_TO_OWNERS \
    "exists (select from (with recursive up(id, depth) as (select e.entity_id, 0 union select m.id, u.depth + 1 from up u" \
    " cross join " ENTITY("u.id") " c" CONTAINERS " where u.depth < 32)," \
    " own as (select u.depth, a.* from up u cross join " ENTITY("u.id") " c cross join lateral (" \
    "select * from attr where entity_id = u.id and key = "
#define OF_OWNERS " offset 0) a where true"
#define OF_NEAREST \
    ") select * from own n where (not exists (select from own o where o.depth < n.depth" \
    " and o.subkey is not distinct from n.subkey)) is true) a where true"

/* The text of a value, whatever its datatype, as it is shown. */
#define PATH_OF_RELATION "(select '/' || r.driver || '/' || r.name from object r where r.entity_id = a.relation_id)"
#define VALUE_TEXT \
    "case a.datatype when 'int' then a.int_value::text" \
    " when 'datetime' then " DATETIME_SHOWN("a.datetime_value") \
    " when 'relation' then " PATH_OF_RELATION " else a.string_value end"
#define WHOLE_NUMBER(text) text " ~ '^-?[0-9]{1,200}$'"

/* What the object c is in. */
#define CONTAINERS \
    " cross join lateral (select entity_id as id from attr where relation_id = c.entity_id" \
    " and key || '' = '_contains' offset 0) m"
#define ENTITY(id) "lateral (select entity_id from object where entity_id = " id " offset 0)"
/* No index has what objects were called as of a version: by all names that they have or had. */
#define FROM_ANY_TIME "(select entity_id as id from entities where name = "
#define OR_EARLIER " union select entity_id from muster_was where name = "
#define NAMED_AT \
    ") n cross join lateral (select entity_id, name from object where entity_id = n.id offset 0) c"
#define UP \
    " union select m.id from walk%zu w cross join " ENTITY("w.id") " c" CONTAINERS

/* The containers to look into: those objects c, and what contains something inside them: where the
 * indexes for it are, in steps (NEXT_IN_WALK), else by all members. */
#define INTO "(container, at, is_in) as (select c.entity_id, 0, false from object c where "
#define DOWN_BY_STEPS \
    " union select n.* from walk%zu w cross join lateral (" NEXT_IN_WALK \
    " union all select c.entity_id, 0, false from " ENTITY("w.at") " c where w.is_in) n"
#define DOWN_BY_MEMBERS \
    " union select c.entity_id, 0, false from walk%zu w cross join lateral (select relation_id as id from attr" \
    " where entity_id = w.container and key = '_contains' offset 0) m cross join " ENTITY("m.id") " c" \
    " where (select true from attr where entity_id = c.entity_id and key = '_contains' limit 1)"
#define IS_INSIDE \
    "exists (select from attr m where m.relation_id = e.entity_id and m.key between '_contains' and '_contains'" \
    " and (m.entity_id in (select container from walk%zu where at = 0)) is true" ENDED

/* Of a few objects: up from each. */
#define IN_ABOVE \
    "exists (with recursive up(id) as (select m.id from " ENTITY("e.entity_id") " c" CONTAINERS
#define UP_FROM_ABOVE " union select m.id from up u cross join " ENTITY("u.id") " c" CONTAINERS
#define OF_ABOVE \
    ") select from up u cross join lateral (select name, type from object where entity_id = u.id offset 0) c where "

#define IS_ABOVE "e.entity_id in (select id from walk%zu)"

/* --- streams: objects by id, each of one range of an index, so that a page costs what it looks at. Which
 * ranges there are the seeds s say, with the number of their stream as kind; 0: all objects. */
#define SEED "%sselect %d as kind, "
#define STREAM "%s(select distinct %s::bigint as id from %s where s.kind = %d"
#define END_OF_STREAM " and %s::bigint > $4 order by 1)"
#define STREAM_OF_ALL \
    " union all (select e.entity_id::bigint as id from entities e where s.kind = 0 and e.entity_id > $4" \
    " and e.deleted_at_version is null order by e.entity_id)"
#define IS_TEXT_OF_SEED \
    " and a.string_value is not null and left(a.string_value, 64) = left(s.label, 64) and a.string_value = s.label"
/* The seeds of other streams are no dates. */
#define IS_DATE_OF_SEED " and a.datetime_value = case when s.kind = %d then s.label::timestamp end"

/* What has too many rows to be sorted for each page. */
#define LARGE ", large%d(yes) as materialized (select "
#define COUNT_OF "(select count(*) from (select from "
#define END_OF_LARGE " limit 10000) x) = 10000)"
#define UNLESS_LARGE " not (select yes from large%d)"
#define IS_LARGE     "%s(select yes from large%d)"
#define SEED_OF_ALL  " union all select 0, null, null where "
#define MEMBERS_OF_WALK \
    "walk%zu w cross join lateral (select from entity_attrs where " IS_MEMBER \
    " and entity_id::bigint = w.container offset 0) m where w.at = 0"
/* A few are read side by side, however many members they have. The quick form reads no more than these, and
 * its first row says, as the total, where there are more. */
#define MANY_CONTAINERS "(select count(*) from walk%zu where at = 0) > 20 and "
#define FEW_CONTAINERS  "(select container from walk%zu where at = 0 limit 21) w"
#define TOO_MANY        "%s(select count(*) from " FEW_CONTAINERS ") > 20"
#define HEAD_OF_QUICK   " select case when "
#define OF_TOO_MANY     " then -1::bigint end, " IN_SNAPSHOT " union all ("
#define IS_REFERENCE " and a.relation_id is not null and coalesce(a.key, '') not like '\\_%%'"
#define REFERENCES_TO \
    "object r cross join lateral (select from entity_attrs a where a.relation_id = r.entity_id" \
    " and a.deleted_at_version is null" IS_REFERENCE " offset 0) a where r.name = "
#define NUMBERS_OF_ADDRESSES "a.key = 'ip' and (a.subkey is null) is true and a.datatype = 'int'"
#define IS_IN_NETWORK "a.int_value between n.first and n.last"
/* Of several networks each is a range of the index. */
#define NETWORKS ", networks%d(first, last) as materialized (select * from "
#define ADDRESSES_IN_NETWORKS \
    "networks%d n cross join lateral (select a.entity_id from entity_attrs a where a.deleted_at_version is null" \
    " and " NUMBERS_OF_ADDRESSES " and " IS_IN_NETWORK " offset 0) a"

/* What the streams give, each object once. Of each seed its first objects are enough. */
#define HITS_OF_STREAMS ", hit as materialized (select "
#define PAGE_OF_STREAMS "null::bigint, e.entity_id, e.name, e.driver, e.type from ("
#define EACH_ONCE "distinct on (e.entity_id) "
#define FROM_STREAMS ") s cross join lateral (select e.entity_id, e.name, e.driver, e.type from ("
#define OBJECTS_OF_STREAMS \
    ") a cross join lateral (select entity_id, name, driver, type from entities" \
    " where entity_id = a.id and coalesce(deleted_at_version, 0) = 0 offset 0) e where "

/* --- counting: of each object each value once. */
#define HEAD_OF_COUNTS "select " SNAPSHOT_TOLD ", null::bigint union all ("
#define BY_VALUE " " HEAD_OF_COUNTS "select v.value, count(*) from hit e cross join lateral (select distinct x.value::text as value from ("
#define ORDER_OF_VALUES ") x(value) where x.value is not null offset 0) v group by v.value order by 2 desc, v.value collate \"C\")"
#define VALUES_OF_ATTR "select " VALUE_TEXT " from attr a where a.entity_id = e.entity_id and a.key = "
#define VALUES_OF_IPS \
    "select a.string_value from attr a where a.entity_id = e.entity_id and a.key = 'ip' and a.subkey = 'ipstring'"
#define PATHS_OF(id) " cross join lateral (select driver, name from object where entity_id = " id " offset 0) r"
#define VALUES_OF_PARENTS \
    "select '/' || r.driver || '/' || r.name from (select m.entity_id from attr m where m.relation_id = e.entity_id" \
    " and m.key between '_contains' and '_contains' offset 0) m" PATHS_OF("m.entity_id")
#define VALUES_OF_CONTENTS \
    "select '/' || r.driver || '/' || r.name from (select m.relation_id from attr m where m.entity_id = e.entity_id" \
    " and m.key = '_contains' offset 0) m" PATHS_OF("m.relation_id")
#define IS_THERE(column) column " is not null"
#define UP_TO_VERSION(column) column " <= $5"
#define VALUE_OF_VERSION "select " HISTORY_NEWEST("e.entity_id", IS_THERE)
#define VALUE_OF_VERSION_THEN "select " HISTORY_NEWEST("e.entity_id", UP_TO_VERSION)
#define KEPT_COUNTS(column) \
    HEAD_OF_COUNTS "select " column ", sum(n)::bigint from muster_count group by 1 having sum(n) > 0 order by 2 desc, " column " collate \"C\")"

/* clang-format on */

#endif
