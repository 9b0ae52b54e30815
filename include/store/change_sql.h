/* change_sql.h: texts of statements, for the table in store/stmts.c: attributes are added,
 * replaced, given by managers. */
#ifndef MUSTER_STORE_CHANGE_SQL_H
#define MUSTER_STORE_CHANGE_SQL_H

extern const char change_sql_add[];
extern const char change_sql_replace[];
extern const char change_sql_move_last[];
extern const char change_sql_set_last[];
extern const char change_sql_give[];

#endif
