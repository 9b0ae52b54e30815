/* history_sql.c: the texts of the statements that tell what versions changed. A row was added in
 * the span from a to b if it was made after a, up to b, and is there at b; it was removed if it was
 * ended in there and was there at a. */
#include "store/history_sql.h"

#include "store/stmt_parts.h"

/* A line of SQL stays a line. */
/* clang-format off */

#define FAR             "2147483647"
#define IN(column)      column " > s.a and " column " <= s.b"

/* Without an object rows are looked up by indexes that have casts and odd conditions (see schema.sql). */
#define BY_VERSION(column) column "::bigint"
#define PLAIN(column)      column
#define ENDED(t)           "coalesce(" t ".deleted_at_version, -1) <> -1 and "

/* Bookkeeping is left out. */
#define KEPT " and " HISTORY_KEPT
#define ROW(op) \
    "select " op " as op, a.entity_id, a.attr_id, a.key, a.subkey, a.number, a.datatype, a.int_value," \
    " a.string_value, a.datetime_value, a.relation_id from entity_attrs a where "
#define NO_ROW "null::integer, null::text, null::text, null::integer, null::text, null::bigint, null::text," \
    " null::timestamp, null::integer"

/* 1: an attribute was removed, 2: added; 0: the object itself was changed; 3: an attribute of another
 * that refers to it was. The condition is on the row's object. */
#define REMOVED(of, by) ROW("1") of IN(by("a.deleted_at_version")) " and coalesce(a.version, 0) <= s.a" KEPT
#define ADDED(of, by)   ROW("2") of IN(by("a.version")) " and coalesce(a.deleted_at_version, " FAR ") > s.b" KEPT

#define NAME_AT(at) \
    "left join lateral (select w.name, w.driver, w.type from muster_was w where w.entity_id = n.entity_id" \
    " and w.until > " at " and w.version <= " at " and n.first offset 0)"
#define ORDER "nth, key collate \"C\", subkey collate \"C\", number, op, attr_id"

/* What an object is comes with its first row alone. What an attribute refers to is called as it was
 * then. */
#define CHANGES(touched, referred) \
    "with span as materialized (select coalesce(s.a, " HISTORY_CURRENT " - 1) as a," \
    " coalesce(s.b, " HISTORY_CURRENT ") as b from unnest($1, $2) as s(a, b))," \
    " touched as materialized (" touched ")," \
    " seen as materialized (select * from touched where entity_id > $3" referred ")," \
    " ranked as (select *, dense_rank() over (partition by b order by entity_id = any($5) desc, entity_id) as nth from seen)," \
    " total as materialized (select b, count(distinct entity_id) as n from seen group by b)," \
    " n as (select *, lag(entity_id) over (partition by b order by " ORDER ") is distinct from entity_id as first" \
    " from ranked where nth <= $4)" \
    " select n.entity_id, n.op, n.attr_id, n.key, n.subkey, n.number, n.datatype, n.int_value, n.string_value," \
    " n.datetime_value, n.relation_id, coalesce(rw.name, r.name), coalesce(rw.driver, r.driver), coalesce(rw.type, r.type)," \
    " n.b, case when n.first then greatest((select t.n from total t where t.b = n.b) - $4, 0) end, e.version <= n.a and coalesce(e.deleted_at_version, " FAR ") > n.a," \
    " e.version <= n.b and coalesce(e.deleted_at_version, " FAR ") > n.b," \
    " coalesce(wa.name, e.name), coalesce(wa.driver, e.driver), coalesce(wb.name, e.name), coalesce(wb.driver, e.driver)" \
    " from n" \
    " left join lateral (select * from entities where entity_id = n.entity_id and n.first offset 0) e on true " \
    NAME_AT("n.a") " wa on true " NAME_AT("n.b") " wb on true" \
    " left join lateral (select name, driver, type from entities where entity_id = n.relation_id offset 0) r on true" \
    " left join lateral (select w.name, w.driver, w.type from muster_was w where w.entity_id = n.relation_id" \
    " and w.until > case n.op when 1 then n.a else n.b end and w.version <= case n.op when 1 then n.a else n.b end" \
    " offset 0) rw on true" \
    " order by n.b desc, n." ORDER_OF_N
#define ORDER_OF_N "nth, n.key collate \"C\", n.subkey collate \"C\", n.number, n.op, n.attr_id"

/* What the span changed, found by version: bookkeeping is left out. */
#define TOUCHED \
    REMOVED(ENDED("a"), BY_VERSION) " union all " ADDED("", BY_VERSION) \
    " union all select 0, e.entity_id, " NO_ROW " from entities e where " IN("e.version::bigint") \
    " union all select 0, e.entity_id, " NO_ROW " from entities e where " ENDED("e") IN("e.deleted_at_version::bigint") \
    " union all select 0, w.entity_id, " NO_ROW " from muster_was w where " IN("w.until")

/* $1, $2: the spans, null: the version that this transaction makes; $3: only objects with a greater id;
 * $4: how many in each span; $5: these come first. */
const char history_sql_changes[] = CHANGES(
    "select s.a, s.b, r.* from span s cross join lateral (" TOUCHED ") r",
    " union all select distinct a, b, 3, relation_id, " NO_ROW " from touched where relation_id > $3");

/* The same of the object i.id alone. */
#define OF_ID "a.entity_id = i.id and "
#define REFERENCE(of, order) \
    " union all select 3, i.id, " NO_ROW " where (select r.op from (" of " order by " order " limit 1) r) is not null"
