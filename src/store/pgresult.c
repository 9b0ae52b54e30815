/* pgresult.c: results out of the pipeline in order, and the calls that fetch them. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/session.h"

/* The server itself says that it was not done: its message came instead of a result. Not so where
 * that ends the session instead of answering COMMIT or a sync: it may come after the deed. */
static bool refused(const struct sent *sent, const PGresult *result) {
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (!severity)
        return false;
    return strcmp(severity, "ERROR") == 0 ||
           (sent->kind == SENT_STATEMENT && sent->stmt != STMT_COMMIT);
}

/* An error result: logged once, here, and remembered. */
static enum rc take_error(struct store *store, const struct sent *sent, const PGresult *result) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    bool lost;
    enum rc rc = session_state_rc(state, &lost);

    store->locked = session_state_locked(state);
    if (refused(sent, result))
        store->lone_write = store->commit_sent = false;
    /* What libpq reports behind an error at a sync would be taken for the next statement's. */
    lost = lost || sent->kind == SENT_SYNC;
    if (store->cancelling && rc == RC_BUSY) {
        store->cancelled = true;
        rc = RC_GONE;
    } else if (PQstatus(store->conn) == CONNECTION_BAD) {
        lost = true;
        rc = rc == RC_BUG ? RC_BROKEN : rc;
    }
    snprintf(store->error, sizeof store->error, "%s: %s %.300s",
             sent->kind == SENT_SYNC ? "sync" : stmt_rows[sent->stmt].name, state ? state : "-",
             message ? message : PQerrorMessage(store->conn));
    /* what comes behind a first failure ("transaction is aborted") is no news */
    if (store->rc != RC_OK || rc == RC_GONE || rc == RC_EXISTS || rc == RC_RETRY)
        log_debug("database: %s", store->error);
    else if (rc == RC_BUG)
        log_error("database: %s", store->error);
    else
        log_warning("database: %s", store->error);
    if (lost)
        session_drop(store, rc);
    else
        session_fail(store, rc);
    return store->rc;
}

static void take_version(struct store *store, const PGresult *result) {
    if (PQntuples(result) == 1)
        store->version = pg_get_int32(result, 0, 0);
}

/* The next result of the statement at the head, NULL after its last one. False: failed, the
 * statement at the head (if it is there still) has no more results. */
