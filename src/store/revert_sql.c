/* revert_sql.c: the texts of the statements that revert a version, $1 below unless it is said otherwise,
 * or bring an object back to a version (contract/history.md A4). */
#include "store/history_sql.h"
#include "store/stmt_parts.h"

/* A line of SQL stays a line. */
/* clang-format off */

#define KEPT HISTORY_KEPT

/* To look rows up by: the function alone is asked for each row, and finds none by an index. */
#define CURRENT "(select " HISTORY_CURRENT ")"

/* The rows that the version made and ended; the objects that it created, deleted and renamed, these
 * with what they were called before. */
#define MADE  "entity_attrs a where a.version::bigint = $1 and a.deleted_at_version is distinct from $1 and " KEPT
#define ENDED \
    "entity_attrs a where coalesce(a.deleted_at_version, -1) <> -1 and a.deleted_at_version::bigint = $1 and coalesce(a.version, 0) < $1 and (" KEPT \
    " or (select e.deleted_at_version from entities e where e.entity_id = a.entity_id) = $1)"
#define BORN "entities e where e.version::bigint = $1 and e.deleted_at_version is distinct from $1"
#define DIED "entities e where coalesce(e.deleted_at_version, -1) <> -1 and e.deleted_at_version::bigint = $1 and coalesce(e.version, 0) < $1"
#define CALLED \
    "lateral (select coalesce(w.name, e.name) as name, coalesce(w.type, e.type) as type, coalesce(w.driver, e.driver) as driver" \
    " from (select 1) one left join muster_was w on w.entity_id = e.entity_id and w.until + 0 = $1 offset 0)"
#define RENAMED \
    "muster_was w cross join lateral (select * from entities where entity_id = w.entity_id offset 0) e" \
    " where w.until = $1 and e.deleted_at_version is distinct from $1"

/* --- locks: names, as STMT_LOCK_NAMES; then objects, by id */

const char revert_sql_lock_names[] =
    "select pg_advisory_xact_lock(1836413813, n.lock) from (select distinct hashtext(c.name) & 511 as lock from ("
    "select c.name from (select * from " DIED ") e cross join " CALLED " c"
    " union all select w.name from " RENAMED ") c order by 1) n";

#define LOCK(ids) \
    "select e.* from (select distinct l.id from (" ids ") l(id) where coalesce(l.id, 0) <> 0 order by 1) l" \
    " cross join lateral (select entity_id, version from entities where entity_id = l.id" \
    " and coalesce(deleted_at_version, 0) = 0 for update) e"
const char revert_sql_lock[] = LOCK(
    "select i.id from (select a.entity_id, a.relation_id from " MADE
    " union all select a.entity_id, a.relation_id from " ENDED ") a cross join lateral (values (a.entity_id), (a.relation_id)) i(id)"
    " union all select e.entity_id from " BORN " union all select e.entity_id from " RENAMED);

/* The object $1, back to the version $2. */
#define OF_OBJECT_THEN \
    "entity_attrs a where a.entity_id = $1 and a.deleted_at_version > $2 and coalesce(a.version, 0) <= $2 and " KEPT
#define OF_OBJECT_SINCE \
    "entity_attrs a where a.entity_id = $1 and a.version > $2 and coalesce(a.deleted_at_version, 0) = 0 and " KEPT
const char revert_sql_lock_of_object[] = LOCK(
    "select $1 union all select a.relation_id from " OF_OBJECT_THEN " union all select a.relation_id from " OF_OBJECT_SINCE);

/* --- what is to be done: 1: this row ends, 2: one like this comes back (3: into a container); 4, 5 and 6: objects
 * were created, deleted, renamed */

#define BACK "case when a.key = '_contains' then 3 else 2 end"
const char revert_sql_rows[] =
    "select 1, a.attr_id from " MADE " and coalesce(a.deleted_at_version, 0) = 0"
    " union all select " BACK ", a.attr_id from " ENDED
    " union all select 4, e.entity_id from " BORN " and coalesce(e.deleted_at_version, 0) = 0"
    " union all select 5, e.entity_id from " DIED
    " union all select 6, e.entity_id from " RENAMED;

