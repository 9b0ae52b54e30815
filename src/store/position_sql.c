/* position_sql.c: the primary's position, and whether a standby has reached it. */
#include "store/position_sql.h"

/* A line of SQL stays a line. */
/* clang-format off */

/* What is inserted next after the end of a page comes after its header of 24 bytes, after the end of a segment
 * of 40, which a standby has not replayed as long as nothing comes: after pg_switch_wal() or archive_timeout that
 * may take long. */
const char position_sql_ask[] =
    "select w.at - case when w.at % current_setting('wal_block_size')::integer = 24 then 24"
    " when w.at % pg_size_bytes(current_setting('wal_segment_size')) = 40 then 40 else 0 end"
    " from (select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint as at offset 0) w";

const char position_sql_timeline[] = "select lineage from muster_primary where timeline = $1";

/* Nobody waits for the disk or a standby: if it is lost, it is made again. */
const char position_sql_lineage[] =
    "with quick as materialized (select set_config('synchronous_commit', 'off', true))"
    " insert into muster_primary (timeline, lineage) select $1, $2 from quick on conflict (timeline) do nothing";

const char position_sql_reached[] =
    "select pg_is_in_recovery() and (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint >= $1"
    " and exists (select from muster_primary where lineage = $2)"
    " and ($3 = 0 or exists (select from pg_stat_wal_receiver where coalesce(received_tli, $3) = $3)),"
    " current_setting('hot_standby_feedback')::boolean, pg_is_in_recovery()";
