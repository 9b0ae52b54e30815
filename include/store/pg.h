/* pg.h: one connection to PostgreSQL, for the files of store/ only: statements go out in pipeline
 * mode, results come back in order, failures come back as enum rc.
 *
 * How a call of the store is written:
 *
 *     PGresult *res;
 *     enum rc rc = pg_exec(store, &res, STMT_X, PG_ARGS(pg_text(name), pg_int(number)));
 *     if (rc != RC_OK)
 *         return rc;
 *     pg_keep(arena, res);            // or PQclear(res)
 *     ... pg_get_int(res, row, COLUMN) ...
 *
 * Several in one packet, one round trip:
 *
 *     pg_queue(store, STMT_A, PG_ARGS(...));    // checked, its rows are dropped
 *     pg_send(store, STMT_B, PG_ARGS(...));     // its result is fetched by a pg_next
 *     pg_send(store, STMT_C, PG_NONE);
 *     rc = pg_next(store, &b);
 *     if (rc == RC_OK)
 *         rc = pg_next(store, &c);
 *
 * The first failure inside a packet makes all that follow in it fail alike, so checking the last
 * one's result is enough where the results in between are not needed. BEGIN (and the
 * clustoversioning row) of the transaction that dispatch opened travel with the first statement
 * without being asked for. After a failure in a transaction everything more in it returns the same
 * rc without being sent, until store_rollback. */
#ifndef MUSTER_STORE_PG_H
#define MUSTER_STORE_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/rc.h"
#include "store/stmts.h"
#include "store/store.h"

/* --- parameters: made by the pg_... functions below, checked against the statement's letters
 *
 *     t text    i integer    l bigint    b boolean    d timestamp (its text)    j jsonb (its text)
 *     T text[]  I integer[]  L bigint[]
 *
 * Values never become SQL text. A null fits every letter. */
struct pg_arg {
    char letter; /* 0: null */
    const char *text;
    int64_t number;
    const void *items;
    const bool *nulls;
    size_t count;
};

#define PG_ARGS(...)                                                                               \
    (const struct pg_arg[]){__VA_ARGS__},                                                          \
        sizeof((const struct pg_arg[]){__VA_ARGS__}) / sizeof(struct pg_arg)
#define PG_NONE NULL, (size_t)0

/* A NULL text is null. Texts are valid UTF-8 without NUL, borrowed during the call. */
struct pg_arg pg_text(const char *text);
struct pg_arg pg_timestamp(const char *iso);
struct pg_arg pg_json(const char *json);
struct pg_arg pg_int(int32_t number);
struct pg_arg pg_bigint(int64_t number);
struct pg_arg pg_bool(bool yes);
struct pg_arg pg_null(void);

/* Arrays, borrowed during the call. NULL among the texts, and true in `nulls` (NULL: none), are
 * null elements. Send columns of many rows this way: unnest($1::text[], $2::bigint[]). */
struct pg_arg pg_texts(const char *const *texts, size_t count);
struct pg_arg pg_ints(const int32_t *numbers, const bool *nulls, size_t count);
struct pg_arg pg_bigints(const int64_t *numbers, const bool *nulls, size_t count);

/* --- running statements */

/* Puts a statement into the packet. Connects and begins the transaction first where that is due.
 * Failures come out of the pg_next or pg_flush that follows. */
void pg_queue(struct store *store, enum stmt stmt, const struct pg_arg *args, size_t count);
void pg_send(struct store *store, enum stmt stmt, const struct pg_arg *args, size_t count);

/* Sends the packet without waiting for an answer (prefetch). pg_next does it by itself. */
void pg_flush(struct store *store);

/* The result of the oldest statement sent by pg_send. RC_OK: *result is the caller's; else NULL. */
enum rc pg_next(struct store *store, PGresult **result);

/* The same, row by row: `row` is called with a result of one row (row 0) that is gone when it
 * returns. When it returns false the statement is cancelled: RC_GONE. */
typedef bool (*pg_row)(void *context, const PGresult *result);
enum rc pg_stream(struct store *store, pg_row row, void *context);

/* pg_send and pg_next in one. `result` NULL: only whether it worked. A statement alone outside a
 * transaction, or the first of a snapshot, is sent once more on a new connection when the old one
 * turns out to have died while it was idle. */
enum rc pg_exec(struct store *store, PGresult **result, enum stmt stmt, const struct pg_arg *args,
                size_t count);

/* The same for a write that is a transaction of its own, alone in its packet, outside any other. It
 * is never sent twice, and RC_OK means that it was committed; RC_UNKNOWN that nobody knows. */
enum rc pg_exec_write(struct store *store, PGresult **result, enum stmt stmt,
                      const struct pg_arg *args, size_t count);

/* Waits for everything that was queued, drops what is unread. The first failure among it. */
enum rc pg_finish(struct store *store);

/* Nobody wants the rest: cancels what the server is doing and forgets it. Returns RC_GONE. */
enum rc pg_abandon(struct store *store);

/* True when --init-db's additions are there (connects if need be). */
bool pg_has_ours(struct store *store);

/* False: rows are really deleted and carry version 1, as Python clusto does. */
bool pg_versioning(const struct store *store);

/* The version that rows made now carry, as a parameter: null stands for this transaction's own,
 * which the statement takes with currval() (its value in this session: nobody else's). */
struct pg_arg pg_version(const struct store *store);

/* The id of the request at hand, as a parameter; null: there is none. */
struct pg_arg pg_request(const struct store *store);

/* True inside store_begin_... and its end. */
bool pg_in_transaction(const struct store *store);

/* --- results */

/* PQclear at the arena's reset: texts may be used in place until then. */
void pg_keep(struct arena *arena, PGresult *result);

size_t pg_rows(const PGresult *result);
bool pg_is_null(const PGresult *result, size_t row, int column);
int64_t pg_get_int(const PGresult *result, size_t row, int column); /* null: 0 */
int32_t pg_get_int32(const PGresult *result, size_t row, int column);
bool pg_get_bool(const PGresult *result, size_t row, int column);
/* In the result; NULL for null. */
const char *pg_get_text(const PGresult *result, size_t row, int column);

/* Rows that a write touched (INSERT 0 5: 5). */
int64_t pg_affected(PGresult *result);

#endif
