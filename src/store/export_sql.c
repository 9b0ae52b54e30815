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

/* Of what is not there any more nothing is in it. */
#define EDGES \
    "known as materialized (select m.outer_id, m.inner_id from membership m" \
    " join object o on o.entity_id = m.outer_id join object i on i.entity_id = m.inner_id)" \
    " select distinct outer_id, inner_id from known where inner_id in (select outer_id from known)"

#define ORDER \
    "container as materialized (select * from unnest($1, $2) as c(id, depth))," \
    " below as (select m.inner_id as id, max(coalesce(c.depth, 0)) + 1 as depth from membership m" \
    " join object o on o.entity_id = m.outer_id left join container c on c.id = m.outer_id group by m.inner_id)" \
    " select e.entity_id from object e left join container c on c.id = e.entity_id left join below b on b.id = e.entity_id" \
    " where (cardinality($3) = 0 or e.driver = any($3)) and ($4 is null or e.entity_id in (select unnest($4)))" \
    " order by coalesce(c.depth, b.depth, 0), e.name collate \"C\", e.driver collate \"C\", e.type collate \"C\", e.entity_id"

const char export_sql_edges[] = NOW EDGES;
const char export_sql_past_edges[] = THEN("$1") EDGES;
const char export_sql_past_same_edges[] = THEN_SAME("$1") EDGES;

const char export_sql_order[] = NOW ORDER;
const char export_sql_past_order[] = THEN("$5") ORDER;
const char export_sql_past_same_order[] = THEN_SAME("$5") ORDER;
