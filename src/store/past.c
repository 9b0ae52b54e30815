/* past.c: the text of every statement that reads, as of a version. A row was there at a version if
 * that is not below the one it was made by, and below the one it was ended by, if any. */
#include "store/past.h"

#include "store/export_sql.h"
#include "store/history_sql.h"
#include "store/link_plan.h"
#include "store/stmt_parts.h"

/* A line of SQL stays a line. */
/* clang-format off */

/* v is the parameter with the version. The live rows and those that were ended since are read apart
 * where there may be many of an object: partial indexes have either. Of live attributes the version
 * is looked at in a way that fits no index, or all history of the object would be read by it. */
#define FAR "2147483647"
#define THERE(t, v) t ".version <= " v " and coalesce(" t ".deleted_at_version, " FAR ") > " v
#define LIVE(t, v) t ".deleted_at_version is null and coalesce(" t ".version, 0) <= " v
#define ENDED(t, v) t ".deleted_at_version > " v " and " t ".version <= " v

#define ONE(is, v) "select n.* from (" NAMED(is, v) ") n"
#define EACH_NAME(names, v) \
    "select l.* from (select distinct unnest(" names ") as one) o cross join lateral (" NAMED("o.one", v) ") l"

/* An ended copy has the place of the row that it was. */
#define PLACE "coalesce((select c.of from muster_copy c where c.attr_id = a.attr_id), a.attr_id)"
#define MEMBERS_OF(id, v) \
    "lateral (select relation_id from entity_attrs a" \
    " where a.entity_id = " id " and a.key = '_contains' and " LIVE("a", v) \
    " union all select relation_id from entity_attrs a" \
    " where a.entity_id = " id " and a.key = '_contains' and " ENDED("a", v) " offset 0)"
#define CONTAINERS_OF(id, v) \
    "lateral (select a.attr_id, a.entity_id, a.subkey, a.number from entity_attrs a" \
    " where a.relation_id = " id " and a.key || '' = '_contains' and " LIVE("a", v) \
    " union all select " PLACE ", a.entity_id, a.subkey, a.number from entity_attrs a" \
    " where a.relation_id = " id " and a.key || '' = '_contains' and " ENDED("a", v) " offset 0)"

/* --- whole objects, as in stmts.c */
#define ARM_ENTITY(v) \
    "select 0, null::integer, null::varchar, null::varchar, null::integer, null::varchar," \
    " case when e.driver = any($1) then (select count(*) from entity_attrs m" \
    " where m.relation_id = e.entity_id and (m.subkey = 'manager') is true and " THERE("m", v) \
    " and m.key = ($2)[array_position($1, e.driver::text)]) else 0 end," \
    " null::text, null::timestamp, null::integer, e.name, e.driver, e.type"
#define ROWS_OF_ONE(one, place, is, condition) \
    "select " place " as attr_id, a.key, a.subkey, a.number, a.datatype, a.int_value, a.string_value," \
    " a.datetime_value, a.relation_id from entity_attrs a where a.entity_id = " one ".entity_id and " is condition
#define ROWS_OF(place, is, condition) ROWS_OF_ONE("e", place, is, condition)
#define ARM_ATTRS(condition, v) \
    "select 1, a.*, r.name, r.driver, r.type from (" ROWS_OF("a.attr_id", LIVE("a", v), condition) \
    " union all " ROWS_OF(PLACE, ENDED("a", v), condition) ") a left join " ENTITY_OF("a.relation_id", v) " r on true"
#define ARM_CONTAINERS(v) \
    "select 2, a.attr_id, null::varchar, a.subkey, a.number, null::varchar, null::bigint, null::text, null::timestamp," \
    " a.entity_id, c.name, c.driver, c.type" \
    " from " CONTAINERS_OF("e.entity_id", v) " a cross join " ENTITY_OF("a.entity_id", v) " c"
