/* stmts.c: the text of every SQL statement. Values come in as parameters only. */
#include "store/stmts.h"

#include "store/export_sql.h"
#include "store/feed_sql.h"
#include "store/change_sql.h"
#include "store/history_sql.h"
#include "store/position_sql.h"
#include "store/session.h"
#include "store/snapshot_sql.h"
#include "store/stmt_parts.h"
#include "store/store.h"
#include "store/versions_sql.h"

/* A line of SQL stays a line. */
/* clang-format off */

/* --- what goes with what. A plan is made once and kept, perhaps of a time when the tables were nearly
 * empty, and the planner, which knows nothing of a table that has just grown, would rather compare
 * each row of one with each of the other than look each up by its key. "offset 0" keeps him from
 * taking a look-up apart. Where one is by an id, no partial index may fit its other conditions: he
 * would take it for the smallest. */
#define ONE_AND(more, condition) \
    "select entity_id, name, driver, type" more " from entities where " condition " and deleted_at_version is null"
#define ONE(condition) ONE_AND("", condition)
#define ONE_ID(condition) \
    "select entity_id from entities where " condition " and deleted_at_version is null order by entity_id limit 1"
#define EACH_NAME(names) \
    "select l.* from (select distinct unnest(" names ") as one) o cross join lateral (" \
    ONE("name = o.one") " offset 0) l"
#define ENTITY_OF(id) \
    "lateral (select entity_id, name, driver, type from entities" \
    " where entity_id = " id " and coalesce(deleted_at_version, 0) = 0 offset 0)"
#define MEMBERS_OF(id) \
    "lateral (select attr_id, relation_id, subkey, number from entity_attrs" \
    " where entity_id = " id " and key = '_contains' and deleted_at_version is null offset 0)"
#define CONTAINERS_OF(id) \
    "lateral (select attr_id, entity_id, subkey, number from entity_attrs" \
    " where relation_id = " id " and key || '' = '_contains' and deleted_at_version is null offset 0)"

/* Those with the names $1, locked in the order of their ids. */
#define LOCK_NAMED(strength) \
    "select e.entity_id, e.name, e.driver, e.type" \
    " from (" EACH_NAME("$1") " order by l.entity_id) l cross join lateral (" \
    "select entity_id, name, driver, type from entities" \
    " where entity_id = l.entity_id and coalesce(deleted_at_version, 0) = 0 for " strength ") e"

/* One of them, if that is how it is to be locked. */
#define LOCK_IF(alias, lock, strength) \
    " left join lateral (select entity_id from entities where entity_id = l.entity_id" \
    " and l.lock = " lock " and coalesce(deleted_at_version, 0) = 0 for " strength ") " alias " on true"

/* On either side of a key in the index: what was given under it, which may be very much, is left out. */
#define OTHER_KEY(is) \
    "(select key from entity_attrs where relation_id = $1 and " is \
    " and (subkey = 'manager') is true and deleted_at_version is null limit 1)"

/* The number that STMT_VERSION_INSERT took, in this session; what a row made now carries: the
 * parameter, or null for that. */
#define CURRENT_VERSION HISTORY_CURRENT
#define VERSION(parameter) "coalesce(" parameter "::integer, " CURRENT_VERSION ")"

/* The claims to a resource and to the number of its rows; the triggers are told that both are there. */
#define CLAIMED(value, key, number) \
    ", case when l.number and l.resource then" \
    " set_config('muster.claimed', concat(" key ", '=', " value ", '#', " number "), true) end"
#define CLAIMING(value, key, number, condition) \
    "select pg_try_advisory_xact_lock_shared(1836413812, 17)" \
    " and pg_try_advisory_xact_lock(hashtextextended(" key " || '#=' || " number "::text, 3)) as number," \
    " pg_try_advisory_xact_lock(hashtextextended(" key " || '=' || " value ", 3)) as resource" condition " offset 0"

/* Rows are ended, or without versioning really deleted: then also those that have ended. */
#define END_ATTRS "update entity_attrs set deleted_at_version = " CURRENT_VERSION
#define ERASE_ATTRS "delete from entity_attrs"
#define THESE_ATTRS " where attr_id = any($1) and coalesce(deleted_at_version, 0) = 0"
#define REFERENCES(live, change) \
    "with given as (" \
    " select entity_id, number from entity_attrs" \
    " where relation_id = $1 and key = $2 and (subkey = 'manager') is true and deleted_at_version is null)," \
    " gone as (" \
    " select attr_id from entity_attrs where entity_id = $1" live \
    " union select attr_id from entity_attrs where relation_id = $1" live \
    " union select a.attr_id from given g cross join lateral (select attr_id from entity_attrs" \
    " where entity_id = g.entity_id and key = $2 and number = g.number and deleted_at_version is null offset 0) a" \
    " union select o.attr_id from (select entity_id, key, number from entity_attrs where relation_id = $1" \
    " and key like 'port-%' and (subkey = 'connection') is true and deleted_at_version is null) p" \
    " cross join lateral (select attr_id from entity_attrs where entity_id = p.entity_id and key = p.key" \
    " and number = p.number and (subkey = 'otherportnum') is true and deleted_at_version is null offset 0) o) " \
    change " where attr_id = any(array(select attr_id from gone))"
#define OWN_DELETION "with own as materialized (select set_config('muster.deletes', $1::text, true) as id) "

/* --- whole objects. One row format (objects.h), three arms below the entity: itself, its live
 * attributes with what they refer to, which is the contents too, and its containers. One statement,
 * one snapshot; the arms hang on the entity (lateral), so the rows of one come together, and the
 * entities come by id. $1, $2: managers' drivers and their resource keys, for what is allocated. The arms
 * have the same types, or each row would be copied once more. */
#define ARM_ENTITY_OF(number) \
    "select 0, null::integer, null::varchar, null::varchar, " number ", null::varchar," \
    " case when e.driver = any($1) then (select count(*) from entity_attrs m" \
    " where m.relation_id = e.entity_id and (m.subkey = 'manager') is true and m.deleted_at_version is null" \
    " and m.key = ($2)[array_position($1, e.driver::text)]) else 0 end," \
    " null::text, null::timestamp, null::integer, e.name, e.driver, e.type"
#define ARM_ENTITY ARM_ENTITY_OF("null::integer")
#define ARM_ATTRS(condition) \
    "select 1, a.attr_id, a.key, a.subkey, a.number, a.datatype, a.int_value, a.string_value," \
    " a.datetime_value, a.relation_id, r.name, r.driver, r.type from entity_attrs a" \
    " left join " ENTITY_OF("a.relation_id") " r on true" \
    " where a.entity_id = e.entity_id and a.deleted_at_version is null" condition
#define ROWS_OF_NEAR(condition) \
    "select a.attr_id, a.key, a.subkey, a.number, a.datatype, a.int_value, a.string_value, a.datetime_value," \
    " a.relation_id from entity_attrs a where a.entity_id = n.entity_id and a.deleted_at_version is null" condition
#define ARM_CONTAINERS \
    "select 2, a.attr_id, null::varchar, a.subkey, a.number, null::varchar, null::bigint, null::text, null::timestamp," \
    " a.entity_id, c.name, c.driver, c.type" \
    " from " CONTAINERS_OF("e.entity_id") " a cross join " ENTITY_OF("a.entity_id") " c"
#define ARMS             ARM_ENTITY " union all " ARM_ATTRS("") " union all " ARM_CONTAINERS
#define OBJECT(entities) EACH(entities, ARMS)

/* Of one with more than a few members no attributes, and the entity's number is not null. To ask first costs
 * less than arms that leave out its members. */
#define CROWDED \
    ", (select true from entity_attrs m where m.entity_id = entities.entity_id and m.key = '_contains'" \
    " and m.deleted_at_version is null offset " TEXT_OF(STORE_FEW_MEMBERS) " limit 1) as crowded"
#define OBJECT_UNLESS_CROWDED(condition) \
    EACH_UNSORTED(ONE_AND(CROWDED, condition), \
         ARM_ENTITY_OF("case when e.crowded then 1 end") " union all " \
         ARM_ATTRS(" and e.crowded is null") " union all " ARM_CONTAINERS)

/* Attributes only, in the same row format. $3: name, $4: subkey, $5: number; null: any. Of an index on
 * the entity and the key the two ranges leave out what may be very much: the members of a container. */
#define ATTRS(arms) EACH_UNSORTED(ONE("name = $3"), ARM_ENTITY " union all " arms)
#define MATCHING(condition) \
    ARM_ATTRS(" and ($4::text is null or a.subkey = $4) and ($5::integer is null or a.number = $5)" condition)
#define BUT_MEMBERS \
    MATCHING(" and a.key < '_contains'") " union all " MATCHING(" and a.key > '_contains'")

/* --- lists: see stmt_parts.h. */
#define LIVE(condition) "entities e where e.deleted_at_version is null" condition

/* Of all entities, those after the id $4: by all, by one driver or type (its index has them in
 * order), by several: the first of each. The cast: see the index in schema.sql. */
#define LIST_WHERE(condition) \
    TOTAL(LIVE(condition)) " union all " \
    PAGE(LIVE(condition " and e.entity_id > $4"), "e.entity_id")
#define LIST_ONE(column) \
    TOTAL(LIVE(" and e." column " = $5")) " union all " \
    PAGE(LIVE(" and e." column " = $5 and e.entity_id::bigint > $4"), "e.entity_id::bigint")
#define LIST_SEVERAL(column, filter) \
    HEAD("select coalesce(sum(c.n), 0)::bigint from (select distinct unnest($5) as one) o" \
        " cross join lateral (select count(*) as n from " LIVE(" and e." column " = o.one" filter) ") c") \
    " union all " \
    PAGE("(select distinct unnest($5) as one) o cross join lateral (select * from " \
    LIVE(" and e." column " = o.one and e.entity_id::bigint > $4" filter) \
    " order by e.entity_id::bigint limit $1::bigint + $2) e", "e.entity_id")

