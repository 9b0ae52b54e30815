/* snapshot_sql.c: the question whether there is a change that a snapshot does not see. */
#include "store/snapshot_sql.h"

#include "store/stmt_parts.h"

/* A line of SQL stays a line. */
/* clang-format off */

#define NUMBER_OF(xid) xid "::text::bigint"

/* A row of the catalog by a transaction that n.since sees. Its xmin has the low 32 bits of the number: the
 * latest number that these can stand for is taken. */
#define LATEST NUMBER_OF("pg_snapshot_xmax(n.now)") " - 1"
#define MADE_BEFORE \
    "(" LATEST " - ((" LATEST " - " NUMBER_OF("xmin") ") & 4294967295)) < " NUMBER_OF("pg_snapshot_xmin(n.since)")

/* Whatever is done to the triggers that tell of changes, or to the files of the tables, gives their rows in the
 * catalog the number of its transaction; rows that a subscription applies fire no triggers (see muster_watch()
 * in schema.sql). On a standby a snapshot leaves out which transactions are under way: there everything at or
 * above its xmin counts. */
const char snapshot_sql_unchanged[] =
    "select " SNAPSHOT_OF ", case when n.now::text = $1 then true"
    " when exists (select from muster_pruned where below > pg_snapshot_xmin(n.since)) then false"
    " when exists (select from muster_change where xid >= pg_snapshot_xmin(n.since)"
    " and (pg_is_in_recovery() or not pg_visible_in_snapshot(xid, n.since))) then false"
    " when exists (select from pg_subscription_rel where srrelid = any(" WATCHED ")) then false"
    " else (select count(*) from pg_trigger where tgrelid = any(" WATCHED ") and tgname = any(" WATCHERS ")"
    " and tgenabled = 'A' and " MADE_BEFORE ") = 12"
    " and (select count(*) from pg_class where oid = any(" WATCHED ") and " MADE_BEFORE ") = 3 end"
    " from (select pg_current_snapshot() as now, $1::pg_snapshot as since) as n";
