/* versions_sql.h: texts of statements, for the table in store/stmts.c: points in time. */
#ifndef MUSTER_STORE_VERSIONS_SQL_H
#define MUSTER_STORE_VERSIONS_SQL_H

/* Which version is meant by $1 or the time $2 (ISO, UTC), else the latest settled one; null: it is
 * in the future. Up to $3 the caller knows that all are settled. In the snapshot that is read in.
 */
extern const char versions_sql_find[];

/* Of versions that are known to be settled: can they be read, and exactly? Asked after the data. */
extern const char versions_sql_check[];

/* Up to which version nobody is under way, for whoever looks after this; 0: that can't be told. The
 * number is read before the locks. */
extern const char versions_sql_done[];

/* Have all up to this version ended, as a row of it or of a later one tells? False if none does. */
extern const char versions_sql_passed[];

#endif
