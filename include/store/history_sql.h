/* history_sql.h: texts of statements, for the table in store/stmts.c: what versions changed, and
 * how it is reverted. */
#ifndef MUSTER_STORE_HISTORY_SQL_H
#define MUSTER_STORE_HISTORY_SQL_H

/* The number that this transaction has taken. */
#define HISTORY_CURRENT "currval('clustoversioning_version_seq')::integer"

/* Of an attribute a: it is no bookkeeping. */
#define HISTORY_KEPT "(left(a.key, 1) is distinct from '_' or a.key = '_contains')"

extern const char history_sql_changes[];
extern const char history_sql_changes_of_objects[];
extern const char history_sql_page[];
extern const char history_sql_versions[];
extern const char history_sql_versions_of_user[];
extern const char history_sql_versions_of_objects[];
extern const char history_sql_ids[];
extern const char history_sql_floor[];

extern const char revert_sql_lock_names[];
extern const char revert_sql_lock[];
extern const char revert_sql_lock_of_object[];
extern const char revert_sql_rows[];
extern const char revert_sql_rows_of_object[];
extern const char revert_sql_claim[];
extern const char revert_sql_conflicts[];
extern const char revert_sql_taken[];
extern const char revert_sql_end[];
extern const char revert_sql_free_names[];
extern const char revert_sql_name[];
extern const char revert_sql_create[];
extern const char revert_sql_add[];
extern const char revert_sql_count[];
extern const char revert_sql_violations[];

#endif
