/* feed_sql.c: texts of statements, for the table in store/stmts.c: points, batches, events. */
#include "store/feed_sql.h"

#include "store/feed.h"
#include "store/history_sql.h"
#include "store/stmt_parts.h"

/* A line of SQL stays a line. */
/* clang-format off */

/* --- the feed: see muster_point in schema.sql. Of points the triggers count, not the files of tables. */
#define FEED_WATCH "split_part(muster_watch(), '/', 1)"
#define FEED_LAST "(select point, nonce, snapshot, made, watch from muster_point order by point desc limit 1)"
#define NUMBER_OF(xid) xid "::text::bigint"
/* The point that ends the batch after the point `from`: `to`, else the last of the next ones that is not too
 * many transactions later, else the next one. Null: there is none. */
#define FEED_TO(from, to) \
    "coalesce(" to ", (select max(n.point) from (select point, snapshot from muster_point where point > " from \
    " order by point limit 200) n where " NUMBER_OF("pg_snapshot_xmax(n.snapshot)") \
    " <= (select " NUMBER_OF("pg_snapshot_xmax(snapshot)") " + " TEXT_OF(FEED_MAX_TRANSACTIONS) \
    " from muster_point where point = " from ")), (select min(point) from muster_point where point > " from "))"
/* The rows m of that batch: what the later point shows and the earlier one, a, does not. */
#define FEED_SPAN(from, to) \
    "c as materialized (select p.snapshot as a, q.snapshot as b, array(select pg_snapshot_xip(p.snapshot)) as xip" \
    " from muster_point p, muster_point q where p.point = " from " and q.point = " to ")"
#define FEED_BATCH(condition) \
    "c cross join lateral (select * from muster_change where xid >= pg_snapshot_xmax(c.a)" \
    " and xid < pg_snapshot_xmax(c.b)" condition \
    " union all select * from muster_change where xid = any(c.xip)" condition " offset 0) m" \
    " where pg_visible_in_snapshot(m.xid, c.b)"
/* $1, $2 as above, $3 after this number, $4 at most. `attr`: what was added or removed (lateral, to the
 * event m), in the columns of objects.h. */
#define FEED_ATTR(added, condition) \
    "select " added " as added, a.* from entity_attrs a where m.attrs and a.entity_id = m.key and " condition \
    " and " HISTORY_KEPT
#define FEED_EVENTS(attr) \
    "with " FEED_SPAN("$1", FEED_TO("$1", "$2")) "," \
    " m as materialized (select max(m.seq) as seq, m.key, m.version, bool_or(m.kind = 'a') as attrs," \
    " case when bool_or(m.kind = 'd') then 0 when bool_or(m.kind = 'c') then 1 when bool_or(m.kind = 'n') then 2" \
    " when bool_or(m.kind = 'a') then 3 else 4 end as change, max(m.name) filter (where m.kind = 'd') as erased," \
    " (array_agg(m.name order by m.seq) filter (where m.kind = 'n'))[1] as was" \
    " from " FEED_BATCH("") " and m.kind in ('a', 'c', 'd', 'n', 'r')" \
    " group by m.xid, m.key, m.version having max(m.seq) > $3 order by 1 limit $4)" \
    " select m.key::integer, 1, d.attr_id, d.key, d.subkey, d.number, d.datatype, d.int_value, d.string_value," \
    " d.datetime_value, d.relation_id, r.name, r.driver, r.type, m.seq, m.change, e.name, e.driver, e.type," \
    " m.erased, m.was, m.version, " TAKEN_SHOWN ", v.\"user\", v.description, d.added" \
    " from m left join lateral (select name, driver, type from entities where entity_id = m.key offset 0) e on true" \
    " left join lateral (select muster_at, \"timestamp\", \"user\", description from clustoversioning" \
    " where version = m.version offset 0) v on true" \
    " left join lateral (" attr ") d on true" \
    " left join lateral (select name, driver, type from entities where entity_id = d.relation_id offset 0) r on true" \
    " order by m.seq, d.added desc, d.attr_id"

/* Does the latest point l not show all that was committed, or were other triggers on (w)? */
#define FEED_IS_BEHIND \
    "(l.watch <> w.watch" \
    " or (select xid from muster_change order by xid desc limit 1) >= pg_snapshot_xmax(l.snapshot)" \
    " or exists (select from (select pg_snapshot_xip(l.snapshot) as xid offset 0) x" \
    " cross join lateral (select 1 from muster_change m where m.xid = x.xid limit 1) f))"

/* Writes a point down if anything was committed since the latest one, or triggers were off. $1:
 * only where the latest is older than so many milliseconds. Its commit flushes all that it shows, so that what was told is
 * not lost in a crash. The latest point, whether one was due, and who reports changes. */
const char feed_sql_make[] =
    "with safe as materialized (select set_config('synchronous_commit', case current_setting('synchronous_commit')"
    " when 'remote_apply' then 'remote_apply' else 'on' end, true) as setting),"
    " w as materialized (select " FEED_WATCH " as watch from safe),"
    " l as materialized " FEED_LAST ","
    " due as materialized (select l.point, w.watch from l, w where w.watch not like '!%'"
    " and ($1 = 0 or l.made < clock_timestamp() - $1 * interval '1 millisecond')"
    " and " FEED_IS_BEHIND "),"
    " new as (insert into muster_point (point, snapshot, watch)"
    " select due.point + 1, pg_current_snapshot(), due.watch from due"
    " on conflict do nothing returning point, nonce, made)"
    " select p.point, p.nonce, " ISO("p.made") ", w.watch, false, exists (select from due) and not exists (select from new)"
    " from w cross join (select point, nonce, made from new union all select point, nonce, made from l) p"
    " order by p.point desc limit 1";