#define REFERRED(column) "a.version + 0"
#define TOUCHED_OF_ID \
    REMOVED(OF_ID, PLAIN) " union all " ADDED(OF_ID, PLAIN) \
    " union all select 0, e.entity_id, " NO_ROW " from entities e where e.entity_id = i.id and (" IN("coalesce(e.version, 0)") \
    " or " IN("coalesce(e.deleted_at_version, 0)") ")" \
    " union all select 0, w.entity_id, " NO_ROW " from muster_was w where w.entity_id = i.id and " IN("w.until + 0") \
    REFERENCE(REMOVED("a.relation_id = i.id and ", PLAIN), "a.deleted_at_version") \
    REFERENCE(ADDED("a.relation_id = i.id and ", REFERRED), "a.version + 0")

/* Of the objects $5 alone. */
const char history_sql_changes_of_objects[] = CHANGES(
    "select s.a, s.b, r.* from span s cross join unnest($5) as i(id) cross join lateral (" TOUCHED_OF_ID ") r", "");

/* The ids of the objects that the span from $1 to $2 changed, greater than $3, $4 of them and one more.
 * If the span has many rows, the objects after $3 are looked at one by one, until there are enough; only
 * if the next thousands of them are not enough, and if the span has few rows, all its rows are read. */
#define SPAN       "(select $1 as a, $2 as b) s"
#define FEW_ROWS   "2000"
#define LOOKED_AT  "2000"
#define NEAR       "(select entity_id as id from entities where entity_id > $3 order by entity_id limit " LOOKED_AT ") i"
/* A column that no index has, or one would be read from its beginning to its end. */
#define ROW_OF(column, tab) "select " column " from " tab " where "
const char history_sql_page[] =
    "with large as materialized (select count(n.name) > " FEW_ROWS " as it from (select r.name from " SPAN " cross join lateral ("
    ROW_OF("a.datatype", "entity_attrs a") ENDED("a") IN("a.deleted_at_version::bigint")
    " union all " ROW_OF("a.datatype", "entity_attrs a") IN("a.version::bigint")
    " union all " ROW_OF("e.name", "entities e") IN("e.version::bigint")
    " union all " ROW_OF("e.name", "entities e") ENDED("e") IN("e.deleted_at_version::bigint")
    " union all " ROW_OF("w.name", "muster_was w") IN("w.until") ") r(name) limit " FEW_ROWS " + 1) n),"
    " next as materialized (select i.id from " NEAR " cross join " SPAN " where (select it from large)"
    " and (select r.op from (" TOUCHED_OF_ID ") r limit 1) is not null order by i.id limit $4 + 1),"
    " beyond as materialized (select case when not (select it from large) then $3"
    " when (select count(*) from next) <= $4 then (select max(id) from " NEAR " having count(*) = " LOOKED_AT ") end as id)"
    " select id from next union all (select distinct t.id from beyond cross join " SPAN " cross join lateral ("
    "select r.entity_id as id from (" TOUCHED ") r union all select r.relation_id from (" REMOVED(ENDED("a"), BY_VERSION)
    " union all " ADDED("", BY_VERSION) ") r where r.relation_id is not null) t where beyond.id is not null and t.id > beyond.id"
    " order by t.id limit $4 + 1) order by id limit $4 + 1";

/* --- versions */

/* $1: above, $2: below, $3: by this user, $4: how many; $5 the objects. */
#define VERSION "select v.version, " TAKEN_SHOWN ", v.\"user\", v.description from "
#define PAGE_OF_VERSIONS " and v.version > $1 and v.version < $2 order by v.version desc limit $4"

const char history_sql_versions[] = VERSION "clustoversioning v where $3::text is null" PAGE_OF_VERSIONS;
const char history_sql_versions_of_user[] = VERSION "clustoversioning v where v.\"user\" = $3" PAGE_OF_VERSIONS;

/* From one to the one before it: each is the greatest of what the indexes have. */
#define NEXT(column, tab, id) \
    "(select " column " from " tab " where " id " = i.id and " column " < w.version and " column " > $1" \
    " order by " column " desc limit 1)"
const char history_sql_versions_of_objects[] =
    "with recursive walk(version) as (select $2::integer union all"
    " select (select max(n.version) from unnest($5) as i(id) cross join lateral ("
    NEXT("version", "entity_attrs", "entity_id") " union all " NEXT("deleted_at_version", "entity_attrs", "entity_id")
    " union all " NEXT("version + 0", "entity_attrs", "relation_id") " union all "
    NEXT("deleted_at_version", "entity_attrs", "relation_id") " union all " NEXT("coalesce(version, 0)", "entities", "entity_id")
    " union all " NEXT("coalesce(deleted_at_version, 0)", "entities", "entity_id")
    " union all " NEXT("until + 0", "muster_was", "entity_id")
    ") n(version)) from walk w where w.version is not null) "
    VERSION "walk w cross join lateral (select * from clustoversioning where version = w.version"
    " and w.version < $2 and ($3::text is null or \"user\" = $3) offset 0) v limit $4";

const char history_sql_ids[] =
    "select entity_id from entities where name = $1 union select entity_id from muster_was where name = $1 order by 1";

/* Where a trigger was off, nothing that was written so far is known to be all. */
const char history_sql_floor[] =
    "select oldest, case when watch = muster_keep_watch() then exact"
    " else (select coalesce(max(version), 0) from clustoversioning) end from muster_floor";

#define IS_THERE(column) column " is not null"
const char history_sql_newest[] =
    "select i.id, " HISTORY_NEWEST("i.id", IS_THERE) " from unnest($1) as i(id)";