#define ARMS(v) ARM_ENTITY(v) " union all " ARM_ATTRS("", v) " union all " ARM_CONTAINERS(v)
#define OBJECT(entities, v) EACH(entities, ARMS(v))
#define ATTRS(condition, v) \
    EACH_UNSORTED(ONE("$3", v), ARM_ENTITY(v) " union all " ARM_ATTRS( \
        " and ($4::text is null or a.subkey = $4) and ($5::integer is null or a.number = $5)" condition, v))

#define UP_TO_VERSION(column) column " <= $2"

/* --- lists, as in stmts.c: $1 limit, $2 offset, $3 is the total wanted, $4 behind this id. */
#define HITS_OF(ids, v, condition) \
    "with hit as materialized (select e.entity_id, e.name, e.driver, e.type from (" ids ") i(id)" \
    " cross join " ENTITY_OF("i.id", v) " e" condition ") "

/* By all, $5 being the version; by one driver or type: those who have it still, live or ended since
 * (no further than the live ones of the page), and those who had it. */
#define HAS(column, is, at) "entities e where e." column " = $5 and " is STAYED(column, "$5", "$6") at
#define BEHIND " and e.entity_id::bigint > $4"
#define FIRST " order by e.entity_id::bigint limit $1::bigint + $2"
#define IS_LIVE "e.deleted_at_version is null and e.version <= $6"
#define LIVE_ONE(column) "select e.entity_id::bigint as id from " HAS(column, IS_LIVE, BEHIND) FIRST
#define ENDED_ONE(column) \
    "select e.entity_id::bigint as id from " HAS(column, ENDED("e", "$6"), BEHIND \
        " and e.entity_id::bigint <= coalesce(case when $1 is not null" \
        " then (select id from live offset $1::bigint + $2 - 1 limit 1) end, " FAR ")") \
    FIRST
#define COUNT_ONE(column) \
    "(select count(*) from " HAS(column, IS_LIVE, "") ")" \
    " + (select count(*) from " HAS(column, ENDED("e", "$6"), "") ")"
#define LIST_SEVERAL(column, v, filter) \
    HITS_OF("select distinct c.entity_id from (select distinct unnest($5) as one) o cross join lateral (" \
        "select e.entity_id from entities e where e." column " = o.one and e.deleted_at_version is null and e.version <= " v \
        " union all select e.entity_id from entities e where e." column " = o.one and " ENDED("e", v) \
        HAD_TOO(column, v) ") c", v, \
        " where e." column " = any($5)" filter) LIST_HITS

#define HAS_KEY " a.key = $5 and ($6::text is null or a.subkey = $6) and "
#define VALUE(condition, v) \
    "select a.entity_id from entity_attrs a where" HAS_KEY LIVE("a", v) " and " condition \
    " union select a.entity_id from entity_attrs a where" HAS_KEY ENDED("a", v) " and " condition

#define POOL_MEMBERS(id) MEMBERS_OF(id, "$10")
#define POOL_ENTITY(id)  ENTITY_OF(id, "$10")
#define UP_CONTAINERS(id) CONTAINERS_OF(id, "$9")
#define UP_ENTITY(id)     ENTITY_OF(id, "$9")

#define NEAR_CONTAINERS(id) CONTAINERS_OF(id, "$5")
#define NEAR_ENTITY(id)     ENTITY_OF(id, "$5")
#define ROWS_OF_NEAR(condition) \
    ROWS_OF_ONE("n", "a.attr_id", LIVE("a", "$5"), condition) " union all " \
    ROWS_OF_ONE("n", PLACE, ENDED("a", "$5"), condition)

#define PAST STMT_NEEDS_INIT_DB | STMT_LATE
_Static_assert(2 * (STMT_COUNT_OBJECTS - STMT_REF_BY_NAME + 1) < LINK_LATE, "a place for each of both tables");

