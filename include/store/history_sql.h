/* history_sql.h: texts of statements, for the table in store/stmts.c: what versions changed, and
 * how it is reverted. */
#ifndef MUSTER_STORE_HISTORY_SQL_H
#define MUSTER_STORE_HISTORY_SQL_H

/* The number that this transaction has taken. */
#define HISTORY_CURRENT "currval('clustoversioning_version_seq')::integer"

/* Of an attribute a: it is no bookkeeping. */
#define HISTORY_KEPT "(left(a.key, 1) is distinct from '_' or a.key = '_contains')"

/* The newest version, of those that fulfil `is(column)`, that touched the object with this id, or what
 * refers to it: each is the greatest of what an index has. */
/* clang-format off */
#define HISTORY_NEWEST_IN(column, tab, is) \
    "(select " column " from " tab " and " is(column) " order by " column " desc limit 1)"
#define HISTORY_NEWEST(id, is) \
    "greatest(" HISTORY_NEWEST_IN("version", "entity_attrs where entity_id = " id, is) ", " \
    HISTORY_NEWEST_IN("deleted_at_version", "entity_attrs where entity_id = " id, is) ", " \
    HISTORY_NEWEST_IN("version + 0", "entity_attrs where coalesce(relation_id, -1) <> -1 and relation_id::bigint = " id, is) ", " \
    HISTORY_NEWEST_IN("deleted_at_version", "entity_attrs where relation_id = " id, is) ", " \
    HISTORY_NEWEST_IN("coalesce(version, 0)", "entities where entity_id = " id, is) ")"
/* clang-format on */

extern const char history_sql_changes[];
extern const char history_sql_changes_of_objects[];
extern const char history_sql_page[];
extern const char history_sql_versions[];
extern const char history_sql_versions_of_user[];
extern const char history_sql_versions_of_objects[];
extern const char history_sql_ids[];
extern const char history_sql_floor[];
extern const char history_sql_newest[];

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