/* By name: $5, $6 types, $7 drivers. */
#define OF_NAMES \
    "(" EACH_NAME("$5") ") e where (cardinality($6) = 0 or e.type = any($6))" \
    " and (cardinality($7) = 0 or e.driver = any($7))"

/* By attribute: $5 key, $6 subkey (null: any). */
#define HAS_KEY \
    " a.key = $5 and ($6::text is null or a.subkey = $6) and a.deleted_at_version is null"
#define HITS_OF(ids) \
    "with hit as materialized (select e.entity_id, e.name, e.driver, e.type from (" ids " order by 1) i" \
    " cross join " ENTITY_OF("i.entity_id") " e) "

/* --- pages after the id $4, of at most $1. Each walks an index in the order of the list (see
 * schema.sql), so that it costs what it gives, however long the list is. */

/* The containers to look into: the pools $8, and with $9 what they contain that contains something.
 * union ends circles. */
#define CONTAINERS \
    "walk(pool, container, at, is_in) as (" \
    " select p.id, p.id, 0, false from (select distinct unnest($8) as id) p" \
    " union select w.pool, n.* from walk w cross join lateral (" NEXT_IN_WALK \
    " union all select e.entity_id, 0, false from " ENTITY_OF("w.at") " e where w.is_in) n where $9)," \
    " inside as materialized (select pool, container from walk where at = 0)"
/* Of several pools one that has few members is walked. */
#define SMALLEST_POOL \
    "(select i.pool from inside i cross join lateral (select count(*) as n from (" \
    "select from entity_attrs where " IS_MEMBER " and entity_id::bigint = i.container limit 100) m) c" \
    " where cardinality($8) > 1 group by i.pool order by sum(c.n), i.pool limit 1)"
#define IN_ALL_POOLS(id) \
    "(cardinality($8) = 1 or (select count(distinct i.pool) from inside i cross join lateral (" \
    "select from entity_attrs where " IS_MEMBER " and entity_id::bigint = i.container" \
    " and relation_id::bigint = " id " limit 1) m) = (select count(distinct pool) from inside))"

/* Each object once: the rows of one come together. */
#define AFTER(condition) \
    "(select e.* from (select distinct a.entity_id::bigint as id from entity_attrs a where" HAS_KEY condition \
    " and a.entity_id::bigint > $4 order by 1) a cross join " ENTITY_OF("a.id") " e limit $1)"
#define PAGE_OF(objects) \
    PAGE_HEAD \
    "select null::bigint, p.* from (select * from (" objects ") o order by entity_id limit $1) p"

/* The connection bears the name of a request. A name ends at 63 bytes: of a longer id the end is what
 * differs from others. */
#define NAME_AFTER(id) "set_config('application_name', 'muster ' || right(" id ", 56), true)"

/* --- preferences. Whose rows are to be there is said by a row that has to come first: the rest hangs
 * on it (lateral), and the offset keeps it from being turned round. */
#define AS_USER "select set_config('muster.user_id', $1, true) as id"
#define READ_AS_USER(what) \
    "select p.* from (" AS_USER " offset 0) u cross join lateral (" \
    "select revision, " what ", bytes, hashtextextended(user_id, 1) from muster_preferences" \
    " where user_id = u.id and container = $2 offset 0) p"

#define BESIDE \
    "array['muster_claim_insert', 'muster_claim_update', 'muster_last_insert', 'muster_counter_insert'," \
    " 'muster_counter_update', 'muster_entity_ended', 'MUSTER_keep_erased']"

/* Of a primary: the first eight digits of a WAL file's name. */
#define TIMELINE \
    "('x' || lpad(left(pg_walfile_name(pg_current_wal_insert_lsn()), 8), 16, '0'))::bit(64)::bigint"

/* Pruning: a thousand rows, without those that others hold; no row of the table refers to it. Not "not
 * exists", which the planner may answer by reading the whole table. */
#define BATCH " limit 1000 for update skip locked"
#define NOT_NAMED(table, column, id) " (select 1 from " table " n where n." column " = " id " limit 1) is null"
#define NOT_ENDED(table) \
    " (select 1 from " table " n where coalesce(n.deleted_at_version, -1) <> -1 and n.deleted_at_version::bigint = v.version" \
    " limit 1) is null"
#define IS_ENDED "coalesce(deleted_at_version, -1) <> -1 and deleted_at_version::bigint between $2 and $1"
#define BY_END   " order by deleted_at_version::bigint"

/* --- what --check-db looks for: each row is one line of its report. $1, $2: drivers, and which rule
 * (enum driver_insert_rule) each has for its members; others have rule 0. */
#define MEMBERSHIPS \
    "with rule(driver, rule) as (select * from unnest($1, $2))," \
    " m as (select a.attr_id, a.subkey, a.number, coalesce(r.rule, 0) as rule," \
    " c.entity_id as container, format('/%s/%s', c.driver, c.name) as place, c.driver," \
    " t.entity_id as member, format('/%s/%s', t.driver, t.name) as thing" \
    " from entity_attrs a" \
    " join entities c on c.entity_id = a.entity_id and c.deleted_at_version is null" \
    " join entities t on t.entity_id = a.relation_id and t.deleted_at_version is null" \
    " left join rule r on r.driver = c.driver" \
    " where a.key = '_contains' and a.deleted_at_version is null) "
/* clang-format on */

