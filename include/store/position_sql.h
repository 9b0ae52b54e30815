/* position_sql.h: texts of statements, for the table in store/stmts.c: positions in the write-ahead
 * log (store/position.h). */
#ifndef MUSTER_STORE_POSITION_SQL_H
#define MUSTER_STORE_POSITION_SQL_H

/* The position in bytes. */
extern const char position_sql_ask[];

/* The lineage of the timeline $1. */
extern const char position_sql_timeline[];

/* Gives the timeline $1 the lineage $2, unless it has one. */
extern const char position_sql_lineage[];

/* $1: the position, $2: the lineage, $3: the timeline that must be received, by whom that may be
 * seen; 0: none. Is it reached? Does this standby ask the primary to keep what its reads need? Is
 * it one? */
extern const char position_sql_reached[];

#endif
