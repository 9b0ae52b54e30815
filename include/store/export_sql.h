/* export_sql.h: texts of an export's statements, for the tables in store/stmts.c and store/past.c:
 * the planner chooses freely for them (see STMT_EXPORT_PLANNER). */
#ifndef MUSTER_STORE_EXPORT_SQL_H
#define MUSTER_STORE_EXPORT_SQL_H

/* Which containers are in which others. */
extern const char export_sql_edges[];
extern const char export_sql_past_edges[];
extern const char export_sql_past_same_edges[];

/* The ids of all objects in their order. $1, $2: containers and their depths
 * (store/export_depths.h), those that are in nothing may be missing; $3 drivers (none: any), $4 ids
 * (null: all). */
extern const char export_sql_order[];
extern const char export_sql_past_order[];
extern const char export_sql_past_same_order[];

#endif