/* Of rows that are alike as many stay as there were. */
#define FACT "a.key, a.subkey, a.number, a.datatype, a.int_value, a.string_value, a.datetime_value, a.relation_id"
#define FACTS "key, subkey, number, datatype, int_value, string_value, datetime_value, relation_id"
const char revert_sql_rows_of_object[] =
    "select case when d.then then case when d.key = '_contains' then 3 else 2 end else 1 end, d.attr_id from ("
    "select n.*, count(*) over (partition by " FACTS ", nth) as sides from ("
    "select b.*, row_number() over (partition by " FACTS ", b.then order by attr_id) as nth from ("
    "select a.attr_id, " FACT ", true as then from " OF_OBJECT_THEN
    " union all select a.attr_id, " FACT ", false from " OF_OBJECT_SINCE ") b) n) d where d.sides = 1";

/* --- claims on what the rows $1 take: racks, resources, numbers of resources; as muster_claim() does */

#define ROWS(ids) "unnest(" ids ") as i(id) cross join lateral (select * from entity_attrs where attr_id = i.id offset 0) b"
#define IS_RESOURCE "b.subkey is null and b.key in (select key from muster_resource_key)"
const char revert_sql_claim[] =
    "select muster_lock(c.what) from (select distinct x.what from (select b.* from " ROWS("$1") ") b cross join lateral ("
    "select 'rack=' || b.entity_id where b.key = '_contains' and b.subkey = 'ru'"
    " union all select concat(b.key, '=', coalesce(b.string_value, b.int_value::text)) where " IS_RESOURCE
    " union all select concat(b.key, '#=', b.number) where b.number is not null and " IS_RESOURCE ") x(what) order by 1) c";

/* --- conflicts: the rule's number, what is wrong, path and attribute of the object, the version in the way */

#define REPORT(conflicts) \
    "select c.rule, c.what, case when e.entity_id is not null then format('/%s/%s', e.driver, e.name) end, c.key, c.subkey," \
    " c.number, c.version from (" conflicts ") c(rule, what, id, key, subkey, number, version)" \
    " left join lateral (select * from entities where entity_id = c.id offset 0) e on true" \
    " order by c.rule, c.version, c.id limit 100"
#define NO_ATTR "null::text, null::text, null::integer"
/* A live object of that name that the version did not make or rename. */
#define TAKES(is, unless) \
    "lateral (select greatest(x.version, (select max(until) from muster_was where entity_id = x.entity_id)) as version" \
    " from entities x where x.name = " is " and x.deleted_at_version is null and x.version <> $1" unless \
    " and (select 1 from muster_was r where r.entity_id = x.entity_id and r.until = $1) is null offset 0)"

const char revert_sql_conflicts[] =
    "with ended as materialized (select a.entity_id, a.key, a.subkey, a.number from " ENDED "),"
    " born as materialized (select e.* from " BORN "),"
    " died as materialized (select e.entity_id, c.name from (select * from " DIED ") e cross join " CALLED " c),"
    " renamed as materialized (select w.entity_id, w.name, e.deleted_at_version from " RENAMED "),"
    " later as (select o.entity_id, l.* from (select distinct entity_id from ended) o cross join lateral ("
    "select key, subkey, number, version from entity_attrs where entity_id = o.entity_id and version > $1"
    " union all select key, subkey, number, deleted_at_version from entity_attrs"
    " where entity_id = o.entity_id and deleted_at_version > $1) l) "
    REPORT(
        "select 1, 'ended since', a.entity_id, a.key, a.subkey, a.number, a.deleted_at_version from " MADE
        " and coalesce(a.deleted_at_version, 0) <> 0"
        " union all select 2, 'set since', s.entity_id, s.key, s.subkey, s.number, max(s.version)"
        " from (select *, 0 as version from ended union all table later) s"
        " group by s.entity_id, s.key, s.subkey, s.number having min(s.version) = 0 and max(s.version) > 0"
        " union all select 3, 'used since', b.entity_id, a.key, a.subkey, a.number, a.version from born b cross join lateral ("
        "select * from entity_attrs a where a.entity_id = b.entity_id and a.deleted_at_version is null and a.version <> $1"
        " and " KEPT " offset 0) a"
        " union all select 3, 'referred to since', b.entity_id, " NO_ATTR ", a.version from born b cross join lateral ("
        "select * from entity_attrs a where a.relation_id = b.entity_id and a.deleted_at_version is null and a.version <> $1"
        " offset 0) a"
        " union all select 3, 'deleted since', b.entity_id, " NO_ATTR ", b.deleted_at_version from born b"
        " where b.deleted_at_version is not null"
        " union all select 3, 'renamed since', b.entity_id, " NO_ATTR ", w.until from born b cross join lateral ("
        "select until from muster_was where entity_id = b.entity_id and until > $1 offset 0) w where b.deleted_at_version is null"
        " union all select 4, 'the name is taken', d.entity_id, " NO_ATTR ", t.version from died d cross join " TAKES("d.name", "") " t"
        " union all select 4, 'the name is taken', max(d.entity_id), " NO_ATTR ", $1 from died d group by d.name having count(*) > 1"
        " union all select 5, 'deleted since', r.entity_id, " NO_ATTR ", r.deleted_at_version from renamed r"
        " where r.deleted_at_version is not null"
        " union all select 5, 'renamed since', r.entity_id, " NO_ATTR ", max(w.until) from renamed r cross join lateral ("
        "select until from muster_was where entity_id = r.entity_id and until > $1 offset 0) w group by r.entity_id"
        " union all select 5, 'the name is taken', r.entity_id, " NO_ATTR ", t.version from renamed r cross join "
        TAKES("r.name", " and x.entity_id <> r.entity_id") " t where r.deleted_at_version is null");

