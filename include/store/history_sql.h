/* history_sql.h: texts of statements, for the table in store/stmts.c: what versions changed, and
 * how it is reverted. */
#ifndef MUSTER_STORE_HISTORY_SQL_H
#define MUSTER_STORE_HISTORY_SQL_H

extern const char history_sql_changes[];
extern const char history_sql_changes_of_objects[];
extern const char history_sql_versions[];
extern const char history_sql_versions_of_user[];
extern const char history_sql_versions_of_objects[];
extern const char history_sql_ids[];
extern const char history_sql_floor[];

#endif
