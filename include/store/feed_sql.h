/* feed_sql.h: texts of statements, for the table in store/stmts.c: points, batches, events. */
#ifndef MUSTER_STORE_FEED_SQL_H
#define MUSTER_STORE_FEED_SQL_H

extern const char feed_sql_make[];
extern const char feed_sql_latest[];
extern const char feed_sql_span[];
extern const char feed_sql_events[];
extern const char feed_sql_events_alone[];
extern const char feed_sql_containers[];
extern const char feed_sql_pools[];
extern const char feed_sql_preferences[];
extern const char feed_sql_users[];
extern const char feed_sql_prune_points[];
extern const char feed_sql_prune_changes[];
extern const char feed_sql_adopt[];

#endif