/* Both tables: what objects were called is defined below, for each. */
#define ROWS \
    [STMT_REF_BY_NAME] = {PREFIX "ref_by_name", "ti", PAST, ONE("$1", "$2") " order by n.entity_id limit 1"}, \
    [STMT_REFS_BY_NAMES] = {PREFIX "refs_by_names", "Ti", PAST, EACH_NAME("$1", "$2") " order by l.entity_id"}, \
    [STMT_OBJECT_BY_NAME] = {PREFIX "object_by_name", "TTti", PAST, EACH_UNSORTED(ONE("$3", "$4"), ARMS("$4"))}, \
    [STMT_OBJECT_ALONE] = {PREFIX "object_alone", "TTti", PAST, \
        EACH_UNSORTED(ONE("$3", "$4"), ARM_ENTITY("$4") " union all " ARM_ATTRS(" and coalesce(a.key, '') <> '_contains'", "$4") \
            " union all " ARM_CONTAINERS("$4"))}, \
    [STMT_OBJECTS_BY_NAMES] = {PREFIX "objects_by_names", "TTTi", PAST, OBJECT(EACH_NAME("$3", "$4"), "$4")}, \
    [STMT_OBJECTS_BY_IDS] = {PREFIX "objects_by_ids", "TTIi", PAST, \
        OBJECT("select e.* from unnest($3) as i(id) cross join " ENTITY_OF("i.id", "$4") " e", "$4")}, \
    [STMT_OBJECT_VERSIONS] = {PREFIX "object_versions", "Ii", PAST, \
        "select i.id, " HISTORY_NEWEST("i.id", UP_TO_VERSION) " from unnest($1) as i(id)"}, \
    [STMT_ATTRS_BY_NAME] = {PREFIX "attrs_by_name", "TTttii", PAST, ATTRS(" and a.key <> '_contains'", "$6")}, \
    [STMT_ATTRS_AND_MEMBERS] = {PREFIX "attrs_and_members", "TTttii", PAST, ATTRS("", "$6")}, \
    [STMT_ATTRS_BY_NAME_KEY] = {PREFIX "attrs_by_name_key", "TTttiti", PAST, ATTRS(" and a.key = $6", "$7")}, \
    [STMT_ATTRS_INHERITED] = {PREFIX "attrs_inherited", "tttii", PAST, \
        INHERITED(ONE("$1", "$5"), NEAR_CONTAINERS, NEAR_ENTITY, ROWS_OF_NEAR)}, \
    [STMT_LIST_ALL] = {PREFIX "list_all", "llbii", PAST, \
        "select count(*), " NO_ENTITY " from entities e where " THERE("e", "$5") " and $3 having $3" \
        " union all (select null::bigint, e.entity_id, e.name, e.driver, e.type from " LIST_ALL ")"}, \
    [STMT_LIST_DRIVER] = {PREFIX "list_driver", "llbiti", PAST, LIST_ONE("driver")}, \
    [STMT_LIST_TYPE] = {PREFIX "list_type", "llbiti", PAST, LIST_ONE("type")}, \
    [STMT_LIST_DRIVERS] = {PREFIX "list_drivers", "llbiTTi", PAST, \
        LIST_SEVERAL("driver", "$7", " and (cardinality($6) = 0 or e.type = any($6))")}, \
    [STMT_LIST_TYPES] = {PREFIX "list_types", "llbiTi", PAST, LIST_SEVERAL("type", "$6", "")}, \
    [STMT_LIST_NAMES] = {PREFIX "list_names", "llbiTTTi", PAST, \
        "with hit as materialized (select e.* from (" EACH_NAME("$5", "$8") ") e" \
        " where (cardinality($6) = 0 or e.type = any($6)) and (cardinality($7) = 0 or e.driver = any($7))) " LIST_HITS}, \
    [STMT_LIST_BY_KEY] = {PREFIX "list_by_key", "llbitti", PAST, \
        HITS_OF("select distinct a.entity_id from entity_attrs a where" HAS_KEY THERE("a", "$7"), "$7", "") LIST_HITS}, \
    [STMT_LIST_BY_VALUE] = {PREFIX "list_by_value", "llbitttldttti", PAST, \
        HITS_OF( \
            VALUE("left(a.string_value, 64) = left($7, 64) and a.string_value = $7", "$13") \
            " union " VALUE("left(a.string_value, 64) = left($12, 64) and a.string_value = $12 and a.datatype = 'json'", "$13") \
            " union " VALUE("a.int_value = $8 and a.datatype = 'int'", "$13") \
            " union " VALUE("a.datetime_value = $9 and a.datatype = 'datetime'", "$13") \
            " union select a.entity_id from (" NAMED("$11", "$13") ") r join entity_attrs a on a.relation_id = r.entity_id" \
            " where r.driver = $10 and" HAS_KEY THERE("a", "$13") " and a.datatype = 'relation'", "$13", "") \
        LIST_HITS}, \
    [STMT_LIST_FROM_POOLS] = {PREFIX "list_from_pools", "llbiTTTIbi", PAST, \
        FROM_POOLS(POOL_MEMBERS, POOL_ENTITY)}, \
    [STMT_LIST_FROM_MANY] = {PREFIX "list_from_many", "llbiTTTIbi", PAST, FROM_MANY(POOL_MEMBERS, POOL_ENTITY)}, \
    [STMT_LIST_CONTAINERS] = {PREFIX "list_containers", "llbiTTibi", PAST, IN_CONTAINERS(UP_CONTAINERS, UP_ENTITY)}, \
    [STMT_REFERENCES] = {PREFIX "references", "llbiitti", PAST, \
        REFERENCES_OF(REFERRING("a.attr_id", LIVE("a", "$8")) " union all " REFERRING(PLACE, ENDED("a", "$8")), \
            ENTITY_OF("a.entity_id", "$8"))}, \
    [STMT_EXPORT_HEAD] = {PREFIX "export_head", "i", PAST | STMT_ONCE, \
        "select $1, (select " TAKEN_SHOWN " from clustoversioning where version <= $1 order by version desc limit 1)"}, \
    [STMT_EXPORT_PLACES] = {PREFIX "export_places", "i", PAST | STMT_ONCE, export_sql_past_places}, \
    [STMT_EXPORT_ORDER] = {PREFIX "export_order", "TIi", PAST | STMT_ONCE, EXPORT_ORDER}, \
    [STMT_EXPORT_ATTRS] = {PREFIX "export_attrs", "Ii", PAST, \
        EXPORT_ATTRS("unnest($1) as i(id) cross join lateral (select * from entity_attrs a where a.entity_id = i.id and " LIVE("a", "$2") \
            " union all select * from entity_attrs a where a.entity_id = i.id and " ENDED("a", "$2") " offset 0) a", " where true")},