/* Where none can be made; the fifth: another server's points are replicated, by the one subscription that writes to
 * these tables. By two, or while their first contents are copied, a point can come before what it shows. */
const char feed_sql_latest[] =
    "with w as materialized (select " FEED_WATCH " as watch), l as materialized " FEED_LAST
    " select l.point, l.nonce, " ISO("l.made") ", w.watch, (select count(*) filter (where srrelid in"
    " ('muster_point'::regclass, 'muster_change'::regclass)) = 2 and count(distinct srsubid) = 1 and bool_and(srsubstate = 'r')"
    " from pg_subscription_rel where srrelid in ('clustoversioning'::regclass, 'entities'::regclass, 'entity_attrs'::regclass,"
    " 'muster_preferences'::regclass, 'muster_point'::regclass, 'muster_change'::regclass)),"
    " not pg_is_in_recovery() and " FEED_IS_BEHIND " from w, l";

/* From the point $1 (nonce $3, which is that of $2 if there is one) to $2 as in FEED_TO: are they there,
 * and is all known that was changed between them? */
const char feed_sql_span[] =
    "with t as materialized (select " FEED_TO("$1", "$2") " as point), " FEED_SPAN("$1", "(select point from t)")
    " select p.point is not null and coalesce(case when $2 is null then p.nonce else q.nonce end = $3, false)"
    " and not exists (select from " FEED_BATCH(" and kind = '*'") ")"
    " and coalesce(p.watch = all (select watch from muster_point where point > $1 and point <= q.point), true),"
    " q.point, q.nonce, l.point, l.nonce, o.point, o.nonce, " ISO("coalesce(q.made, p.made)")
    " from " FEED_LAST " l cross join (select point, nonce from muster_point order by point limit 1) o"
    " left join muster_point p on p.point = $1 left join muster_point q on q.point = (select point from t)";

const char feed_sql_events[] =
    FEED_EVENTS(FEED_ATTR("true", "a.version = m.version and a.deleted_at_version is distinct from m.version")
        " union all " FEED_ATTR("false", "a.deleted_at_version = m.version and a.version <> m.version"));

const char feed_sql_events_alone[] =
    FEED_EVENTS("select null::boolean as added, a.* from entity_attrs a where a.attr_id is null");

/* What the objects $1 were in at the version before $2 and at $2; null: as it is. */
const char feed_sql_containers[] =
    "with recursive up(n, v, at, id, self) as ("
    "select e.n, s.v, coalesce(e.version, 2147483647) - 1 + s.v, e.key, true"
    " from unnest($1, $2) with ordinality as e(key, version, n) cross join (values (0), (1)) as s(v)"
    " union select u.n, u.v, u.at, a.entity_id, false from up u cross join lateral (select entity_id from entity_attrs"
    " where relation_id = u.id and key || '' = '_contains' and version <= u.at"
    " and (deleted_at_version is null or deleted_at_version > u.at) offset 0) a)"
    " select n::integer, id, bool_or(v = 0), bool_or(v = 1) from up where not self group by n, id order by n, id";

const char feed_sql_pools[] =
    "select e.name, e.entity_id from (select distinct unnest($1) as name) n cross join lateral ("
    "select name, entity_id from entities where name = n.name offset 0) e order by e.entity_id";

const char feed_sql_preferences[] =
    "with " FEED_SPAN("$2", FEED_TO("$2", "$3")) ", m as materialized (select max(m.seq) as seq, m.name"
    " from " FEED_BATCH(" and kind = 'p' and key = hashtextextended($1, 1)") " and m.owner = $1"
    " group by m.name having max(m.seq) > $4 order by 1 limit $5)"
    " select m.seq, m.name, p.revision from m left join lateral (select revision from muster_preferences"
    " where user_id = $1 and container = m.name offset 0) p on true order by m.seq";

const char feed_sql_users[] =
    "with " FEED_SPAN("$1", "$2") " select distinct m.owner from " FEED_BATCH(" and kind = 'p'");

/* The latest point stays, whatever its age. Nobody needs a change that the oldest one shows. */
const char feed_sql_prune_points[] =
    "delete from muster_point where point = any(array(select point from muster_point"
    " where made < now() - $1 * interval '1 second' and point < (select max(point) from muster_point)"
    " order by point limit $2))";

const char feed_sql_prune_changes[] =
    "with kept as materialized (select pg_snapshot_xmin(snapshot) as xid from muster_point order by point limit 1),"
    " pruned as (update muster_pruned set below = kept.xid from kept where below < kept.xid)"
    " delete from muster_change where ctid = any(array(select ctid from muster_change"
    " where xid < (select xid from kept) order by xid limit $1 for update skip locked))";

const char feed_sql_adopt[] =
    "select muster_adopt() from muster_floor where not pg_is_in_recovery()"
    " and not exists (select from pg_subscription_rel where srrelid = 'muster_point'::regclass)"
    " and cluster <> (select system_identifier from pg_control_system())";