/* While the rows $1 end, those like $2 come back, which were there before the version $3: what deletes with
 * it does not count. */
#define OTHER " and a.deleted_at_version is null and a.attr_id <> all($1) order by a.entity_id::bigint limit 1)"
#define GIVEN_BY_SAME \
    " and a.number is not null and (select 1 from entity_attrs m where m.entity_id = a.entity_id and m.key = a.key" \
    " and m.number = a.number and (m.subkey = 'manager') is true and m.deleted_at_version is null and m.relation_id = any(array(" \
    "select g.relation_id from entity_attrs g where g.entity_id = b.entity_id and g.key || '' = b.key and g.number = b.number" \
    " and g.subkey || '' = 'manager' and g.attr_id + 0 = any($2))) limit 1) is not null"
const char revert_sql_taken[] =
    "with b as materialized (select b.* from " ROWS("$2") ") "
    REPORT(
        "select distinct 4, 'the object was deleted', o.entity_id, " NO_ATTR ", o.deleted_at_version"
        " from (select distinct entity_id as id from b) d cross join lateral (select * from entities where entity_id = d.id offset 0) o"
        " where o.deleted_at_version is not null and o.deleted_at_version <> $3"
        " union all select 4, 'refers to what was deleted', b.entity_id, b.key, b.subkey, b.number, o.deleted_at_version"
        " from b cross join lateral (select * from entities where entity_id = b.relation_id offset 0) o"
        " where o.deleted_at_version is not null and o.deleted_at_version <> $3"
        " union all select 6, 'the address is taken', b.entity_id, b.key, b.subkey, b.number, a.version from b cross join lateral ("
        "select a.version from entity_attrs a where a.key = 'ip' and (a.subkey is null) is true and a.int_value = b.int_value"
        OTHER " a where b.key = 'ip' and b.subkey is null and b.datatype = 'int'"
        " union all select 6, 'the resource is given', b.entity_id, b.key, b.subkey, b.number, a.version from b cross join lateral ("
        "select a.version from entity_attrs a where a.key = b.key and (a.subkey is null) is true and left(a.string_value, 64) = left(b.string_value, 64)"
        " and a.string_value = b.string_value" GIVEN_BY_SAME OTHER " a where b.number is not null and " IS_RESOURCE
        " union all select 6, 'the resource is given', b.entity_id, b.key, b.subkey, b.number, a.version from b cross join lateral ("
        "select a.version from entity_attrs a where a.key = b.key and (a.subkey is null) is true and a.int_value = b.int_value"
        GIVEN_BY_SAME OTHER " a where b.number is not null and b.key <> 'ip' and " IS_RESOURCE
        " union all select 6, 'the unit is occupied', b.entity_id, b.key, b.subkey, b.number, a.version from b cross join lateral ("
        "select a.version from entity_attrs a where a.entity_id = b.entity_id and a.key = '_contains' and (a.subkey = 'ru') is true"
        " and a.number = b.number" OTHER " a where b.key = '_contains' and b.subkey = 'ru'"
        " union all select 6, 'inserted again', b.entity_id, b.key, b.subkey, b.number, a.version from b cross join lateral ("
        "select a.version from entity_attrs a where a.entity_id = b.entity_id and a.key || '' = '_contains'"
        " and a.relation_id = b.relation_id and a.version > $3" OTHER " a where b.key = '_contains'");

/* --- doing it. Objects that come back have new ids: they are found by their names. */

const char revert_sql_end[] =
    "update entities set deleted_at_version = " HISTORY_CURRENT " where version::bigint = $1 and coalesce(deleted_at_version, 0) = 0";