/* --- where an object has been renamed since */

/* What an object was called: it is seldom that any has been renamed since. */
#define RENAMES(v) "(select exists (select from muster_was where until > " v "))"
#define WAS(id, v) RENAMES(v) " and w.entity_id = " id " and w.until > " v " and w.version <= " v
#define ENTITY_OF(id, v) \
    "lateral (select e.entity_id, coalesce(w.name, e.name) as name, coalesce(w.driver, e.driver) as driver," \
    " coalesce(w.type, e.type) as type from entities e" \
    " left join lateral (select w.name, w.driver, w.type from muster_was w where " WAS("e.entity_id", v) \
    " offset 0) w on true where e.entity_id = " id " and " THERE("e", v) " offset 0)"
/* It was not called otherwise: by that column, or any. */
#define STAYED_ALL(v, condition) \
    " and (not " RENAMES(v) " or (select 1 from muster_was w where " WAS("e.entity_id", v) condition \
    " limit 1) is null)"
#define STAYED(column, is, v) STAYED_ALL(v, " and w." column " <> " is)
#define NAMED(is, v) \
    "select e.entity_id, e.name, e.driver, e.type from entities e where e.name = " is " and " THERE("e", v) \
    STAYED_ALL(v, "") \
    " union select e.entity_id, w.name, w.driver, w.type from muster_was w" \
    " cross join lateral (select * from entities where entity_id = w.entity_id offset 0) e" \
    " where w.name = " is " and w.until > " v " and w.version <= " v " and " THERE("e", v)
