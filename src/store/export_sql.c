/* export_sql.c: what containers contain, in which order objects are exported, and what they are
 * called. */
#include "store/export_sql.h"

/* A line of SQL stays a line. */
/* clang-format off */

/* As of the version v; with what objects were called where any has been renamed since. */
#define THERE(v) "o.version <= " v " and coalesce(o.deleted_at_version, 2147483647) > " v
#define RENAMED(v) \
    "select o.entity_id, coalesce(w.name, o.name) as name, coalesce(w.driver, o.driver) as driver," \
    " coalesce(w.type, o.type) as type from entities o left join muster_was w on w.entity_id = o.entity_id" \
    " and w.until > " v " and w.version <= " v " where " THERE(v)

/* Containers with what they contain, so many together that none of its rows is large. */
#define PLACES(condition) \
    "select entity_id, subkey, array_agg(relation_id), array_agg(number) from entity_attrs o" \
    " where key = '_contains' and " condition " group by entity_id, subkey, relation_id / 4096"

#define ORDER(objects) \
    "select e.entity_id, (cardinality($1) = 0 or e.driver = any($1)) and ($2 is null or e.entity_id in (select unnest($2))), e.name, e.driver" \
    " from (" objects ") e order by e.name collate \"C\", e.driver collate \"C\", e.type collate \"C\", e.entity_id"

const char export_sql_places[] = PLACES("deleted_at_version is null");
const char export_sql_past_places[] = PLACES(THERE("$1"));

const char export_sql_order[] = ORDER("select entity_id, name, driver, type from entities where deleted_at_version is null");
const char export_sql_past_order[] = ORDER(RENAMED("$3"));
const char export_sql_past_same_order[] = ORDER("select entity_id, name, driver, type from entities o where " THERE("$3"));

const char export_sql_planner[] =
    "select set_config(name, case when name = 'enable_bitmapscan' or $1 = (name <> 'enable_nestloop') then 'on' else 'off' end, true)"
    " from unnest(array['enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin',"
    " 'enable_memoize', 'enable_nestloop']) as s(name)"
    " union all select set_config('work_mem', greatest(32768, pg_size_bytes(current_setting('work_mem')) / 1024) || 'kB', true)"
    " where $1";
