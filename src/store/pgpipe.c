/* pgpipe.c: statements into the pipeline, and what is under way in it. */
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/session.h"

#define IDLE_LIMIT  1000
#define FRESH_LIMIT 100
#define LOOK_AGAIN  1000

/* --- what is under way */

void session_note(struct store *store, struct sent sent) {
    if (store->head == store->tail)
        store->head = store->tail = 0;
    if (store->tail == store->capacity) {
        store->capacity = store->capacity ? 2 * store->capacity : 64;
        store->sent = realloc(store->sent, store->capacity * sizeof *store->sent);
        if (!store->sent)
            log_fatal("out of memory");
    }
    store->sent[store->tail++] = sent;
}

bool session_idle(const struct store *store) {
    return store->head == store->tail;
}

bool session_commit_under_way(const struct store *store) {
    if (store->lone_write)
        return true;
    if (!store->commit_sent)
        return false;
    for (size_t i = store->head; i < store->tail; i++)
        if (store->sent[i].kind == SENT_STATEMENT && store->sent[i].stmt == STMT_COMMIT)
            return store->transaction == TRANSACTION_WRITE;
    return false;
}

void session_fail(struct store *store, enum rc rc) {
    if (store->rc == RC_OK) {
        store->rc = rc;
        store->rc_unheard = true;
    }
}

void session_forgive(struct store *store) {
    store->rc = RC_OK;
    store->rc_unheard = false;
}

void session_drop(struct store *store, enum rc rc) {
    if (session_commit_under_way(store))
        rc = RC_UNKNOWN;
    else if (rc == RC_BROKEN && store->was_idle && store->transaction == TRANSACTION_WRITE)
        rc = RC_RETRY; /* nothing of it can have happened */
    if (store->conn)
        PQfinish(store->conn);
    store->conn = NULL;
    store->head = store->tail = 0;
    store->packet_open = false;
    store->rc = rc == RC_UNKNOWN || store->rc == RC_OK ? rc : store->rc;
    store->rc_unheard = true;
}

/* --- sending */

static void close_connection(struct store *store) {
    PQfinish(store->conn);
    store->conn = NULL;
}

/* A server that was stopped while nobody asked has closed the socket: seen here without a round
 * trip. Whatever else it sent (changed settings) is taken in. */
void session_look_alive(struct store *store) {
    struct pollfd fd = {.fd = PQsocket(store->conn), .events = POLLIN};

    if (PQstatus(store->conn) == CONNECTION_OK && poll(&fd, 1, 0) == 0)
        return;
    if (PQconsumeInput(store->conn) && PQstatus(store->conn) == CONNECTION_OK &&
        !(fd.revents & (POLLERR | POLLHUP | POLLNVAL)) && poll(&fd, 1, 0) == 0)
        return;
    log_info("database: the connection was closed meanwhile");
    close_connection(store);
}

static void put(struct store *store, enum stmt stmt, const struct pg_arg *args, size_t count,
                bool wanted) {
    const struct stmt_row *row = &stmt_rows[stmt];
    struct arena *scratch = store->scratch;
    struct pg_wire wire = session_wire(scratch, row->params, args, count);
    int ok;

    log_debug("sql: %s", row->name);
    if (row->flags & STMT_ONCE)
        ok = PQsendQueryParams(store->conn, row->text, wire.count,
                               session_types(scratch, row->params), wire.values, wire.lengths,
                               wire.formats, 0);
    else
        ok = PQsendQueryPrepared(store->conn, row->name, wire.count, wire.values, wire.lengths,
                                 wire.formats, 0);
    arena_reset(scratch);
    if (!ok) {
        snprintf(store->error, sizeof store->error, "%s", PQerrorMessage(store->conn));
        session_drop(store, RC_BROKEN);
        return;
    }
    session_note(store, (struct sent){SENT_STATEMENT, stmt, wanted});
    store->packet_open = true;
}

/* For the transaction, also where that is only one packet. */
static void put_name(struct store *store) {
    put(store, STMT_SET_NAME, PG_ARGS(pg_text(store->request)), false);
}

/* The first of a packet that is no part of a transaction, if that is to have a name as well. */
static bool wants_name(const struct store *store, enum stmt stmt) {
    if (stmt == STMT_SET_NAME || stmt_rows[stmt].flags & STMT_NAMES_ITSELF)
        return false;
    return store->options->name_reads && store->request && !store->packet_open && !store->begun &&
           !store->connecting && store->transaction == TRANSACTION_NONE;
}

