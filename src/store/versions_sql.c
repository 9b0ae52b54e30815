/* versions_sql.c: which versions there are, and can they be read? */
#include "store/versions_sql.h"

#include "store/stmt_parts.h"

/* A line of SQL stays a line. */
/* clang-format off */

/* Is a version settled, by its row v and the floor f: see schema.sql. */
#define SETTLED \
    "(coalesce(v.muster_high < pg_snapshot_xmin(pg_current_snapshot()), true) or v.version <= f.settled)"

const char versions_sql_find[] =
    "with f as materialized (select oldest, exact, greatest(settled, $3) as settled, watch,"
    " muster_keep_watch() as watching from muster_floor),"
    " done as materialized (select v.version from clustoversioning v, f where " SETTLED
    " order by v.version desc limit 1),"
    " later as materialized (select version, " TAKEN_AT " as at from clustoversioning"
    " where " TAKEN_AT " > ($2 || 'Z')::timestamptz order by " TAKEN_AT " limit 100),"
    " wanted as materialized (select case when $1 is not null then $1 when $2 is null then (select version from done)"
    " else coalesce((select min(version) - 1 from later), (select version from done)) end as version)"
    " select w.version, s.settled, case when not s.settled then (select version from done) end, (select max(version) from clustoversioning), f.oldest,"
    " f.watching <> '!', f.watch = f.watching and w.version >= f.exact,"
    " coalesce(($2 || 'Z')::timestamptz > clock_timestamp(), false),"
    " $1 is not null or $2 is not null and exists (select from later),"
    " (select " TAKEN_SHOWN " from clustoversioning"
    " where version <= w.version order by version desc limit 1),"
    " exists (select from muster_was where until > w.version)"
    " from wanted w cross join f cross join lateral (select coalesce(w.version <= f.settled or (select " SETTLED
    " from clustoversioning v, f where v.version >= w.version order by v.version limit 1), false) as settled offset 0) s";

/* As muster_keep_watch() in schema.sql, which takes longer: each read of the past asks for it. Whether all
 * triggers are on need not be seen again: one that was switched off makes another text. */
#define KEEP_WATCH \
    "(select bit_xor(hashint8extended((oid::bigint << 32) + xmin::text::bigint, 0))::text from pg_trigger" \
    " where tgrelid = any (array['clustoversioning'::regclass, 'entities'::regclass, 'entity_attrs'::regclass])" \
    " and (tgname like 'muster\\_keep\\_%' or tgname like 'MUSTER\\_keep\\_%' or tgname like 'muster\\_version\\_%'))"

const char versions_sql_check[] =
    "select v.version, v.watch = v.watching and v.watch <> '!' and v.version >= v.exact and v.version >= v.oldest"
    " and v.version <= (select max(version) from clustoversioning),"
    " exists (select from muster_was where until > v.version),"
    " (select " TAKEN_SHOWN " from clustoversioning"
    " where version <= v.version order by version desc limit 1), pg_current_snapshot()::text"
    " from (select unnest($1) as version, oldest, exact, watch, " KEEP_WATCH " as watching from muster_floor offset 0) v";

const char versions_sql_passed[] =
    "select coalesce((select " SETTLED " from clustoversioning v, muster_floor f where v.version >= $1"
    " order by v.version limit 1), false)";

const char versions_sql_done[] =
    "select case when pg_is_in_recovery() or exists (select from pg_locks where locktype = 'relation'"
    " and database = (select oid from pg_database where datname = current_database())"
    " and relation = 'clustoversioning'::regclass and mode = 'RowExclusiveLock'"
    " and pid is distinct from pg_backend_pid()) then 0 else n.last_value end"
    " from (select last_value::integer as last_value from clustoversioning_version_seq offset 0) n";