const struct stmt_row stmts_rows[STMT_COUNT] = {
    [STMT_BEGIN_SNAPSHOT] = {"begin_snapshot", "", 0,
                             "begin isolation level repeatable read read only"},
    [STMT_BEGIN_WRITE] = {"begin_write", "", 0, "begin isolation level read committed"},
    [STMT_COMMIT] = {"commit", "", STMT_COMMITS, "commit"},
    [STMT_ROLLBACK] = {"rollback", "", 0, "rollback"},

    /* The version comes from the insert itself: max(version) may be another session's. */
    [STMT_VERSION_INSERT] = {"version_insert", "tt", 0,
                             "insert into clustoversioning (\"timestamp\", \"user\", description)"
                             " values (localtimestamp, left($1, 64), $2) returning version"},

    [STMT_SET_NAME] = {"set_name", "t", 0, "select " NAME_AFTER("$1")},

    /* Both of $1 and $2 for this transaction. */
    [STMT_SET_SESSION] =
        {"set_session", "TT", 0,
         "select set_config(name, value, true) from unnest($1, $2) as s(name, value)"},
    [STMT_SESSION_IS_OWNED] = {"session_is_owned", "", STMT_ONCE,
                               "select (current_setting('" SESSION_MARK "', true) = '" SESSION_OWNED
                               "')::integer"},

    /* clang-format off */
    [STMT_STATUS] = {"status", "", 0,
        "select current_setting('transaction_read_only') = 'off',"
        " case when pg_is_in_recovery() then (select timeline_id from pg_control_checkpoint()) else " TIMELINE " end"},
    /* On a standby there is no position in the WAL to take the timeline from. */
    [STMT_IDENTIFY] = {"identify", "", STMT_ONCE,
        "select (select system_identifier from pg_control_system()),"
        " case when pg_is_in_recovery() then 0 else " TIMELINE " end, " INCARNATION},
    /* clang-format on */
    [STMT_HAS_EXTENSIONS] = {"has_extensions", "", STMT_ONCE,
                             "select count(to_regclass('muster_schema'))"},
    [STMT_SCHEMA_VERSION] = {"schema_version", "", STMT_ONCE | STMT_NEEDS_INIT_DB,
                             "select max(version) from muster_schema"},

    /* clang-format off */
    /* --- reads */
    [STMT_REF_BY_NAME] = {"ref_by_name", "t", 0, ONE("name = $1") " order by entity_id limit 1"},
    /* The first row has no id, but the snapshot; so has the one of objects by names. */
    [STMT_REFS_BY_NAMES] = {"refs_by_names", "T", 0,
        "select " IN_SNAPSHOT " union all (" EACH_NAME("$1") " order by l.entity_id)"},
    [STMT_OBJECT_BY_NAME] = {"object_by_name", "TTt", 0, EACH_UNSORTED(ONE("name = $3"), ARMS)},
    [STMT_OBJECT_ALONE] = {"object_alone", "TTt", 0, OBJECT_UNLESS_CROWDED("name = $3")},
    [STMT_OBJECT_CROWDED] = {"object_crowded", "TTt", 0,
        EACH_UNSORTED(ONE("name = $3"), ARM_ENTITY " union all " ARM_ATTRS(" and a.key < '_contains'") " union all "
            ARM_ATTRS(" and a.key > '_contains'") " union all " ARM_ATTRS(" and a.key is null") " union all "
            ARM_CONTAINERS)},
    [STMT_OBJECTS_BY_NAMES] = {"objects_by_names", "TTT", 0,
        "select null::integer, null::integer, null::integer, null::varchar, null::varchar, null::integer, null::varchar, null::bigint, "
        SNAPSHOT_TOLD "::text, null::timestamp, null::integer, null::varchar, null::varchar, null::varchar"
        " union all (" OBJECT(EACH_NAME("$3")) ")"},
    [STMT_OBJECTS_BY_IDS] = {"objects_by_ids", "TTI", 0, OBJECT("select e.* from unnest($3) as i(id) cross join " ENTITY_OF("i.id") " e")},
    [STMT_OBJECT_VERSIONS] = {"object_versions", "I", 0, history_sql_newest},
    [STMT_ATTRS_BY_NAME] = {"attrs_by_name", "TTtti", 0, ATTRS(BUT_MEMBERS)},
    [STMT_ATTRS_AND_MEMBERS] = {"attrs_and_members", "TTtti", 0, ATTRS(MATCHING(""))},
    [STMT_ATTRS_BY_NAME_KEY] = {"attrs_by_name_key", "TTttit", 0,
        ATTRS(MATCHING(" and a.key = $6"))},
    [STMT_ATTRS_INHERITED] = {"attrs_inherited", "ttti", 0,
        INHERITED(ONE("name = $1"), CONTAINERS_OF, ENTITY_OF, ROWS_OF_NEAR)},

    [STMT_LIST_ALL] = {"list_all", "llbi", 0, LIST_WHERE("")},
    [STMT_LIST_DRIVER] = {"list_driver", "llbit", 0, LIST_ONE("driver")},
    [STMT_LIST_TYPE] = {"list_type", "llbit", 0, LIST_ONE("type")},
    [STMT_LIST_DRIVERS] = {"list_drivers", "llbiTT", 0,
        LIST_SEVERAL("driver", " and (cardinality($6) = 0 or e.type = any($6))")},
    [STMT_LIST_TYPES] = {"list_types", "llbiT", 0, LIST_SEVERAL("type", "")},
    [STMT_LIST_NAMES] = {"list_names", "llbiTTT", 0,
        TOTAL(OF_NAMES) " union all " PAGE(OF_NAMES " and e.entity_id > $4", "e.entity_id")},

    [STMT_LIST_BY_KEY] = {"list_by_key", "llbitt", 0,
        HITS_OF("select distinct a.entity_id from entity_attrs a where" HAS_KEY) LIST_HITS},
    /* $7 the value as text, $8 as a number, $9 as a date, $10 and $11 as driver and name of what it
     * refers to, $12 as JSON; null: it can't be one. */
    [STMT_LIST_BY_VALUE] = {"list_by_value", "llbitttldttt", 0,
        HITS_OF(
            "select a.entity_id from entity_attrs a where" HAS_KEY
            " and left(a.string_value, 64) = left($7, 64) and a.string_value = $7"
            " union select a.entity_id from entity_attrs a where" HAS_KEY
            " and left(a.string_value, 64) = left($12, 64) and a.string_value = $12 and a.datatype = 'json'"
            " union select a.entity_id from entity_attrs a where" HAS_KEY
            " and a.int_value = $8 and a.datatype = 'int'"
            " union select a.entity_id from entity_attrs a where" HAS_KEY
            " and a.datetime_value = $9 and a.datatype = 'datetime'"
            " union select a.entity_id from entities r join entity_attrs a on a.relation_id = r.entity_id"
            " where r.name = $11 and r.driver = $10 and r.deleted_at_version is null and" HAS_KEY
            " and a.datatype = 'relation'") LIST_HITS},

    [STMT_LIST_FROM_POOLS] = {"list_from_pools", "llbiTTTIb", 0,
        FROM_POOLS(MEMBERS_OF, ENTITY_OF)},
    /* The same of many pools. */
    [STMT_LIST_FROM_MANY] = {"list_from_many", "llbiTTTIb", 0, FROM_MANY(MEMBERS_OF, ENTITY_OF)},

    [STMT_LIST_CONTAINERS] = {"list_containers", "llbiTTib", 0,
        IN_CONTAINERS(CONTAINERS_OF, ENTITY_OF)},
    [STMT_REFERENCES] = {"references", "llbiitt", 0,
        REFERENCES_OF(REFERRING("a.attr_id", "a.deleted_at_version is null"), ENTITY_OF("a.entity_id"))},

    /* An export; of the objects with these ids themselves, their attributes and what they are in. */
    [STMT_EXPORT_HEAD] = {"export_head", "", STMT_ONCE,
        "select coalesce(max(version), 0), " ISO("now()") " from clustoversioning"},
    [STMT_EXPORT_PLACES] = {"export_places", "", STMT_ONCE, export_sql_places},
    [STMT_EXPORT_ORDER] = {"export_order", "TI", STMT_ONCE, export_sql_order},
    [STMT_EXPORT_ATTRS] = {"export_attrs", "I", 0,
        EXPORT_ATTRS("entity_attrs a", " where a.entity_id = any($1) and a.deleted_at_version is null")},
    [STMT_EXPORT_ATTRS_BETWEEN] = {"export_attrs_between", "ii", 0,
        EXPORT_ATTRS("entity_attrs a", " where a.entity_id between $1 and $2 and a.deleted_at_version is null")},
    [STMT_EXPORT_PLANNER] = {"export_planner", "b", STMT_ONCE | STMT_TIMELESS, export_sql_planner},

    [STMT_PAGE_BY_KEY] = {"page_by_key", "llbitt", STMT_NEEDS_INIT_DB,
        "with recursive walk(id) as (select $4::bigint union all select n.id from walk w cross join lateral ("
        "select entity_id::bigint as id from entity_attrs where key = $5 and ($6::text is null or subkey = $6)"
        " and " LISTED " and entity_id::bigint > w.id order by entity_id::bigint limit 1) n) "
        PAGE_OF("select e.* from walk w cross join " ENTITY_OF("w.id") " e where w.id > $4 limit $1")},
    /* $7 to $12 as above */
    [STMT_PAGE_BY_VALUE] = {"page_by_value", "llbitttldttt", STMT_NEEDS_INIT_DB,
        PAGE_OF(
            AFTER(" and left(a.string_value, 64) = left($7, 64) and a.string_value = $7")
            " union " AFTER(" and left(a.string_value, 64) = left($12, 64) and a.string_value = $12 and a.datatype = 'json'")
            " union " AFTER(" and a.int_value = $8 and a.datatype = 'int'")
            " union " AFTER(" and a.datetime_value = $9 and a.datatype = 'datetime'")
            " union select x.* from (" ONE("name = $11 and driver = $10") ") r cross join lateral "
            AFTER(" and a.relation_id = r.entity_id and a.datatype = 'relation'") " x")},
    [STMT_PAGE_FROM_POOLS] = {"page_from_pools", "llbiTTTIb", STMT_NEEDS_INIT_DB,
        "with recursive " CONTAINERS ", walked as materialized (select container from inside"
        " where pool = coalesce(" SMALLEST_POOL ", ($8)[1])) "
        PAGE_OF(
            "select distinct m.* from walked w cross join lateral (select e.* from ("
            "select distinct relation_id::bigint as id from entity_attrs where " IS_MEMBER
            " and entity_id::bigint = w.container and relation_id::bigint > $4 order by 1) a"
            " cross join " ENTITY_OF("a.id") " e"
            " where (cardinality($5) = 0 or e.name = any($5)) and (cardinality($6) = 0 or e.type = any($6))"
            " and (cardinality($7) = 0 or e.driver = any($7)) and " IN_ALL_POOLS("e.entity_id") " limit $1) m")},

    [STMT_COUNT_OBJECTS] = {"count_objects", "TT", STMT_NEEDS_INIT_DB,
        "select coalesce(sum(n), 0)::bigint from muster_count"
        " where (cardinality($1) = 0 or driver = any($1)) and (cardinality($2) = 0 or type = any($2))"},

    /* --- writes. null for the version: the transaction's own, by currval() in this session. */
    [STMT_LOCK_REFER] = {"lock_refer", "T", 0,
        LOCK_NAMED("key share")},
    [STMT_LOCK_CHANGE] = {"lock_change", "T", 0,
        LOCK_NAMED("no key update")},
    [STMT_LOCK_DELETE] = {"lock_delete", "T", 0,
        LOCK_NAMED("update")},
    /* Names share 512 locks: one request may create thousands, and the server's lock table is small. */
    [STMT_LOCK_NAMES] = {"lock_names", "T", 0,
        "select pg_advisory_xact_lock(1836413813, n.lock)"
        " from (select distinct hashtext(name) & 511 as lock from unnest($1) as u(name) order by 1) as n"},
    /* $2: which of the three above, for each of the names $1. */
    [STMT_LOCK_AHEAD] = {"lock_ahead", "TI", 0,
        "select coalesce(a.entity_id, b.entity_id, c.entity_id)"
        " from (select n.entity_id, max(w.lock) as lock from unnest($1, $2) as w(name, lock)"
        " cross join lateral (" ONE("name = w.name") " offset 0) n group by n.entity_id order by n.entity_id) l"
        LOCK_IF("a", "0", "key share") LOCK_IF("b", "1", "no key update") LOCK_IF("c", "2", "update")},
    [STMT_CREATE] = {"create", "TttiTTTLT", STMT_TAKES_VERSION,
        "with input as ("
        " select name, min(ord) as ord from unnest($1) with ordinality as u(name, ord) group by name),"
        " created as ("
        " insert into entities (name, type, driver, version)"
        " select i.name, $2, $3, " VERSION("$4") " from input i"
        " where (select e.entity_id from entities e where e.name = i.name and e.deleted_at_version is null limit 1) is null"
        " order by i.ord on conflict do nothing returning entity_id, name, driver, type),"
        " properties as ("
        " insert into entity_attrs (entity_id, key, subkey, datatype, int_value, string_value, version)"
        " select c.entity_id, p.key, p.subkey, p.datatype, p.number, p.text, " VERSION("$4")
        " from created c cross join unnest($5, $6, $7, $8, $9)"
        " with ordinality as p(key, subkey, datatype, number, text, ord)"
        " order by c.entity_id, p.ord)"
        " select entity_id, name, driver, type from created"},
    /* The objects that have something of the manager $1 under the key $2. */
    [STMT_LOCK_OWNERS] = {"lock_owners", "it", 0,
        "select o.entity_id from (select distinct entity_id as id from entity_attrs"
        " where relation_id = $1 and key = $2 and (subkey = 'manager') is true and deleted_at_version is null order by 1) g"
        " cross join lateral (select entity_id from entities where entity_id = g.id for no key update) o"},
    [STMT_DELETE_REFERENCES] = {"delete_references", "it", STMT_TAKES_VERSION,
        REFERENCES(" and deleted_at_version is null", END_ATTRS) " and coalesce(deleted_at_version, 0) = 0"},
    [STMT_ERASE_REFERENCES] = {"erase_references", "it", STMT_TAKES_VERSION,
        REFERENCES("", ERASE_ATTRS)},
    [STMT_DELETE_COUNTERS] = {"delete_counters", "i", 0,
        "delete from counters where entity_id = $1"},
    /* The triggers are told that it was locked (STMT_LOCK_DELETE) before its references went. */
    [STMT_DELETE_ENTITY] = {"delete_entity", "i", STMT_TAKES_VERSION,
        OWN_DELETION "update entities e set deleted_at_version = " CURRENT_VERSION
        " from own where e.entity_id = $1 and own.id is not null"},
    /* The same of its name, driver and type. */
    [STMT_CONVERT_ENTITY] = {"convert_entity", "ittt", STMT_TAKES_VERSION,
        OWN_DELETION "update entities e set name = $2, driver = $3, type = $4"
        " from own where e.entity_id = $1 and own.id is not null"},
    [STMT_ERASE_ENTITY] = {"erase_entity", "i", STMT_TAKES_VERSION,
        OWN_DELETION "delete from entities e using own where e.entity_id = $1 and own.id is not null"},
    [STMT_INT_IS_WIDE] = {"int_is_wide", "", 0,
        "select atttypid = 'bigint'::regtype from pg_attribute"
        " where attrelid = 'entity_attrs'::regclass and attname = 'int_value'"},
    [STMT_ADD_ATTRS] = {"add_attrs", "iiTTITLTTI", STMT_TAKES_VERSION, change_sql_add},
    [STMT_REPLACE_ATTRS] = {"replace_attrs", "iITTITLTT", STMT_TAKES_VERSION | STMT_NEEDS_INIT_DB, change_sql_replace},
    [STMT_GIVE] = {"give", "iiltiTTLT", STMT_TAKES_VERSION | STMT_NEEDS_INIT_DB, change_sql_give},
    [STMT_NEXT_NUMBERS] = {"next_numbers", "iti", 0,
        "with top as materialized (select coalesce(max(number), -1) as value from entity_attrs"
        " where entity_id = $1 and key = $2 and deleted_at_version is null),"
        " bumped as ("
        " update counters c set value = greatest(coalesce(c.value, -1), t.value) + $3 from top t"
        " where c.entity_id = $1 and c.attr_key = $2 returning c.value),"
        " made as ("
        " insert into counters (entity_id, attr_key, value)"
        " select $1, $2, value + $3 from top where not exists (select from bumped) and " COUNTS
        " on conflict do nothing returning value)"
        " select max(value)::bigint - $3 + 1 from (select value from bumped union all select value from made) as v"
        " having count(*) > 0"},
    [STMT_DELETE_ATTRS] = {"delete_attrs", "I", STMT_TAKES_VERSION,
        END_ATTRS THESE_ATTRS},
    [STMT_ERASE_ATTRS] = {"erase_attrs", "I", STMT_TAKES_VERSION,
        ERASE_ATTRS THESE_ATTRS},
    [STMT_MEMBERSHIPS] = {"memberships", "I", 0,
        "select m.id, c.entity_id, c.name, c.driver, c.type, a.subkey, a.number"
        " from (select distinct unnest($1) as id) m"
        " cross join " CONTAINERS_OF("m.id") " a cross join " ENTITY_OF("a.entity_id") " c"
        " order by a.attr_id"},
    [STMT_CONTAINED] = {"contained", "i", 0,
        "select a.relation_id, c.entity_id, c.name, c.driver, c.type, a.subkey, a.number"
        " from " ENTITY_OF("$1") " c cross join " MEMBERS_OF("c.entity_id") " a"
        " cross join " ENTITY_OF("a.relation_id") " m order by a.attr_id"},
    [STMT_HAS_CONTENTS] = {"has_contents", "I", 0,
        "select exists (select from entity_attrs"
        " where entity_id = any($1) and key = '_contains' and deleted_at_version is null)"},
    [STMT_LOCK_TREE] = {"lock_tree", "", 0,
        "select pg_advisory_xact_lock(hashtextextended('contents', 2))"},
    [STMT_FIND_ANCESTOR] = {"find_ancestor", "iI", 0,
        "with recursive up(id) as ("
        " select $1 union"
        " select a.entity_id from up cross join " CONTAINERS_OF("up.id") " a)"
        " select id from up where id = any($2) limit 1"},
    [STMT_INSERT_MEMBERS] = {"insert_members", "iiIi", STMT_TAKES_VERSION,
        "with bumped as ("
        " update counters set value = coalesce(value, -1) + $2"
        " where entity_id = $1 and attr_key = '_contains' returning value),"
        " made as ("
        " insert into counters (entity_id, attr_key, value)"
        " select $1, '_contains', $2 - 1 where not exists (select from bumped) and " COUNTS
        " on conflict do nothing returning value),"
        " top as (select max(value) as value from (select value from bumped union all select value from made) as v)"
        " insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)"
        " select $1, '_contains', (select value from top) - $2 + m.ord, 'relation', m.id, " VERSION("$4")
        " from unnest($3) with ordinality as m(id, ord)"
        " where (select value from top) is not null order by m.ord returning attr_id"},
    [STMT_INSERT_RACKED] = {"insert_racked", "iiIi", STMT_TAKES_VERSION,
        "insert into entity_attrs (entity_id, key, subkey, number, datatype, relation_id, version)"
        " select $1, '_contains', 'ru', u.unit, 'relation', $2, " VERSION("$4")
        " from unnest($3) with ordinality as u(unit, ord) order by u.ord"},
    [STMT_MEMBERS] = {"members", "iI", 0,
        "select a.attr_id from (select distinct unnest($2) as id) m cross join lateral ("
        "select attr_id from entity_attrs where entity_id = $1 and key = '_contains' and relation_id = m.id"
        " and deleted_at_version is null offset 0) a"},
    /* As ARM_ATTRS, without what refers to others. */
    [STMT_PLAIN_ATTRS] = {"plain_attrs", "t", 0,
        "select entity_id, 1, attr_id, key, subkey, number, datatype, int_value, string_value, datetime_value,"
        " relation_id, null, null, null from entity_attrs"
        " where entity_id = (" ONE_ID("name = $1") ")"
        " and deleted_at_version is null and key <> '_contains' and datatype <> 'relation'"},
    [STMT_RESERVE_NUMBER] = {"reserve_number", "t", 0,
        "with quick as materialized ("
        " select set_config('synchronous_commit', 'off', true)),"
        " meta as ("
        " select e.entity_id from entities e, quick where e.name = 'clustometa' and e.deleted_at_version is null"
        " order by e.entity_id limit 1),"
        " bumped as ("
        " update counters set value = coalesce(value, 0) + 1"
        " where entity_id = (select entity_id from meta) and attr_key = $1 returning value - 1 as number),"
        " made as ("
        " insert into counters (entity_id, attr_key, value)"
        " select entity_id, $1, 1 from meta where not exists (select from bumped)"
        " on conflict do nothing returning 0 as number)"
        " select max(number) from (select number from bumped union all select number from made) as n"
        " having count(*) > 0"},
    [STMT_RESERVE_BESIDE] = {"reserve_beside", "ti", STMT_NEEDS_INIT_DB,
        "with quick as materialized ("
        " select set_config('synchronous_commit', 'off', true)),"
        " taken as materialized (select muster_reserve($1, $2) as number from quick)"
        " select number from taken where number is not null"},
    /* An address, and the number $5 for it. */
    [STMT_TAKE_IP] = {"take_ip", "lllti", STMT_NEEDS_INIT_DB,
        "select t.address, t.met, l.number" CLAIMED("t.address::text", "$4", "$5")
        " from muster_ip_take($1, $2, $3) as t left join lateral ("
        CLAIMING("t.address::text", "$4", "$5", " where t.address is not null") ") as l on true"},
    [STMT_FREE_RANGES] = {"free_ranges", "lll", 0, FREE_RANGES},
    [STMT_SEARCH] = {"search", "ttiil", STMT_ONCE | STMT_NEEDS_INIT_DB, SEARCHED(BY_INDEX)},
    [STMT_SEARCH_PLAIN] = {"search_plain", "ttiil", STMT_ONCE, SEARCHED("")},
    [STMT_HOLDER_OF_INT] = {"holder_of_int", "tli", 0,
        "select a.entity_id from entity_attrs a"
        " where a.key = $1 and (a.subkey is null) is true and a.deleted_at_version is null and a.int_value = $2"
        " and ($3 = 0 or exists (select from entity_attrs m"
        " where m.entity_id = a.entity_id and m.key = a.key and m.number = a.number and (m.subkey = 'manager') is true"
        " and m.relation_id = $3 and m.deleted_at_version is null))"
        " limit 1"},
    [STMT_HOLDER_OF_TEXT] = {"holder_of_text", "tti", 0,
        "select a.entity_id from entity_attrs a"
        " where a.key = $1 and (a.subkey is null) is true and a.deleted_at_version is null and left(a.string_value, 64) = left($2, 64) and a.string_value = $2"
        " and ($3 = 0 or exists (select from entity_attrs m"
        " where m.entity_id = a.entity_id and m.key = a.key and m.number = a.number and (m.subkey = 'manager') is true"
        " and m.relation_id = $3 and m.deleted_at_version is null))"
        " limit 1"},
    /* Shared with all but an import of very many (IMPORT_CLAIM_ALL). */
    [STMT_CLAIM] = {"claim", "ttl", 0,
        "select pg_advisory_xact_lock_shared(1836413812, 17),"
        " pg_advisory_xact_lock(hashtextextended($1 || '=' || coalesce($2, $3::text), 3))"},
    [STMT_TRY_CLAIM] = {"try_claim", "ttl", 0,
        "select pg_try_advisory_xact_lock_shared(1836413812, 17)"
        " and pg_try_advisory_xact_lock(hashtextextended($1 || '=' || coalesce($2, $3::text), 3))"},
    /* muster_claim() in schema.sql is told where the transaction has this claim and that of the resource. */
    [STMT_CLAIM_NUMBER] = {"claim_number", "ttli", 0,
        "select l.number" CLAIMED("coalesce($2, $3::text)", "$1", "$4")
        " from (" CLAIMING("coalesce($2, $3::text)", "$1", "$4", "") ") as l"},
    [STMT_NUMBER_TAKEN] = {"number_taken", "ti", STMT_NEEDS_INIT_DB,
        "select exists (select from entity_attrs"
        " where key = $1 and number = $2 and (subkey = 'manager') is true and deleted_at_version is null)"},
    [STMT_OTHER_KEY] = {"other_key", "it", 0,
        OTHER_KEY("key < $2") " union all " OTHER_KEY("key > $2") " union all " OTHER_KEY("$2::text is null") " limit 1"},
    [STMT_NEXT_ENTITY_NAME] = {"next_entity_name", "tlli", 0,
        "select s.n from (select generate_series($2, $3) as n) as s"
        " where (select e.entity_id from entities e"
        " where e.name = $1 || case when $4 = 0 then s.n::text else lpad(s.n::text, $4, '0') end and e.deleted_at_version is null limit 1) is null"
        " limit 1"},
    [STMT_NEXT_ATTR_NAME] = {"next_attr_name", "tllit", 0,
        "select s.n from (select generate_series($2, $3) as n) as s"
        " where (select a.attr_id from entity_attrs a"
        " where a.key = $5 and (a.subkey is null) is true and a.deleted_at_version is null"
        " and left(a.string_value, 64) = left($1 || case when $4 = 0 then s.n::text else lpad(s.n::text, $4, '0') end, 64)"
        " and a.string_value = $1 || case when $4 = 0 then s.n::text else lpad(s.n::text, $4, '0') end limit 1) is null"
        " limit 1"},
    /* As STMT_HOLDER_OF_INT looks for them. */
    [STMT_NEXT_NUMBER] = {"next_number", "tlli", 0,
        "select s.n from (select generate_series($2, $3) as n) as s"
        " where (select a.attr_id from entity_attrs a"
        " where a.key = $1 and (a.subkey is null) is true and a.deleted_at_version is null and a.int_value = s.n"
        " and exists (select from entity_attrs m"
        " where m.entity_id = a.entity_id and m.key = a.key and m.number = a.number and (m.subkey = 'manager') is true"
        " and m.relation_id = $4 and m.deleted_at_version is null) limit 1) is null"
        " limit 1"},
    [STMT_COUNTER] = {"counter", "it", 0,
        "select max(value) from counters where entity_id = $1 and attr_key = $2 having count(*) > 0"},
    [STMT_SET_COUNTER] = {"set_counter", "itl", 0,
        "with bumped as ("
        " update counters set value = $3 where entity_id = $1 and attr_key = $2 returning 1),"
        " made as ("
        " insert into counters (entity_id, attr_key, value)"
        " select $1, $2, $3 where not exists (select from bumped) and " COUNTS
        " on conflict do nothing returning 1)"
        " select 1 from bumped union all select 1 from made"},
    [STMT_MOVE_LAST] = {"move_last", "il", 0, change_sql_move_last},
    [STMT_SET_LAST] = {"set_last", "ili", STMT_TAKES_VERSION, change_sql_set_last},
    /* By the object, which has few: not by the manager, which has given much. */
    [STMT_GIVEN] = {"given", "iitlt", 0,
        "with given as ("
        " select distinct m.number from entity_attrs m"
        " where m.entity_id = $2 and m.key = $3 and (m.subkey = 'manager') is true and coalesce(m.relation_id, 0) = $1"
        " and m.deleted_at_version is null and ($4 is null and $5 is null or exists ("
        " select from entity_attrs a where a.entity_id = $2 and a.key = $3 and (a.subkey is null) is true"
        " and a.number is not distinct from m.number and a.deleted_at_version is null"
        " and ($4 is null or a.int_value = $4) and ($5 is null or a.string_value = $5))))"
        " select a.attr_id from given g join entity_attrs a on a.entity_id = $2 and a.key = $3"
        " and a.number is not distinct from g.number and a.deleted_at_version is null"},

    /* --- preferences. A row is named by $1, the user, and $2, the container. Where revisions are
     * asked for, null is whatever there is. */
    [STMT_PREFS_LIST] = {"prefs_list", "t", STMT_NEEDS_INIT_DB | STMT_OF_USER,
        "select container from muster_preferences where user_id = $1 order by container"},
    [STMT_PREFS_SEARCH] = {"prefs_search", "tj", STMT_NEEDS_INIT_DB | STMT_OF_USER,
        "select container from muster_preferences where user_id = $1 and document @> $2 order by container"},
    /* The most frequent ones say themselves for whom they are: half the work of two statements. */
    [STMT_PREFS_GET] = {"prefs_get", "tt", STMT_NEEDS_INIT_DB, READ_AS_USER("document")},
    [STMT_PREFS_GET_PATH] = {"prefs_get_path", "ttT", STMT_NEEDS_INIT_DB, READ_AS_USER("document #> $3")},
    [STMT_PREFS_PUT] = {"prefs_put", "ttj", STMT_NEEDS_INIT_DB | STMT_OF_USER,
        "insert into muster_preferences (user_id, container, document, revision)"
        " values ($1, $2, $3, nextval('muster_preferences_revision'))"
        " on conflict (user_id, container) do update"
        " set document = $3, revision = nextval('muster_preferences_revision')"
        " returning revision, xmax = 0"}, /* of a new row */
    /* $4: how large the document may have been for this to be added. */
    [STMT_PREFS_MERGE] = {"prefs_merge", "ttjl", STMT_NEEDS_INIT_DB | STMT_OF_USER,
        "insert into muster_preferences as p (user_id, container, document, revision)"
        " values ($1, $2, $3, nextval('muster_preferences_revision'))"
        " on conflict (user_id, container) do update"
        " set document = p.document || $3, revision = nextval('muster_preferences_revision')"
        " where p.bytes <= $4 returning revision"},
    [STMT_PREFS_MERGE_IF] = {"prefs_merge_if", "ttjlL", STMT_NEEDS_INIT_DB | STMT_OF_USER,
        "update muster_preferences"
        " set document = document || $3, revision = nextval('muster_preferences_revision')"
        " where user_id = $1 and container = $2 and bytes <= $4 and revision = any ($5) returning revision"},
    /* $3: where, $4: what must be an object to hold it, $5: what, $6: as above, $7: the whole new
     * document, $8: the request, as STMT_SET_NAME has it. #> takes what looks like a number for a
     * position in a list; such paths don't come here. */
    [STMT_PREFS_SET] = {"prefs_set", "ttTTjljt", STMT_NEEDS_INIT_DB | STMT_NAMES_ITSELF,
        "with u as materialized (" AS_USER ","
        " case when $8 is not null then " NAME_AFTER("$8") " end)"
        " insert into muster_preferences as p (user_id, container, document, revision)"
        " select u.id, $2, $7, nextval('muster_preferences_revision') from u"
        " on conflict (user_id, container) do update"
        " set document = jsonb_set(p.document, $3, $5), revision = nextval('muster_preferences_revision')"
        " where p.bytes <= $6 and jsonb_typeof(p.document #> $4) = 'object' returning revision"},
    [STMT_PREFS_SET_IF] = {"prefs_set_if", "ttTTjlL", STMT_NEEDS_INIT_DB | STMT_OF_USER,
        "update muster_preferences"
        " set document = jsonb_set(document, $3, $5), revision = nextval('muster_preferences_revision')"
        " where user_id = $1 and container = $2 and bytes <= $6 and jsonb_typeof(document #> $4) = 'object'"
        " and revision = any ($7) returning revision"},
    [STMT_PREFS_REMOVE] = {"prefs_remove", "ttTL", STMT_NEEDS_INIT_DB | STMT_OF_USER,
        "update muster_preferences"
        " set document = document #- $3, revision = nextval('muster_preferences_revision')"
        " where user_id = $1 and container = $2 and document #> $3 is not null"
        " and ($4 is null or revision = any ($4)) returning revision"},
    [STMT_PREFS_CREATE] = {"prefs_create", "ttj", STMT_NEEDS_INIT_DB | STMT_OF_USER,
        "insert into muster_preferences (user_id, container, document, revision)"
        " values ($1, $2, $3, nextval('muster_preferences_revision'))"
        " on conflict (user_id, container) do nothing returning revision"},
    [STMT_PREFS_UPDATE] = {"prefs_update", "ttjL", STMT_NEEDS_INIT_DB | STMT_OF_USER,
        "update muster_preferences set document = $3, revision = nextval('muster_preferences_revision')"
        " where user_id = $1 and container = $2 and ($4 is null or revision = any ($4)) returning revision"},
    [STMT_PREFS_DELETE] = {"prefs_delete", "ttL", STMT_NEEDS_INIT_DB | STMT_OF_USER,
        "delete from muster_preferences"
        " where user_id = $1 and container = $2 and ($3 is null or revision = any ($3)) returning revision"},
    [STMT_PREFS_DELETE_ALL] = {"prefs_delete_all", "t", STMT_NEEDS_INIT_DB | STMT_OF_USER,
        "delete from muster_preferences where user_id = $1"},
    [STMT_PREFS_LOCK] = {"prefs_lock", "tt", STMT_NEEDS_INIT_DB | STMT_OF_USER,
        "select revision, document, bytes from muster_preferences"
        " where user_id = $1 and container = $2 for update"},
    /* Two users who get the same number by chance wait for each other, nothing worse. */
    [STMT_PREFS_LOCK_USER] = {"prefs_lock_user", "t", 0,
        "select pg_advisory_xact_lock(hashtextextended($1, 4))"},
    [STMT_PREFS_USAGE] = {"prefs_usage", "t", STMT_NEEDS_INIT_DB | STMT_OF_USER,
        "select count(*), coalesce(sum(bytes), 0) from muster_preferences where user_id = $1"},
    /* For the transaction, also where that is only one packet. */
    [STMT_SET_USER] = {"set_user", "t", 0,
        "select set_config('muster.user_id', $1, true)"},

    /* --- responses that are given again: of $1 by the key $2. */
    [STMT_IDEMPOTENCY_CLAIM] = {"idempotency_claim", "ttt", STMT_NEEDS_INIT_DB,
        "insert into muster_idempotency (who, key, request) values ($1, $2, decode($3, 'hex')) on conflict do nothing"},
    [STMT_IDEMPOTENCY_FIND] = {"idempotency_find", "tt", STMT_NEEDS_INIT_DB,
        "select encode(request, 'hex'), status, headers, body from muster_idempotency where who = $1 and key = $2"},
    [STMT_IDEMPOTENCY_KEEP] = {"idempotency_keep", "ttitt", STMT_NEEDS_INIT_DB,
        "update muster_idempotency set status = $3, headers = $4, body = $5 where who = $1 and key = $2"},
    [STMT_IDEMPOTENCY_PRUNE] = {"idempotency_prune", "l", STMT_NEEDS_INIT_DB,
        "delete from muster_idempotency where (who, key) in (select who, key from muster_idempotency"
        " where at < now() - $1 * interval '1 millisecond' order by at limit 10000 for update skip locked)"},

    /* --- tokens */
    [STMT_TOKEN_FIND] = {"token_find", "t", STMT_NEEDS_INIT_DB,
        "select encode(hash, 'hex'), owner, array_to_string(scopes, ' '), array_to_string(networks, ' '),"
        " coalesce(last_used < now() - interval '1 minute', true)"
        " from muster_token where id = $1 and revoked is null and coalesce(expires > now(), true)"},
    /* Nobody waits for another who is writing the same down, nor for the disk or a standby: what a
     * crash takes of it is of no weight, and the worker would be gone meanwhile. */
    [STMT_TOKEN_USED] = {"token_used", "t", STMT_NEEDS_INIT_DB,
        "with quick as materialized ("
        " select set_config('synchronous_commit', 'off', true))"
        " update muster_token set last_used = now() where id = (select t.id from muster_token t, quick"
        " where t.id = $1 and coalesce(t.last_used < now() - interval '1 minute', true)"
        " for update of t skip locked)"},
    /* $6: seconds from now; null: forever. */
    [STMT_TOKEN_ADD] = {"token_add", "tttTTl", STMT_NEEDS_INIT_DB | STMT_ONCE,
        "insert into muster_token (id, hash, owner, scopes, networks, expires)"
        " values ($1, decode($2, 'hex'), $3, $4, $5, now() + $6 * interval '1 second')"},
    /* $1: whose; null: all. $2: those that are of no more use, too. */
    [STMT_TOKEN_LIST] = {"token_list", "tb", STMT_NEEDS_INIT_DB | STMT_ONCE,
        "select id, owner, array_to_string(scopes, ','), array_to_string(networks, ','),"
        " to_char(made at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " to_char(expires at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " to_char(last_used at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " case when revoked is not null then 'revoked' when expires <= now() then 'expired' else 'valid' end"
        " from muster_token"
        " where ($1 is null or owner = $1) and ($2 or revoked is null and coalesce(expires > now(), true))"
        " order by made, id"},
    /* $1: which, or $2: whose. */
    [STMT_TOKEN_REVOKE] = {"token_revoke", "tt", STMT_NEEDS_INIT_DB | STMT_ONCE,
        "update muster_token set revoked = now() where (id = $1 or owner = $2) and revoked is null"},

    [STMT_FIND_VERSION] = {"find_version", "iti", STMT_NEEDS_INIT_DB, versions_sql_find},
    [STMT_CHECK_VERSIONS] = {"check_versions", "I", STMT_NEEDS_INIT_DB, versions_sql_check},
    /* Instead of the same check again: was anything committed since? */
    [STMT_SNAPSHOT] = {"snapshot", "", 0, "select pg_current_snapshot()::text"},
    [STMT_VERSION_EXISTS] = {"version_exists", "i", 0, "select exists (select from clustoversioning where version = $1)"},
    [STMT_VERSION_PASSED] = {"version_passed", "i", STMT_NEEDS_INIT_DB, versions_sql_passed},
    [STMT_VERSIONS_DONE] = {"versions_done", "", STMT_NEEDS_INIT_DB, versions_sql_done},

    [STMT_HISTORY_CHANGES] = {"history_changes", "IIiiI", STMT_NEEDS_INIT_DB, history_sql_changes},
    [STMT_HISTORY_CHANGES_OF_OBJECTS] = {"history_changes_of_objects", "IIiiI", STMT_NEEDS_INIT_DB, history_sql_changes_of_objects},
    [STMT_HISTORY_PAGE] = {"history_page", "iiii", STMT_NEEDS_INIT_DB, history_sql_page},
    [STMT_HISTORY_VERSIONS] = {"history_versions", "iiti", STMT_NEEDS_INIT_DB, history_sql_versions},
    [STMT_HISTORY_VERSIONS_OF_USER] = {"history_versions_of_user", "iiti", STMT_NEEDS_INIT_DB, history_sql_versions_of_user},
    [STMT_HISTORY_VERSIONS_OF_OBJECTS] = {"history_versions_of_objects", "iitiI", STMT_NEEDS_INIT_DB, history_sql_versions_of_objects},
    [STMT_HISTORY_IDS] = {"history_ids", "t", STMT_NEEDS_INIT_DB, history_sql_ids},
    [STMT_HISTORY_FLOOR] = {"history_floor", "", STMT_NEEDS_INIT_DB, history_sql_floor},
    [STMT_REVERT_LOCK_NAMES] = {"revert_lock_names", "i", STMT_NEEDS_INIT_DB, revert_sql_lock_names},
    [STMT_REVERT_LOCK] = {"revert_lock", "i", STMT_NEEDS_INIT_DB, revert_sql_lock},
    [STMT_REVERT_LOCK_OF_OBJECT] = {"revert_lock_of_object", "ii", STMT_NEEDS_INIT_DB, revert_sql_lock_of_object},
    [STMT_REVERT_ROWS] = {"revert_rows", "i", STMT_NEEDS_INIT_DB, revert_sql_rows},
    [STMT_REVERT_ROWS_OF_OBJECT] = {"revert_rows_of_object", "ii", STMT_NEEDS_INIT_DB, revert_sql_rows_of_object},
    [STMT_REVERT_CLAIM] = {"revert_claim", "I", STMT_NEEDS_INIT_DB, revert_sql_claim},
    [STMT_REVERT_CONFLICTS] = {"revert_conflicts", "i", STMT_NEEDS_INIT_DB, revert_sql_conflicts},
    [STMT_REVERT_TAKEN] = {"revert_taken", "IIi", STMT_NEEDS_INIT_DB, revert_sql_taken},
    [STMT_REVERT_END] = {"revert_end", "i", STMT_NEEDS_INIT_DB | STMT_TAKES_VERSION, revert_sql_end},
    [STMT_REVERT_FREE_NAMES] = {"revert_free_names", "i", STMT_NEEDS_INIT_DB | STMT_TAKES_VERSION, revert_sql_free_names},
    [STMT_REVERT_NAME] = {"revert_name", "i", STMT_NEEDS_INIT_DB | STMT_TAKES_VERSION, revert_sql_name},
    [STMT_REVERT_CREATE] = {"revert_create", "i", STMT_NEEDS_INIT_DB | STMT_TAKES_VERSION, revert_sql_create},
    [STMT_REVERT_ADD] = {"revert_add", "iI", STMT_NEEDS_INIT_DB | STMT_TAKES_VERSION, revert_sql_add},
    [STMT_REVERT_COUNT] = {"revert_count", "", STMT_NEEDS_INIT_DB | STMT_TAKES_VERSION, revert_sql_count},
    [STMT_REVERT_VIOLATIONS] = {"revert_violations", "TI", STMT_NEEDS_INIT_DB, revert_sql_violations},

    /* --- old history goes (store/prune.c). */
    [STMT_RAISE_FLOOR] = {"raise_floor", "i", STMT_NEEDS_INIT_DB | STMT_ONCE,
        "with raised as (update muster_floor set oldest = $1, exact = greatest(exact, $1) where oldest < $1 returning oldest)"
        " select coalesce((select oldest from raised), oldest) from muster_floor"},
    [STMT_PRUNES] = {"prunes", "", STMT_NEEDS_INIT_DB | STMT_ONCE,
        "select set_config('muster.prunes', 'on', true)"},
    /* Each: up to the version $1, from the place $2 on; how many went, and where the next begin. */
    [STMT_PRUNE_ATTRS] = {"prune_attrs", "ii", STMT_NEEDS_INIT_DB | STMT_ONCE,
        "with old as materialized (select attr_id from entity_attrs where " IS_ENDED BY_END BATCH "),"
        " copies as (delete from muster_copy where attr_id = any(array(select attr_id from old))),"
        " pruned as (delete from entity_attrs where attr_id = any(array(select attr_id from old)) returning deleted_at_version)"
        " select count(*), max(deleted_at_version) from pruned"},
    [STMT_PRUNE_ENTITIES] = {"prune_entities", "ii", STMT_NEEDS_INIT_DB | STMT_ONCE,
        "with old as materialized (select entity_id from entities e where " IS_ENDED
        " and" NOT_NAMED("entity_attrs", "entity_id", "e.entity_id") " and" NOT_NAMED("entity_attrs", "relation_id", "e.entity_id")
        " and" NOT_NAMED("counters", "entity_id", "e.entity_id") BY_END BATCH "),"
        " pruned as (delete from entities where entity_id = any(array(select entity_id from old)) returning deleted_at_version)"
        " select count(*), max(deleted_at_version) from pruned"},
    [STMT_PRUNE_NAMES] = {"prune_names", "ii", STMT_NEEDS_INIT_DB | STMT_ONCE,
        "with old as materialized (select entity_id, until from muster_was where until between $2 and $1"
        " order by until" BATCH "),"
        " pruned as (delete from muster_was w using old where w.entity_id = old.entity_id and w.until = old.until"
        " returning w.until)"
        " select count(*), max(until) from pruned"},
    /* The version $1 itself stays: it is one that can be read. */
    [STMT_PRUNE_VERSIONS] = {"prune_versions", "ii", STMT_NEEDS_INIT_DB | STMT_ONCE,
        "with looked as materialized (select version from clustoversioning where version > $2 and version < $1"
        " order by version limit 1000),"
        " old as materialized (select version from clustoversioning v where version = any(array(select version from looked))"
        " and" NOT_NAMED("entities", "version::bigint", "v.version") " and" NOT_ENDED("entities")
        " and" NOT_NAMED("entity_attrs", "version::bigint", "v.version") " and" NOT_ENDED("entity_attrs")
        " and (select 1 from muster_was w where v.version in (w.version, w.until) limit 1) is null for update skip locked),"
        " pruned as (delete from clustoversioning where version = any(array(select version from old)) returning version)"
        " select (select count(*) from pruned), (select max(version) from looked)"},

    /* One snapshot for all columns: the statement's. The second names the server's life: after a
     * crash, a restart or on another server transaction numbers mean something else. If that differs,
     * without $1, or when $1 is older than what was pruned, everything counts as changed: key 0. On a
     * standby a snapshot's text leaves out which transactions are under way: there everything at or
     * above its xmin counts.
     * The last says who watches: whatever is done to the triggers has a transaction, so it differs only
     * where the snapshot does (null: as before). Another one, or '!' and why nobody does, means that
     * something may have been changed that no trigger tells of.
     * The short form, without what is only needed where something differs, takes half the time. */
    [STMT_UNCHANGED] = {"unchanged", "tt", STMT_NEEDS_INIT_DB,
        "select pg_current_snapshot()::text = $1 and not pg_is_in_recovery() and " INCARNATION " = $2"},
    [STMT_REPLAYED] = {"replayed", "", 0, "select pg_last_wal_replay_lsn()::text"},
    [STMT_UNREPLAYED] = {"unreplayed", "tt", 0, "select pg_last_wal_replay_lsn()::text = $1 and " INCARNATION " = $2"},
    [STMT_CHANGES] = {"changes", "tt", STMT_NEEDS_INIT_DB,
        "select n.snapshot, n.life, "
        "case when n.snapshot = $1 and n.life = $2 and not n.standby then null else muster_watch() end, case"
        " when n.life <> $2 or $1 = '' then '{0}'::bigint[]"
        " when n.snapshot = $1 and not n.standby then null"
        " when exists (select from muster_pruned where below > pg_snapshot_xmin(nullif($1, '')::pg_snapshot))"
        " then '{0}'::bigint[]"
        " else (select array_agg(distinct key) from muster_change"
        " where xid >= pg_snapshot_xmin(nullif($1, '')::pg_snapshot)"
        " and (n.standby or not pg_visible_in_snapshot(xid, nullif($1, '')::pg_snapshot))) end"
        " from (select pg_current_snapshot()::text as snapshot, pg_is_in_recovery() as standby, " INCARNATION
        " as life) as n"},
    [STMT_UNCHANGED_SINCE] = {"unchanged_since", "t", STMT_NEEDS_INIT_DB, snapshot_sql_unchanged},

    [STMT_FEED_MAKE] = {"feed_make", "l", STMT_NEEDS_INIT_DB, feed_sql_make},
    [STMT_FEED_LATEST] = {"feed_latest", "", STMT_NEEDS_INIT_DB, feed_sql_latest},
    [STMT_FEED_SPAN] = {"feed_span", "lli", STMT_NEEDS_INIT_DB, feed_sql_span},
    [STMT_FEED_EVENTS] = {"feed_events", "llll", STMT_NEEDS_INIT_DB, feed_sql_events},
    [STMT_FEED_EVENTS_ALONE] = {"feed_events_alone", "llll", STMT_NEEDS_INIT_DB, feed_sql_events_alone},
    [STMT_FEED_CONTAINERS] = {"feed_containers", "II", STMT_NEEDS_INIT_DB, feed_sql_containers},
    [STMT_FEED_POOLS] = {"feed_pools", "T", 0, feed_sql_pools},
    [STMT_FEED_PREFERENCES] = {"feed_preferences", "tllll", STMT_NEEDS_INIT_DB | STMT_OF_USER, feed_sql_preferences},
    [STMT_FEED_USERS] = {"feed_users", "ll", STMT_NEEDS_INIT_DB, feed_sql_users},
    [STMT_FEED_PRUNE_POINTS] = {"feed_prune_points", "ll", STMT_NEEDS_INIT_DB, feed_sql_prune_points},
    [STMT_FEED_PRUNE_CHANGES] = {"feed_prune_changes", "l", STMT_NEEDS_INIT_DB, feed_sql_prune_changes},
    [STMT_FEED_ADOPT] = {"feed_adopt", "", STMT_ONCE | STMT_NEEDS_INIT_DB, feed_sql_adopt},

    [STMT_POSITION] = {"position", "", STMT_NEEDS_INIT_DB, position_sql_ask},
    [STMT_POSITION_TIMELINE] = {"position_timeline", "i", STMT_NEEDS_INIT_DB | STMT_ONCE, position_sql_timeline},
    [STMT_POSITION_LINEAGE] = {"position_lineage", "il", STMT_NEEDS_INIT_DB | STMT_ONCE, position_sql_lineage},
    [STMT_POSITION_REACHED] = {"position_reached", "lli", STMT_NEEDS_INIT_DB, position_sql_reached},

    /* --- the report of --check-db */
    [STMT_CHECK_ENCODING] = {"check_encoding", "", STMT_ONCE,
        "select format('the encoding of the database is %s, not UTF8: it can''t hold or compare all texts', getdatabaseencoding())"
        " where getdatabaseencoding() <> 'UTF8'"},
    [STMT_CHECK_NAMES] = {"check_names", "", STMT_ONCE,
        "select format('name \"%s\" is there %s times: entities %s', name, count(*),"
        " string_agg(entity_id::text, ', ' order by entity_id))"
        " from entities where deleted_at_version is null group by name having count(*) > 1 order by name"},
    [STMT_CHECK_DOTS] = {"check_dots", "", STMT_ONCE,
        "select format('/%s/%s can''t be changed or deleted, as its name has a segment of dots;"
        " to rename it: update entities set name = ''NEW'' where entity_id = %s', driver, name, entity_id)"
        " from entities where deleted_at_version is null and name ~ '(^|/)[.]{1,2}(/|$)' order by entity_id"},
    [STMT_CHECK_COUNTERS] = {"check_counters", "", STMT_ONCE,
        "select format('counter \"%s\" of entity %s is there %s times', attr_key, entity_id, count(*))"
        " from counters group by entity_id, attr_key having count(*) > 1 order by entity_id, attr_key"},
    [STMT_CHECK_OWNERS] = {"check_owners", "", STMT_ONCE,
        "select format('attribute %s (%s) belongs to entity %s, which is not there', a.attr_id, a.key, a.entity_id)"
        " from entity_attrs a"
        " left join entities e on e.entity_id = a.entity_id and e.deleted_at_version is null"
        " where a.deleted_at_version is null and e.entity_id is null order by a.attr_id"},
    [STMT_CHECK_RELATIONS] = {"check_relations", "", STMT_ONCE,
        "select format('attribute %s (%s) of /%s/%s refers to entity %s, which is not there',"
        " a.attr_id, a.key, e.driver, e.name, a.relation_id)"
        " from entity_attrs a"
        " join entities e on e.entity_id = a.entity_id and e.deleted_at_version is null"
        " left join entities r on r.entity_id = a.relation_id and r.deleted_at_version is null"
        " where a.deleted_at_version is null and a.relation_id is not null and r.entity_id is null"
        " order by a.attr_id"},
    [STMT_CHECK_DATATYPES] = {"check_datatypes", "", STMT_ONCE,
        "select format('attribute %s (%s) has an unknown datatype: %s', attr_id, key, datatype)"
        " from entity_attrs where deleted_at_version is null"
        " and datatype not in ('int', 'string', 'datetime', 'relation', 'json') order by attr_id"},
    /* Only what contains something can be in a circle. */
    [STMT_CHECK_CIRCLES] = {"check_circles", "", STMT_ONCE,
        "with recursive inner_of as (select a.entity_id as container, a.relation_id as member from entity_attrs a"
        " join entities c on c.entity_id = a.entity_id and c.deleted_at_version is null"
        " join entities t on t.entity_id = a.relation_id and t.deleted_at_version is null"
        " where a.key = '_contains' and a.deleted_at_version is null"
        " and exists (select from entity_attrs b where b.entity_id = a.relation_id"
        " and b.key = '_contains' and b.deleted_at_version is null)),"
        " below as (select container as top, member from inner_of"
        " union select b.top, i.member from below b join inner_of i on i.container = b.member)"
        " select format('/%s/%s contains itself', e.driver, e.name)"
        " from below b join entities e on e.entity_id = b.top where b.top = b.member order by b.top"},
    [STMT_CHECK_UNIQUE_POOLS] = {"check_unique_pools", "TI", STMT_ONCE,
        MEMBERSHIPS IN_UNIQUE_POOLS " order by member"},
    [STMT_CHECK_EXCLUSIVE_POOLS] = {"check_exclusive_pools", "TI", STMT_ONCE,
        MEMBERSHIPS IN_EXCLUSIVE_POOLS " order by member"},
    [STMT_CHECK_LOCATIONS] = {"check_locations", "TI", STMT_ONCE,
        MEMBERSHIPS IN_LOCATIONS " order by member"},
    [STMT_CHECK_RACKS] = {"check_racks", "TI", STMT_ONCE,
        MEMBERSHIPS IN_RACKS " order by member"},
    [STMT_CHECK_UNITS] = {"check_units", "TI", STMT_ONCE,
        MEMBERSHIPS "select format('unit %s of %s is taken more than once: %s', number, place,"
        " string_agg(thing, ', ' order by thing))"
        " from m where rule = 5 and subkey = 'ru' group by container, place, number"
        " having count(*) > 1 order by container, number"},
    [STMT_CHECK_PORTS] = {"check_ports", "", STMT_ONCE,
        "select format('%s %s of /%s/%s is connected more than once: %s', a.key, a.number, e.driver, e.name,"
        " string_agg(format('/%s/%s', o.driver, o.name), ', ' order by a.attr_id))"
        " from entity_attrs a join entities e on e.entity_id = a.entity_id and e.deleted_at_version is null"
        " join entities o on o.entity_id = a.relation_id and o.deleted_at_version is null"
        " where a.key like 'port-%' and a.subkey = 'connection' and a.deleted_at_version is null"
        " group by e.entity_id, e.driver, e.name, a.key, a.number having count(*) > 1 order by e.entity_id, a.key, a.number"},
    [STMT_CHECK_OTHERS] = {"check_others", "TI", STMT_ONCE, MEMBERSHIPS IN_OTHERS " order by member"},
    [STMT_CHECK_ADDRESSES] = {"check_addresses", "", STMT_ONCE,
        "select format('address %s is held more than once: %s', host('0.0.0.0'::inet + (a.int_value::bigint + 2147483648)),"
        " string_agg(format('/%s/%s', e.driver, e.name), ', ' order by e.entity_id, a.attr_id))"
        " from entity_attrs a join entities e on e.entity_id = a.entity_id and e.deleted_at_version is null"
        " where a.key = 'ip' and a.subkey is null and a.datatype = 'int' and a.deleted_at_version is null"
        " and a.int_value between -2147483648 and 2147483647"
        " group by a.int_value having count(*) > 1 order by a.int_value"},
    [STMT_CHECK_LAST] = {"check_last", "", STMT_ONCE,
        "select format('/%s/%s has %s live rows _lastip: Python clusto can''t allocate from it (muster --init-db keeps the newest)',"
        " e.driver, e.name, count(*))"
        " from entity_attrs a join entities e on e.entity_id = a.entity_id and e.deleted_at_version is null"
        " where a.key = '_lastip' and a.subkey is null and a.deleted_at_version is null"
        " group by e.entity_id, e.driver, e.name having count(*) > 1 order by e.entity_id"},
    [STMT_CHECK_KEYS] = {"check_keys", "T", STMT_ONCE | STMT_NEEDS_INIT_DB,
        "select format('what writers beside muster give under the key %s is not waited for (muster --init-db sees to it)', key)"
        " from (select unnest($1) as key except select key from muster_resource_key) as k order by key"},
    [STMT_CHECK_BESIDE] = {"check_beside", "", STMT_ONCE | STMT_NEEDS_INIT_DB,
        "select format('triggers for writers beside muster are missing or off: %s (muster --init-db makes them again)',"
        " string_agg(name, ', ' order by name))"
        " from unnest(" BESIDE ") as name"
        " where not exists (select from pg_trigger where tgname = name and tgenabled in ('O', 'A')"
        " and tgrelid = any (array['entities'::regclass, 'entity_attrs'::regclass, 'counters'::regclass]))"
        " having count(*) > 0"},
    [STMT_CHECK_WATCH] = {"check_watch", "", STMT_ONCE | STMT_NEEDS_INIT_DB,
        "select format('triggers of %s are missing or not always on: %s; responses are not cached (muster --init-db makes them again)',"
        " tab, string_agg(name, ', ' order by name))"
        " from unnest(" WATCHED ") as tab cross join unnest(" WATCHERS ") as name"
        " where not exists (select from pg_trigger where tgrelid = tab and tgname = name and tgenabled = 'A')"
        " group by tab order by tab::text"},
    [STMT_CHECK_COUNTS] = {"check_counts", "", STMT_ONCE | STMT_NEEDS_INIT_DB,
        "select format('the number of %s objects of the driver %s is out of date (muster --init-db counts them again)', type, driver)"
        " from (select driver, type, n from muster_count"
        " union all select driver, type, -count(*) from entities where deleted_at_version is null group by driver, type) as d"
        " group by driver, type having sum(n) <> 0 order by driver, type"},
    [STMT_CHECK_FLOOR] = {"check_floor", "", STMT_ONCE | STMT_NEEDS_INIT_DB,
        "select 'the history may lack what was written since its triggers were off, made again or restored (muster --init-db notes it)'"
        " where not exists (select from muster_floor where watch = muster_keep_watch()"
        " and cluster = (select system_identifier from pg_control_system()))"},
    [STMT_CHECK_TAKEN] = {"check_taken", "", STMT_ONCE | STMT_NEEDS_INIT_DB,
        "with taken as (select int_value::bigint as address, count(*)::integer as uses from entity_attrs"
        " where key = 'ip' and subkey is null and datatype = 'int' and deleted_at_version is null"
        " and int_value between -2147483648 and 2147483647 group by int_value),"
        " wrong as (select address from (table taken except table muster_ip) a"
        " union select address from (table muster_ip except table taken) b"
        " union select t.address from taken t where not exists"
        " (select from muster_ip_run r where r.lo >= (t.address >> 10) << 10 and r.lo <= t.address and r.hi >= t.address)),"
        " room as (select coalesce(sum(hi - lo + 1), 0) as runs, (select count(*) from muster_ip) as listed from muster_ip_run)"
        " select format('the list of taken addresses is out of date at %s addresses (muster --init-db makes it again)',"
        " greatest((select count(*) from wrong), abs(runs - listed)))"
        " from room where runs <> listed or exists (select from wrong)"},
    /* Where the tables are. */
    [STMT_CHECK_HOME] = {"check_home", "", STMT_ONCE,
        "select coalesce((select relnamespace from pg_class where oid = to_regclass('entities')),"
        " to_regnamespace(current_schema()))::oid"},
    /* What is in the schema $1, just made by --init-db's script and alone in search_path, beside the one
     * that is in use, $2. $3: of what --init-db has added all is there or reported by name; so are the
     * triggers of STMT_CHECK_BESIDE and STMT_CHECK_WATCH. */
    [STMT_CHECK_SCHEMA] = {"check_schema", "ttb", STMT_ONCE,
        "with side as (select n.oid, quote_ident(nspname) as home, quote_ident(nspname) || '.' as prefix, n.oid = $1::oid as fresh"
        " from pg_namespace n where n.oid in ($1::oid, $2::oid)),"
        " tab as (select s.fresh, s.prefix, c.oid, c.relname::text as name, c.relreplident = 'f' as whole,"
        " c.relrowsecurity and c.relforcerowsecurity as forced"
        " from side s join pg_class c on c.relnamespace = s.oid and c.relkind in ('r', 'p')),"
        /* state: what it has to be, beside being there; mend: how, if not by --init-db */
        " thing(fresh, rank, kind, tab, name, state, mend) as ("
        " select fresh, 1, 'table', null, name, null, null from tab"
        " union all select s.fresh, 2, 'sequence', null, c.relname, null, null"
        " from side s join pg_class c on c.relnamespace = s.oid and c.relkind = 'S' and c.relname like 'muster\\_%'"
        " union all select t.fresh, 3, 'column', t.name, a.attname, null, null"
        " from tab t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped"
        " union all select t.fresh, 4, 'default', t.name, a.attname, null,"
        " format('alter table %I alter %I set default %s', t.name, a.attname, replace(pg_get_expr(d.adbin, d.adrelid), t.prefix, ''))"
        " from tab t join pg_attrdef d on d.adrelid = t.oid join pg_attribute a on a.attrelid = t.oid and a.attnum = d.adnum"
        " where a.attgenerated = ''"
        " union all select t.fresh, 5, 'constraint', t.name, x.def, null, format('alter table %I add %s', t.name, x.def)"
        " from tab t join pg_constraint c on c.conrelid = t.oid and c.contype in ('p', 'u', 'f', 'c')"
        " cross join lateral (select replace(pg_get_constraintdef(c.oid), t.prefix, '') as def) x"
        " union all select t.fresh, 6, 'index', t.name, c.relname, concat(i.indisvalid,"
        " case when c.relname like 'muster\\_%' and c.relname not like 'muster\\_%\\_text' then replace(pg_get_indexdef(c.oid), t.prefix, '') end), null"
        " from tab t join pg_index i on i.indrelid = t.oid join pg_class c on c.oid = i.indexrelid"
        " where not exists (select from pg_constraint where conindid = c.oid and conrelid = t.oid and contype in ('p', 'u'))"
        " union all select t.fresh, 7, 'trigger', t.name, g.tgname, case g.tgenabled when 'A' then 'A' when 'O' then 'O' else 'D' end, null"
        " from tab t join pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal"
        " where not $3 or g.tgname not like 'muster\\_change\\_%' and g.tgname <> all(" BESIDE ")"
        " union all select s.fresh, 8, 'function', null, format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),"
        " md5(concat(x.body, p.prosecdef, p.provolatile, replace(array_to_string(p.proconfig, ' '), 'search_path=' || s.home, ''))), null"
        " from side s join pg_proc p on p.pronamespace = s.oid and p.proname like 'muster\\_%'"
        /* Without the names of both, which may stand there for something else, too: "new." */
        " cross join lateral (select replace(replace(replace(p.prosrc, '''''', ''''), min(prefix) filter (where fresh), ''),"
        " min(prefix) filter (where not fresh), '') as body from side) x"
        " union all select t.fresh, 9, 'policy', t.name, p.polname, null, null"
        " from tab t join pg_policy p on p.polrelid = t.oid where t.forced"
        " union all select fresh, 10, 'replica identity', name, 'full', null, null from tab where whole),"
        " missing as (select f.*, r.state is not null as differs from thing f"
        " left join thing r on not r.fresh and (r.kind, r.name) = (f.kind, f.name) and r.tab is not distinct from f.tab"
        " where f.fresh and (r.kind is null or r.state <> f.state and not (f.kind = 'trigger' and r.state = 'A'))"
        " and (f.tab is null or exists (select from tab where not fresh and name = f.tab))"
        " and (f.name not ilike 'muster\\_%' or exists (select from tab where not fresh and name = 'muster_schema')))"
        " select case when mend is not null then format('a %s of %s is missing: %s', kind, tab, mend)"
        " else format('%s %s%s is %s', kind, name, ' of ' || tab, case when not differs then 'missing (muster --init-db makes it)'"
        " when kind = 'index' then 'not as it must be (drop it, muster --init-db makes it again)'"
        " else 'not as it must be (muster --init-db makes it again)' end) end"
        " from missing order by rank, tab, name"},
    /* clang-format on */
};
