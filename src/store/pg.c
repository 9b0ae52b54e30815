/* pg.c: a store's life, and transactions as dispatch sees them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/session.h"

struct store *store_new(const struct store_options *options) {
    struct store *store = calloc(1, sizeof *store);

    if (!store)
        log_fatal("out of memory");
    store->options = options;
    store->client = -1;
    store->texts = arena_new();
    store->scratch = arena_new();
    return store;
}

void store_free(struct store **store) {
    struct store *s = *store;

    if (!s)
        return;
    if (s->conn)
        PQfinish(s->conn);
    arena_free(&s->texts);
    arena_free(&s->scratch);
    free(s->sent);
    free(s);
    *store = NULL;
}

enum rc store_connect(struct store *store) {
    return store->conn ? RC_OK : session_connect(store);
}

bool store_connected(const struct store *store) {
    return store->conn && PQstatus(store->conn) == CONNECTION_OK;
}

enum rc store_ping(struct store *store) {
    return pg_exec(store, NULL, STMT_PING, PG_NONE);
}

const char *store_error(const struct store *store) {
    return store->error;
}

void store_set_client(struct store *store, int fd) {
    store->client = fd;
}

void store_set_request(struct store *store, const char *id) {
    store->request = id;
}

bool pg_has_ours(struct store *store) {
    return store_connect(store) == RC_OK && store->has_ours;
}

bool pg_in_transaction(const struct store *store) {
    return store->transaction != TRANSACTION_NONE;
}

bool pg_versioning(const struct store *store) {
    return store->options->versioning;
}

struct pg_arg pg_version(const struct store *store) {
    return store->options->versioning ? pg_null() : pg_int(1);
}

struct pg_arg pg_request(const struct store *store) {
    return pg_text(store->request);
}

/* --- transactions */

/* As after store_new, but for the connection. */
static void forget(struct store *store) {
    store->transaction = TRANSACTION_NONE;
    store->begun = false;
    store->commit_sent = false;
    store->commit_doubt = false;
    store->unversioned = false;
    store->user_told = false;
    store->version_taken = false;
    session_forgive(store);
    arena_reset(store->texts);
    store->user = store->description = NULL;
}

enum rc store_begin_snapshot(struct store *store) {
    assert(store->transaction == TRANSACTION_NONE);
    forget(store);
    store->transaction = TRANSACTION_SNAPSHOT;
    return RC_OK;
}

enum rc store_begin_write(struct store *store, const char *user, const char *description) {
    assert(store->transaction == TRANSACTION_NONE);
    forget(store);
    store->transaction = TRANSACTION_WRITE;
    store->user = arena_strdup(store->texts, user);
    store->description = arena_strdup(store->texts, description);
    store->version = 0;
    return RC_OK;
}

enum rc store_begin_plain(struct store *store) {
    enum rc rc = store_begin_write(store, NULL, NULL);

    store->unversioned = true;
    return rc;
}

int32_t store_version(const struct store *store) {
    return store->version;
}

/* A snapshot's end is sent, but nobody waits for it: its answer is read with the next one. */
static enum rc end_snapshot(struct store *store) {
    enum rc rc = store->rc;

    if (store->begun && store->conn && rc == RC_OK) {
        pg_queue(store, STMT_COMMIT, PG_NONE);
        pg_flush(store);
        forget(store);
        return RC_OK;
    }
    store_rollback(store);
    return rc;
}

/* The answer to COMMIT. It leaves alone, after everything else is known to be done: as long as it
 * was not sent whatever breaks can be tried again. A transaction that had failed answers ROLLBACK.
 */
static enum rc end_write(struct store *store) {
    PGresult *result;
    enum rc rc;

    rc = pg_finish(store);
    if (rc != RC_OK)
        return rc;
    store->commit_sent = true;
    pg_send(store, STMT_COMMIT, PG_NONE);
    rc = pg_next(store, &result);
    if (rc == RC_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        rc = RC_BUG;
    if (rc == RC_OK && store->commit_doubt)
        rc = RC_UNKNOWN;
    PQclear(result);
    return rc;
}

enum rc store_commit(struct store *store) {
    enum rc rc = store->rc;

    if (store->transaction == TRANSACTION_SNAPSHOT)
        return end_snapshot(store);
    if (store->transaction == TRANSACTION_WRITE && store->begun && rc == RC_OK) {
        rc = end_write(store);
        if (rc == RC_OK || rc == RC_UNKNOWN) {
            forget(store);
            return rc;
        }
    }
    store_rollback(store);
    return rc;
}

void store_rollback(struct store *store) {
    bool begun = store->begun;

    if (store->conn && store->head != store->tail)
        session_drain(store);
    forget(store);
    if (!begun || !store->conn || PQtransactionStatus(store->conn) == PQTRANS_IDLE)
        return;
    store->begun = true; /* no look whether the connection is alive: there is something to end */
    if (pg_exec(store, NULL, STMT_ROLLBACK, PG_NONE) != RC_OK && store->conn)
        session_drop(store, RC_BROKEN);
    forget(store);
}

void store_apart(struct store *store, bool apart) {
    assert(!store->begun);
    assert(store->transaction == (apart ? TRANSACTION_WRITE : TRANSACTION_NONE));
    store->transaction = apart ? TRANSACTION_NONE : TRANSACTION_WRITE;
}