static void put_begin(struct store *store) {
    bool write = store->transaction == TRANSACTION_WRITE;

    store->begun = true;
    put(store, write ? STMT_BEGIN_WRITE : STMT_BEGIN_SNAPSHOT, PG_NONE, false);
    if (store->rc == RC_OK && store->request)
        put_name(store);
}

/* The number of the version is taken as late as can be: the locks that decide who comes first are
 * held by then, so that where writes meet their numbers have the order in which they were done. */
static void put_version(struct store *store) {
    assert(store->transaction == TRANSACTION_WRITE && !store->unversioned);
    store->version_taken = true;
    if (store->options->versioning)
        put(store, STMT_VERSION_INSERT, PG_ARGS(pg_text(store->user), pg_text(store->description)),
            false);
    else
        store->version = 1; /* what Python clusto writes without versioning */
}

/* The answer to the last snapshot's COMMIT, that nobody waited for (or that it never came). */
void session_settle(struct store *store) {
    if (session_idle(store) || store->begun || store->packet_open)
        return;
    for (size_t i = store->head; i < store->tail; i++)
        if (store->sent[i].wanted)
            return;
    session_drain(store);
    session_forgive(store);
}

/* Then a read needs no look at the connection: should it have died since, it is tried again. */
static bool heard_lately(const struct store *store) {
    return store->transaction != TRANSACTION_WRITE && clock_ms() - store->last_heard < FRESH_LIMIT;
}

/* A connection, and a transaction if one is due; false: store->rc says why not. */
static bool ready(struct store *store) {
    session_settle(store);
    if (store->rc != RC_OK && store->transaction == TRANSACTION_NONE && !store->rc_unheard)
        store->rc = RC_OK;
    if (store->rc != RC_OK)
        return false;
    if (session_idle(store) && !store->begun) {
        if (store->conn && store->look_again)
            close_connection(store);
        if (store->conn && !heard_lately(store))
            session_look_alive(store);
        store->was_idle = store->conn && clock_ms() - store->last_heard > IDLE_LIMIT;
        if (!store->conn) {
            enum rc rc = store->connecting ? RC_BROKEN : session_connect(store);

            if (rc != RC_OK) {
                session_fail(store, rc);
                return false;
            }
        }
    }
    if (store->transaction != TRANSACTION_NONE && !store->begun)
        put_begin(store);
    return store->rc == RC_OK;
}

static void add(struct store *store, enum stmt stmt, const struct pg_arg *args, size_t count,
                bool wanted) {
    if (!ready(store))
        return;
    if ((stmt_rows[stmt].flags & STMT_NEEDS_OURS) && !store->has_ours) {
        snprintf(store->error, sizeof store->error, "%s needs muster --init-db",
                 stmt_rows[stmt].name);
        log_warning("database: %s", store->error);
        /* unless that was just found out, somebody may have run it since */
        store->look_again = clock_ms() - store->connected > LOOK_AGAIN;
        session_fail(store, store->look_again ? RC_RETRY : RC_UNREADY);
        return;
    }
    if (wants_name(store, stmt))
        put_name(store);
    if (store->rc != RC_OK)
        return;
    if ((stmt_rows[stmt].flags & STMT_OF_USER) && !(store->begun && store->user_told))
        put(store, STMT_SET_USER, args, 1, false);
    store->user_told = store->begun && (store->user_told || stmt_rows[stmt].flags & STMT_OF_USER);
    if (store->rc == RC_OK && (stmt_rows[stmt].flags & STMT_TAKES_VERSION) && !store->version_taken)
        put_version(store);
    if (store->rc == RC_OK)
        put(store, stmt, args, count, wanted);
}

void pg_queue(struct store *store, enum stmt stmt, const struct pg_arg *args, size_t count) {
    add(store, stmt, args, count, false);
}

void pg_send(struct store *store, enum stmt stmt, const struct pg_arg *args, size_t count) {
    add(store, stmt, args, count, true);
}

void pg_flush(struct store *store) {
    if (!store->packet_open)
        return;
    if (!PQpipelineSync(store->conn)) {
        snprintf(store->error, sizeof store->error, "%s", PQerrorMessage(store->conn));
        session_drop(store, RC_BROKEN);
        return;
    }
    store->packet_open = false;
    session_note(store, (struct sent){.kind = SENT_SYNC});
}
