/* pg.h: statements and what travels with them, for the files of store/ only: results come back in
 * order, failures come back as enum rc.
 *
 * How a call of the store is written:
 *
 *     PGresult *res;
 *     enum rc rc = pg_exec(store, &res, STMT(X), PG_ARGS(pg_text(name), pg_int(number)));
 *     if (rc != RC_OK)
 *         return rc;
 *     pg_keep(arena, res);            // or PQclear(res)
 *     ... pg_get_int(res, row, COLUMN) ...
 *
 * Several in one packet, one round trip:
 *
 *     pg_queue(store, STMT(A), PG_ARGS(...));    // checked, its rows are dropped
 *     pg_send(store, STMT(B), PG_ARGS(...));     // its result is fetched by a pg_next
 *     pg_send(store, STMT(C), PG_NONE);
 *     rc = pg_next(store, &b);
 *     if (rc == RC_OK)
 *         rc = pg_next(store, &c);
 *
 * The first failure inside a packet makes all that follow in it fail alike, so checking the last
 * one's result is enough where the results in between are not needed. BEGIN of the transaction that
 * is due travels with the first statement, the row of clustoversioning with the first one that
 * makes or ends rows, without being asked for. After a failure in a transaction everything more in
 * it returns the same rc without being sent, until store_rollback. */
#ifndef MUSTER_STORE_PG_H
#define MUSTER_STORE_PG_H

#include "base/rc.h"
#include "store/pg_arg.h"
#include "store/stmts.h"
#include "store/store.h"

/* Puts a statement into the packet. Connects and begins the transaction first where that is due.
 * Failures come out of the pg_next that follows. */
void pg_queue(struct store *store, const struct stmt_row *row, const struct pg_arg *args,
              size_t count);
void pg_send(struct store *store, const struct stmt_row *row, const struct pg_arg *args,
             size_t count);

/* Sends the packet without waiting for a result (prefetch). pg_next does it by itself. */
void pg_flush(struct store *store);

/* Takes what has come from the server meanwhile, without waiting: it goes on where it could not
 * send more. */
void pg_read_ahead(struct store *store);

/* The result of the oldest statement sent by pg_send. RC_OK: *result is the caller's; else NULL. */
enum rc pg_next(struct store *store, PGresult **result);

/* The same, row by row. When `take` returns false the statement is cancelled: RC_GONE. */
enum rc pg_stream(struct store *store, pg_row take, void *context);

/* pg_send and pg_next in one. `result` NULL: only whether it worked. A statement alone outside a
 * transaction, or the first of a snapshot, is sent once more on a new connection when the old one
 * turns out to have died while it was idle. */
enum rc pg_exec(struct store *store, PGresult **result, const struct stmt_row *row,
                const struct pg_arg *args, size_t count);

/* The same for a write that is a transaction of its own, alone in its packet, outside any other. It
 * is never sent twice, and RC_OK means that it was committed; RC_UNKNOWN that the outcome is
 * unknown. */
enum rc pg_exec_write(struct store *store, PGresult **result, const struct stmt_row *row,
                      const struct pg_arg *args, size_t count);

/* Cancels what the server is doing and drops all results. Returns RC_GONE. */
enum rc pg_abandon(struct store *store);

/* True when --init-db's additions are there (connects if need be). */
bool pg_has_extensions(struct store *store);

/* Up to which version all are known to be settled on the server of the connection, 0 without one or
 * inside a snapshot, which may be older than that; and to note it (store/cluster.h). */
int32_t pg_settled(const struct store *store);
void pg_note_settled(struct store *store, int32_t version, int32_t latest);

/* The connection, as long as it is the same one. */
uint64_t pg_connection(const struct store *store);

/* False: rows are really deleted and carry version 1, as Python clusto does. */
bool pg_versioning(const struct store *store);

/* The version that rows made now carry, as a parameter: null stands for this transaction's own,
 * which the statement takes with currval() (its value in this session alone). */
struct pg_arg pg_version(const struct store *store);

/* The id of the request that this is for, as a parameter; null: none. */
struct pg_arg pg_request(const struct store *store);

/* False: what is read is as of a version. */
bool pg_is_current(const struct store *store);

/* One snapshot for several statements: the one that is open, else one of its own, which begins
 * here (true). It ends with the outcome so far, which is returned, or RC_OK and COMMIT failed. */
bool pg_begin_own_snapshot(struct store *store);
enum rc pg_end_own_snapshot(struct store *store, bool own, enum rc rc);

#endif
