/* snapshot_sql.h: the text of a statement of snapshot.c, for the table in store/stmts.c. */
#ifndef MUSTER_STORE_SNAPSHOT_SQL_H
#define MUSTER_STORE_SNAPSHOT_SQL_H

/* $1 a snapshot. Of which database snapshots are here, and is there no change that it does not see?
 */
extern const char snapshot_sql_unchanged[];

#endif
