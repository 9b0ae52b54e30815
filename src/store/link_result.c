/* link_result.c: results out of the pipeline, in order. */
#include "store/link.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define READONLY_PAUSE 250 /* milliseconds */

/* The server itself says that it was not done: its message came instead of a result. Not so where
 * that ends the session instead of answering COMMIT or a sync: it may come after the deed. */
static bool is_refusal(const struct link_sent *sent, const PGresult *result) {
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (!severity)
        return false;
    return strcmp(severity, "ERROR") == 0 ||
           (sent->kind == LINK_STATEMENT && !(sent->row->flags & STMT_COMMITS));
}

/* Logged once. What follows a first failure ("transaction is aborted") is not news. */
static void log_error_of(struct link *l, const struct link_sent *sent, const PGresult *result,
                         const char *state, enum rc rc) {
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    snprintf(l->error, sizeof l->error, "%s: %s %.300s", sent->row ? sent->row->name : "sync",
             state ? state : "-", message ? message : PQerrorMessage(l->conn));
    if (l->rc != RC_OK || rc == RC_GONE || rc == RC_EXISTS || rc == RC_RETRY)
        log_debug("database: %s", l->error);
    else if (rc == RC_BUG)
        log_error("database: %s", l->error);
    else
        log_warning("database: %s", l->error);
}

/* Was it the request to cancel? A statement that failed by itself meanwhile, of a timeout say,
 * leaves the request to hit a later one. The message alone tells it from statement_timeout; in
 * another language it doesn't, and drain gives the connection up. */
static bool is_cancelled(const PGresult *result, const char *state) {
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    return strcmp(state, "57014") == 0 && message && strstr(message, "user request");
}

/* A server that takes no writes is a standby, or was made one: another connection may reach the
 * primary. Where it does not, this one is kept for a while, as it serves reads. */
static bool is_readonly_again(struct link *l) {
    int64_t now = clock_ms();

    if (l->readonly_at > 0 && now - l->readonly_at < READONLY_PAUSE)
        return true;
    l->readonly_at = now;
    return false;
}

static void take_error(struct link *l, const struct link_sent *sent, const PGresult *result) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool lost;
    enum rc rc = sqlstate_rc(state, &lost);

    lost = lost && !(rc == RC_READONLY && is_readonly_again(l));
    l->locked = sqlstate_is_lock(state);
    if (l->if_lost == RC_UNKNOWN && is_refusal(sent, result))
        l->if_lost = RC_BROKEN;
    /* What libpq reports after an error at a sync would be taken for the next statement's. */
    lost = lost || sent->kind == LINK_SYNC;
    if (l->state == LINK_CANCELLING && rc == RC_BUSY) {
        l->cancel_hit = l->cancel_hit || is_cancelled(result, state);
        rc = RC_GONE;
    } else if (PQstatus(l->conn) == CONNECTION_BAD) {
        lost = true;
        rc = rc == RC_BUG ? RC_BROKEN : rc;
    }
    log_error_of(l, sent, result, state, rc);
    if (lost)
        link_drop(l, rc);
    else
        link_fail(l, rc);
}

/* The next result of the statement at the head, NULL after its last one. False: failed, the
 * statement at the head (if it is still there) has no more results. */