static bool next_result(struct store *store, PGresult **result) {
    struct sent sent = store->sent[store->head];
    bool ok;

    *result = NULL;
    if (!session_wait_result(store))
        return false;
    *result = PQgetResult(store->conn);
    if (!*result)
        return true;
    store->last_heard = clock_ms();
    switch (PQresultStatus(*result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
    case PGRES_PIPELINE_SYNC: store->was_idle = false; return true;
    case PGRES_PIPELINE_ABORTED: ok = store->rc != RC_OK; break;
    default: ok = take_error(store, &sent, *result) != RC_OK; break;
    }
    PQclear(*result);
    *result = NULL;
    if (!ok)
        session_fail(store, RC_BUG);
    return false;
}

/* Reads what is at the head to its end (libpq ends the results of a statement with a NULL, but not
 * a sync). *result (may be NULL: drop it) only when it went well. */
static bool take_head(struct store *store, PGresult **result) {
    struct sent sent = store->sent[store->head];
    PGresult *kept = NULL, *r;
    bool ok = true, more = true;

    while (more) {
        bool fine = next_result(store, &r);

        more = sent.kind != SENT_SYNC && !(fine && !r);
        ok = ok && fine;
        if (fine && !kept)
            kept = r;
        else
            PQclear(r);
        if (!store->conn) {
            PQclear(kept);
            return false;
        }
    }
    store->head++;
    if (ok && kept && sent.kind == SENT_STATEMENT && sent.stmt == STMT_VERSION_INSERT)
        take_version(store, kept);
    if (ok && result)
        *result = kept;
    else
        PQclear(kept);
    return ok;
}

void session_drain(struct store *store) {
    pg_flush(store);
    while (!session_idle(store))
        take_head(store, NULL);
    if (store->cancelling && store->conn && !store->cancelled)
        session_drop(store, RC_GONE); /* it could still hit the next statement */
    if (store->cancelling)
        store->rc = store->rc == RC_UNKNOWN ? RC_UNKNOWN : RC_GONE;
    store->cancelling = false;
}

static void session_cancel(struct store *store) {
    if (store->conn && !session_idle(store) && !store->cancelling)
        session_send_cancel(store);
    session_drain(store);
    store->rc = RC_GONE;
}

/* Everything else that was sent is of no use any more. */
static enum rc give_up(struct store *store) {
    if (store->conn)
        session_drain(store);
    store->rc_unheard = false;
    assert(store->rc != RC_OK);
    return store->rc;
}

/* Up to the next statement that somebody wants; false: there was a failure. */
static bool skip_unwanted(struct store *store) {
    pg_flush(store);
    while (store->rc == RC_OK && !session_idle(store) && !store->sent[store->head].wanted)
        take_head(store, NULL);
    return store->rc == RC_OK;
}

/* The answer came in spite of the cancelling: nobody is there to take it. */
static bool client_left(struct store *store) {
    if (store->cancelling)
        session_fail(store, RC_GONE);
    return store->cancelling;
}

/* The sync behind the last result is there already: taking it leaves the connection idle. */
static void take_trailing_sync(struct store *store) {
    if (store->head + 1 == store->tail && store->sent[store->head].kind == SENT_SYNC)
        take_head(store, NULL);
}

enum rc pg_next(struct store *store, PGresult **result) {
    *result = NULL;
    if (!skip_unwanted(store))
        return give_up(store);
    assert(!session_idle(store));
    if (!take_head(store, result) || client_left(store)) {
        PQclear(*result);
        *result = NULL;
        return give_up(store);
    }
    take_trailing_sync(store);
    return RC_OK;
}

enum rc pg_finish(struct store *store) {
    session_drain(store);
    return store->rc == RC_OK ? RC_OK : give_up(store);
}

enum rc pg_abandon(struct store *store) {
    session_cancel(store);
    return give_up(store);
}

enum rc pg_stream(struct store *store, pg_row row, void *context) {
    PGresult *result;
    bool go_on = true;

    if (!skip_unwanted(store))
        return give_up(store);
    assert(!session_idle(store));
    PQsetSingleRowMode(store->conn);
    while (go_on && next_result(store, &result) && result) {
        if (PQresultStatus(result) == PGRES_SINGLE_TUPLE)
            go_on = row(context, result);
        PQclear(result);
    }
    if (!go_on)
        return pg_abandon(store);
    if (store->rc != RC_OK || client_left(store))
        return give_up(store);
    store->head++;
    take_trailing_sync(store);
    return RC_OK;
}

static bool may_repeat(const struct store *store) {
    bool died = store->was_idle && store->rc == RC_BROKEN;

    return (died || store->rc == RC_RETRY) && !store->conn &&
           store->transaction != TRANSACTION_WRITE;
}

static enum rc send_and_wait(struct store *store, PGresult **result, enum stmt stmt,
                             const struct pg_arg *args, size_t count) {
    bool first = session_idle(store) && !store->begun;
    enum rc rc;

    pg_send(store, stmt, args, count);
    rc = pg_next(store, result);
    if (rc != RC_OK && first && may_repeat(store)) {
        store->begun = false;
        store->rc = RC_OK;
        pg_send(store, stmt, args, count);
        rc = pg_next(store, result);
    }
    return rc;
}

enum rc pg_exec(struct store *store, PGresult **result, enum stmt stmt, const struct pg_arg *args,
                size_t count) {
    PGresult *r;
    enum rc rc = send_and_wait(store, &r, stmt, args, count);

    if (result)
        *result = r;
    else
        PQclear(r);
    return rc;
}

/* In a pipeline a result comes before its commit; the sync behind it comes after. */
static enum rc lone_write_end(struct store *store, enum rc rc) {
    if (rc != RC_OK)
        return rc;
    if (store->rc != RC_OK)
        return store->rc;
    return store->commit_doubt ? RC_UNKNOWN : RC_OK;
}

enum rc pg_exec_write(struct store *store, PGresult **result, enum stmt stmt,
                      const struct pg_arg *args, size_t count) {
    PGresult *r;
    enum rc rc;

    assert(store->transaction == TRANSACTION_NONE);
    session_settle(store);
    if (store->conn && session_idle(store))
        session_look_alive(store);
    if (store->request && !(stmt_rows[stmt].flags & STMT_NAMES_ITSELF))
        pg_queue(store, STMT_SET_NAME, PG_ARGS(pg_text(store->request)));
    pg_send(store, stmt, args, count);
    store->lone_write = store->commit_sent = store->packet_open;
    rc = lone_write_end(store, pg_next(store, &r));
    store->lone_write = store->commit_sent = store->commit_doubt = false;
    session_forgive(store);
    if (rc != RC_OK || !result) {
        PQclear(r);
        r = NULL;
    }
    if (result)
        *result = r;
    return rc;
}
