/* export_sql.h: texts of an export's statements, for the tables in store/stmts.c and
 * store/past.c. */
#ifndef MUSTER_STORE_EXPORT_SQL_H
#define MUSTER_STORE_EXPORT_SQL_H

/* $1: the planner may choose freely, with more memory than usual, for what reads whole tables;
 * false: it goes by the indexes, as the session does (store/session.c). Until the transaction ends.
 */
extern const char export_sql_planner[];

/* All containers, each with null, and which of them are in which others. */
extern const char export_sql_edges[];
extern const char export_sql_past_edges[];
extern const char export_sql_past_same_edges[];

/* The ids of all objects in their order. $1, $2: all containers and their depths
 * (store/export_depths.h); $3 drivers (none: any), $4 ids (null: all). */
extern const char export_sql_order[];
extern const char export_sql_past_order[];
extern const char export_sql_past_same_order[];

/* The objects $1 and what they are in, in any order. */
extern const char export_sql_objects[];
extern const char export_sql_places[];

#endif