static bool next_result(struct link *l, PGresult **result) {
    *result = NULL;
    if (!link_wait(l)) {
        /* never tried again: it may take as long the next time, and holds a backend meanwhile */
        enum rc silent = l->state == LINK_CONNECTING ? RC_BROKEN : RC_BUSY;

        l->locked = false;
        link_drop(l, link_is_outdated(l) ? RC_RETRY : silent);
        return false;
    }
    *result = PQgetResult(l->conn);
    if (!*result)
        return true;
    l->last_heard = clock_ms();
    switch (PQresultStatus(*result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
    case PGRES_COPY_IN:
    case PGRES_PIPELINE_SYNC:
        if (l->if_lost == RC_RETRY)
            l->if_lost = RC_BROKEN;
        return true;
    case PGRES_PIPELINE_ABORTED: break;
    default: take_error(l, &l->sent[l->head], *result); break;
    }
    PQclear(*result);
    *result = NULL;
    link_fail(l, RC_BUG);
    return false;
}

/* Reads what is at the head to its end (libpq ends the results of a statement with a NULL, but not
 * a sync). *result (NULL: drop it) only when it went well. */
static bool take_head(struct link *l, PGresult **result) {
    struct link_sent sent = l->sent[l->head];
    PGresult *first = NULL, *r;
    bool ok = true, more = true;

    while (more) {
        bool fine = next_result(l, &r);

        more = sent.kind != LINK_SYNC && !(fine && !r) && l->conn;
        ok = ok && fine;
        if (fine && !first)
            first = r;
        else
            PQclear(r);
    }
    if (l->conn)
        l->head++;
    if (ok && sent.number && PQntuples(first) == 1)
        *sent.number = pg_get_int32(first, 0, 0);
    if (ok && sent.prepared)
        *sent.prepared = true;
    if (ok && result)
        *result = first;
    else
        PQclear(first);
    return ok;
}

static void drain(struct link *l) {
    link_sync(l);
    while (!link_is_idle(l))
        take_head(l, NULL);
    if (l->state != LINK_CANCELLING)
        return;
    if (!l->cancel_hit) {
        link_drop(l, RC_GONE); /* it could still hit the next statement */
    } else {
        l->state = LINK_READY;
        l->cancel_hit = false;
    }
    l->rc = RC_GONE;
}

/* Everything else that was sent is of no use any more. */
static enum rc give_up(struct link *l) {
    if (l->conn)
        drain(l);
    l->error_unreported = false;
    assert(l->rc != RC_OK);
    return l->rc;
}

enum rc link_finish(struct link *l) {
    drain(l);
    return l->rc == RC_OK ? RC_OK : give_up(l);
}

enum rc link_abandon(struct link *l) {
    if (!link_is_idle(l) && l->state == LINK_READY)
        link_cancel(l);
    drain(l);
    l->rc = RC_GONE;
    return give_up(l);
}

void link_drain_stale(struct link *l) {
    if (link_is_idle(l) || l->packet_open)
        return;
    for (size_t i = l->head; i < l->tail; i++)
        if (l->sent[i].wanted)
            return;
    drain(l);
    link_clear_error(l);
}

void link_read_ahead(struct link *l) {
    if (l->state == LINK_READY)
        (void)PQconsumeInput(l->conn);
}

/* Up to the next statement whose result is wanted; false: there was a failure. */
static bool skip_unwanted(struct link *l) {
    link_sync(l);
    while (l->rc == RC_OK && !link_is_idle(l) && !l->sent[l->head].wanted)
        take_head(l, NULL);
    assert(l->rc != RC_OK || !link_is_idle(l));
    return l->rc == RC_OK;
}

/* The result came in spite of the cancellation: it is dropped. */
static bool has_client_left(struct link *l) {
    if (l->state == LINK_CANCELLING)
        link_fail(l, RC_GONE);
    return l->state == LINK_CANCELLING;
}

/* The sync after the last result is there already: taking it leaves the connection idle. */
static void take_trailing_sync(struct link *l) {
    if (l->head + 1 == l->tail && l->sent[l->head].kind == LINK_SYNC)
        take_head(l, NULL);
}

enum rc link_next(struct link *l, PGresult **result) {
    *result = NULL;
    if (!skip_unwanted(l))
        return give_up(l);
    if (!take_head(l, result) || has_client_left(l)) {
        PQclear(*result);
        *result = NULL;
        return give_up(l);
    }
    take_trailing_sync(l);
    return RC_OK;
}

enum rc link_stream(struct link *l, pg_row row, void *context) {
    PGresult *result;
    bool more = true;

    if (!skip_unwanted(l))
        return give_up(l);
    PQsetSingleRowMode(l->conn);
    while (more && next_result(l, &result) && result) {
        if (PQresultStatus(result) == PGRES_SINGLE_TUPLE)
            more = row(context, result);
        PQclear(result);
    }
    if (!more)
        return link_abandon(l);
    if (l->rc != RC_OK)
        return give_up(l);
    l->head++;
    if (has_client_left(l))
        return give_up(l);
    take_trailing_sync(l);
    return RC_OK;
}

/* The server is ready for the rows, or has said why not. */
static bool put_copy(struct link *l, const char *bytes, size_t n) {
    PGresult *ready;
    bool ok = next_result(l, &ready);

    PQclear(ready);
    if (ok && (PQputCopyData(l->conn, bytes, (int)n) != 1 || PQputCopyEnd(l->conn, NULL) != 1)) {
        link_set_error(l, PQerrorMessage(l->conn));
        link_drop(l, RC_BROKEN);
        return false;
    }
    return ok;
}

enum rc link_copy(struct link *l, const struct stmt_row *row, const char *bytes, size_t n) {
    if (link_finish(l) != RC_OK)
        return l->rc;
    link_begin_copy(l, row);
    if (l->rc == RC_OK)
        (void)put_copy(l, bytes, n);
    if (l->conn && !link_is_idle(l))
        (void)take_head(l, NULL);
    if (l->conn && !PQenterPipelineMode(l->conn))
        link_drop(l, RC_BROKEN);
    (void)has_client_left(l);
    return l->rc == RC_OK ? RC_OK : give_up(l);
}
