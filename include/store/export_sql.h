/* export_sql.h: texts of an export's statements, for the tables in store/stmts.c and
 * store/past.c. */
#ifndef MUSTER_STORE_EXPORT_SQL_H
#define MUSTER_STORE_EXPORT_SQL_H

/* $1: the planner may choose freely, with more memory than usual, for what reads whole tables;
 * false: it goes by the indexes, as the session does (store/session.c), but may also take what an
 * index says page by page: a chunk has many rows. Until the transaction ends. */
extern const char export_sql_planner[];

/* What containers contain: each with a subkey, and the ids and numbers of some of its members as
 * two arrays. */
extern const char export_sql_places[];
extern const char export_sql_past_places[];

/* All objects by name, driver, type and id: their ids, whether they are wanted, names and drivers.
 * $1 drivers (none: any), $2 ids (null: all). */
extern const char export_sql_order[];
extern const char export_sql_past_order[];
extern const char export_sql_past_same_order[];

#endif