#define HAD(column, is, v) \
    "muster_was w cross join lateral (select * from entities where entity_id = w.entity_id offset 0) e" \
    " where " RENAMES(v) " and w." column " = " is " and w.until > " v " and w.version <= " v " and " THERE("e", v)
#define LIST_ONE(column) \
    "with live as materialized (" LIVE_ONE(column) ")," \
    " ended as materialized (" ENDED_ONE(column) ")," \
    " renamed as materialized (select e.entity_id::bigint as id from " HAD(column, "$5", "$6") \
    " and e." column " <> $5)" \
    " select " COUNT_ONE(column) " + (select count(*) from renamed), " NO_ENTITY " where $3" \
    " union all (select null::bigint, e.entity_id, e.name, e.driver, e.type from (" \
    "select id from (table live union all table ended union all select id from renamed where id > $4) u" \
    " order by id limit $1 offset $2) p cross join " ENTITY_OF("p.id::integer", "$6") " e order by e.entity_id)"
#define LIST_ALL \
    "(select e.entity_id from entities e where " THERE("e", "$5") " and e.entity_id > $4" \
    " order by e.entity_id limit $1 offset $2) p cross join " ENTITY_OF("p.entity_id", "$5") " e order by e.entity_id"
#define HAD_TOO(column, v) " union all select e.entity_id from " HAD(column, "o.one", v)
#define EXPORT_ORDER export_sql_past_order
#define PREFIX "past_"

const struct stmt_row past_rows[STMT_COUNT] = {ROWS};

/* --- where none has been */

#undef ENTITY_OF
#undef STAYED
#undef NAMED
#undef LIST_ONE
#undef LIST_ALL
#undef HAD_TOO
#undef EXPORT_ORDER
#undef PREFIX
#define ENTITY_OF(id, v) \
    "lateral (select e.entity_id, e.name, e.driver, e.type from entities e" \
    " where e.entity_id = " id " and " THERE("e", v) " offset 0)"
#define STAYED(column, is, v) ""
#define NAMED(is, v) \
    "select e.entity_id, e.name, e.driver, e.type from entities e where e.name = " is " and " THERE("e", v)
/* Two walks in one order, of which the second is spared where nothing has ended since. */
#define REF "e.entity_id::bigint as id, e.entity_id, e.name, e.driver, e.type"
#define LAST_END \
    "(select deleted_at_version::bigint from entities where coalesce(deleted_at_version, -1) <> -1" \
    " order by deleted_at_version::bigint desc limit 1)"
#define LAST_LIVE(column) \
    "(select e.entity_id::bigint from " HAS(column, IS_LIVE, BEHIND) " order by e.entity_id::bigint" \
    " offset $1::bigint + $2 - 1 limit 1)"
#define LIST_ONE(column) \
    TOTAL("(select from " HAS(column, IS_LIVE, "") " union all select from " HAS(column, ENDED("e", "$6"), "") ") e where true") \
    " union all (select null::bigint, u.entity_id, u.name, u.driver, u.type from (" \
    "(select " REF " from " HAS(column, IS_LIVE, BEHIND) FIRST ") union all (select " REF " from " \
    HAS(column, ENDED("e", "$6"), BEHIND " and " LAST_END " > $6" \
        " and e.entity_id::bigint <= coalesce(case when $1 is not null then " LAST_LIVE(column) " end, " FAR ")") FIRST ")" \
    ") u order by u.id limit $1 offset $2)"
#define LIST_ALL \
    "entities e where " THERE("e", "$5") " and e.entity_id > $4 order by e.entity_id limit $1 offset $2"
#define HAD_TOO(column, v) ""
#define EXPORT_ORDER export_sql_past_same_order
#define PREFIX "past_same_"

const struct stmt_row past_same_rows[STMT_COUNT] = {ROWS};
