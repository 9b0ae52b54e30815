/* change_sql.c: attributes are added, replaced, given by managers.
 *
 * The latter two tell of the change themselves, which costs a third of what the triggers take for
 * it: they know which objects it is about, and that these are locked, so that none can be deleted
 * meanwhile. The triggers of their UPDATE and INSERT, two, leave it out (muster_attrs_changed() in
 * etc/schema.sql). The rows of muster_change come last, as their numbers have to be taken while the
 * changed rows are locked. */
#include "store/change_sql.h"

#include "store/history_sql.h"

/* A line of SQL stays a line. */
/* clang-format off */

#define CHANGED(rows, telling) \
    " insert into muster_change (key, kind, version)" \
    " select $1, " telling ", " HISTORY_CURRENT \
    " where (select count(*) from " rows ") + (select count(*) from added) >= 0" \
    " and set_config('muster.told', '2', true) <> ''"

/* $1: object, $2: version, or null for the one that was just made; then the columns. */
const char change_sql_add[] =
    "insert into entity_attrs (entity_id, key, subkey, number, datatype, int_value, string_value, datetime_value,"
    " relation_id, version)"
    " select $1, a.key, a.subkey, a.number, a.datatype, a.int_value, a.string_value, a.datetime_value::timestamp,"
    " a.relation_id, coalesce($2::integer, " HISTORY_CURRENT ")"
    " from unnest($3, $4, $5, $6, $7, $8, $9, $10) with ordinality"
    " as a(key, subkey, number, datatype, int_value, string_value, datetime_value, relation_id, ord)"
    " order by a.ord";

/* $1: object, $2: attributes that end, $3 to $9: those that begin. None refers to anything. */
const char change_sql_replace[] =
    "with ended as ("
    "update entity_attrs set deleted_at_version = " HISTORY_CURRENT
    " where attr_id = any($2) and coalesce(deleted_at_version, 0) = 0 returning 1),"
    " added as ("
    "insert into entity_attrs (entity_id, key, subkey, number, datatype, int_value, string_value, datetime_value, version)"
    " select $1, a.key, a.subkey, a.number, a.datatype, a.int_value, a.string_value, a.datetime_value::timestamp, " HISTORY_CURRENT
    " from unnest($3, $4, $5, $6, $7, $8, $9) with ordinality"
    " as a(key, subkey, number, datatype, int_value, string_value, datetime_value, ord)"
    " order by a.ord returning 1)"
    CHANGED("ended", "'a'");

/* The rows that hold what the manager gave last. */
#define LAST_OF(manager) \
    " from entity_attrs where entity_id = " manager " and key = '_lastip' and (subkey is null) is true and number is null" \
    " and datatype = 'int' and deleted_at_version is null"

/* $1: manager, $2: the address. Python deletes the row and inserts another: one that it is replacing is not
 * waited for. */
const char change_sql_move_last[] =
    "update entity_attrs set int_value = $2"
    " where attr_id = any(array(select attr_id" LAST_OF("$1") " for update skip locked))";

/* $3: version, or null for the one that was just made. */
const char change_sql_set_last[] =
    "with free as materialized (select attr_id" LAST_OF("$1") " for update skip locked),"
    " moved as (update entity_attrs set int_value = $2"
    " where attr_id = any(array(select attr_id from free)) returning 1)"
    " insert into entity_attrs (entity_id, key, datatype, int_value, version)"
    " select $1, '_lastip', 'int', $2, coalesce($3::integer, " HISTORY_CURRENT ") where not exists (select 1" LAST_OF("$1") ")";

/* $1: object, $2: manager, $3: its _lastip, or null: it has none or keeps it; $4: the key, $5 to $9: of each row
 * the rest; that without a value refers to the manager. */
const char change_sql_give[] =
    "with moved as ("
    "update entity_attrs set int_value = $3"
    " where attr_id = any(array(select attr_id" LAST_OF("$2") " and $3::bigint is not null for update skip locked)) returning 1),"
    " added as ("
    "insert into entity_attrs (entity_id, key, subkey, number, datatype, int_value, string_value, relation_id, version)"
    " select $1, $4, a.subkey, $5, a.datatype, a.int_value, a.string_value, case a.datatype when 'relation' then $2 end, " HISTORY_CURRENT
    " from unnest($6, $7, $8, $9) with ordinality as a(subkey, datatype, int_value, string_value, ord)"
    " order by a.ord returning 1)"
    CHANGED("moved", "muster_attr_kind($4)::\"char\"")
    " union all select $2, 'r', " HISTORY_CURRENT " where $2 <> $1";