/* Of two that changed their names with each other. */
#define RENAMED_THEN \
    " where e.entity_id = any(array(select entity_id from muster_was where until = $1)) and coalesce(e.deleted_at_version, 0) = 0"
const char revert_sql_free_names[] = "update entities e set name = chr(1) || e.entity_id" RENAMED_THEN;
const char revert_sql_name[] =
    "update entities e set (name, type, driver) = (select w.name, w.type, w.driver from muster_was w"
    " where w.entity_id = e.entity_id and w.until + 0 = $1)" RENAMED_THEN;

const char revert_sql_create[] =
    "insert into entities (name, type, driver, version) select c.name, c.type, c.driver, " HISTORY_CURRENT
    " from (select * from " DIED " offset 0) e cross join " CALLED " c order by e.entity_id";

/* Rows like $2 are added; what belongs or refers to an object that the version $1 (null: none) deleted, to the
 * one that came back for it. */
#define NOW(id) \
    "coalesce((select x.entity_id from entities e cross join " CALLED " c cross join lateral (" \
    "select entity_id from entities where name = c.name and deleted_at_version is null and version = " HISTORY_CURRENT " offset 0) x" \
    " where e.entity_id = " id " and coalesce(e.deleted_at_version, 0) = $1), " id ")"
const char revert_sql_add[] =
    "insert into entity_attrs (entity_id, key, subkey, number, datatype, int_value, string_value, datetime_value, relation_id, version)"
    " select " NOW("b.entity_id") ", b.key, b.subkey, b.number, b.datatype, b.int_value, b.string_value, b.datetime_value, "
    NOW("b.relation_id") ", " HISTORY_CURRENT " from " ROWS("$2") " order by b.attr_id";

/* Containers that came back go on numbering their members. */
const char revert_sql_count[] =
    "insert into counters (entity_id, attr_key, value) select e.entity_id, '_contains', m.number from entities e"
    " cross join lateral (select max(number) as number from entity_attrs where entity_id = e.entity_id and key = '_contains'"
    " and (subkey is null) is true and deleted_at_version is null offset 0) m"
    " where e.version::bigint = " CURRENT " and e.deleted_at_version is null and m.number is not null on conflict do nothing";

/* --- the rules of containers, of what was put into some now, or of what is in one that has another driver now, as
 * --check-db looks for them. $1, $2: drivers and their rules. */

#define LIVE_ENTITY(id) "lateral (select * from entities where entity_id = " id " and coalesce(deleted_at_version, 0) = 0 offset 0)"
#define IN_WHAT(id) \
    "lateral (select attr_id, entity_id from entity_attrs where relation_id = " id " and key || '' = '_contains'" \
    " and deleted_at_version is null offset 0)"
#define MADE_NOW "entity_attrs a where a.version::bigint = " CURRENT " and a.key || '' = '_contains' and coalesce(a.deleted_at_version, 0) = 0"
const char revert_sql_violations[] =
    "with recursive rule(driver, rule) as materialized (select * from unnest($1, $2)),"
    " put as materialized (select a.entity_id, a.relation_id from " MADE_NOW
    " union select a.entity_id, a.relation_id from muster_was w cross join lateral (select entity_id, relation_id from entity_attrs"
    " where entity_id = w.entity_id and key = '_contains' and deleted_at_version is null offset 0) a where w.until = " CURRENT "),"
    " m as materialized (select a.attr_id, coalesce((select r.rule from rule r where r.driver = c.driver limit 1), 0) as rule,"
    " c.entity_id as container, format('/%s/%s', c.driver, c.name) as place, c.driver, t.entity_id as member,"
    " format('/%s/%s', t.driver, t.name) as thing from (select distinct relation_id as id from put) i"
    " cross join " LIVE_ENTITY("i.id") " t cross join " IN_WHAT("i.id") " a cross join " LIVE_ENTITY("a.entity_id") " c),"
    " up(member, id) as (select relation_id, entity_id from put"
    " union select u.member, a.entity_id from up u cross join " IN_WHAT("u.id") " a where u.id <> u.member)"
    " select v.text from (" IN_UNIQUE_POOLS " union all " IN_EXCLUSIVE_POOLS " union all " IN_LOCATIONS
    " union all " IN_RACKS " union all " IN_OTHERS
    " union all select format('/%s/%s contains itself', e.driver, e.name) from up cross join " LIVE_ENTITY("up.id") " e"
    " where up.id = up.member) v(text) order by 1 limit 1";
