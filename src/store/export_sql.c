/* export_sql.c: in which order objects are exported. */
#include "store/export_sql.h"

/* A line of SQL stays a line. */
/* clang-format off */

/* The objects that there are, and the memberships. These are no more than names for what they select. */
#define WITH(objects, memberships) \
    "with object as not materialized (" objects "), membership as not materialized (" \
    "select entity_id as outer_id, relation_id as inner_id from entity_attrs o where key = '_contains' and " memberships "), "
#define NOW \
    WITH("select entity_id, name, driver, type from entities where deleted_at_version is null", "deleted_at_version is null")

/* As of the version v; with what objects were called where any has been renamed since. */
#define THERE(v) "o.version <= " v " and coalesce(o.deleted_at_version, 2147483647) > " v
#define THEN(v) \
    WITH("select o.entity_id, coalesce(w.name, o.name) as name, coalesce(w.driver, o.driver) as driver," \
        " coalesce(w.type, o.type) as type from entities o left join muster_was w on w.entity_id = o.entity_id" \
        " and w.until > " v " and w.version <= " v " where " THERE(v), THERE(v))
#define THEN_SAME(v) WITH("select entity_id, name, driver, type from entities o where " THERE(v), THERE(v))

/* Each container that is there, with null, and what it contains that contains something. Containers
 * are few among the objects: all memberships are only compared with them. */
#define EDGES \
    "outer_one as materialized (select distinct outer_id as id from membership)," \
    " container as materialized (select c.id from outer_one c join object o on o.entity_id = c.id)," \
    " edge as materialized (select distinct m.outer_id, m.inner_id from membership m join container i on i.id = m.inner_id)," \
    " filled as (select m.outer_id as id from membership m join (select distinct inner_id as id from edge) i on i.id = m.outer_id" \
    " join object o on o.entity_id = m.inner_id)" \
    " select id, null::integer from container union all select e.outer_id, e.inner_id from edge e" \
    " join container o on o.id = e.outer_id where e.inner_id in (select id from filled)"

#define ORDER \
    "container as materialized (select * from unnest($1, $2) as c(id, depth))," \
    " below as (select m.inner_id as id, max(c.depth) + 1 as depth from membership m join container c on c.id = m.outer_id" \
    " group by m.inner_id)" \
    " select e.entity_id from object e left join container c on c.id = e.entity_id left join below b on b.id = e.entity_id" \
    " where (cardinality($3) = 0 or e.driver = any($3)) and ($4 is null or e.entity_id in (select unnest($4)))" \
    " order by coalesce(nullif(c.depth, 0), b.depth, 0), e.name collate \"C\", e.driver collate \"C\", e.type collate \"C\", e.entity_id"

const char export_sql_edges[] = NOW EDGES;
const char export_sql_past_edges[] = THEN("$1") EDGES;
const char export_sql_past_same_edges[] = THEN_SAME("$1") EDGES;

const char export_sql_order[] = NOW ORDER;
const char export_sql_past_order[] = THEN("$5") ORDER;
const char export_sql_past_same_order[] = THEN_SAME("$5") ORDER;

const char export_sql_planner[] =
    "select set_config(name, case when $1 = (name <> 'enable_nestloop') then 'on' else 'off' end, true)"
    " from unnest(array['enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin',"
    " 'enable_memoize', 'enable_nestloop']) as s(name)"
    " union all select set_config('work_mem', greatest(32768, pg_size_bytes(current_setting('work_mem')) / 1024) || 'kB', true)"
    " where $1";

const char export_sql_objects[] =
    "select entity_id, name, driver from entities where entity_id = any($1) and coalesce(deleted_at_version, 0) = 0";

const char export_sql_places[] =
    "select a.relation_id, c.name, a.subkey, a.number from entity_attrs a cross join lateral (select name from entities"
    " where entity_id = a.entity_id and coalesce(deleted_at_version, 0) = 0 offset 0) c"
    " where a.relation_id = any($1) and a.key || '' = '_contains' and a.deleted_at_version is null";
