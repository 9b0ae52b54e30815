/* link.c: one connection: its state, and statements into its pipeline. */
#include "store/link.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

void link_init(struct link *l, struct link_limits limits) {
    *l =
        (struct link){.limits = limits, .client = -1, .scratch = arena_new(), .if_lost = RC_BROKEN};
}

void link_release(struct link *l) {
    link_close(l);
    arena_free(&l->scratch);
    free(l->sent);
    l->sent = NULL;
}

/* --- failures */

void link_set_error(struct link *l, const char *text) {
    size_t n = strlen(text);

    while (n > 0 && text[n - 1] == '\n')
        n--;
    snprintf(l->error, sizeof l->error, "%.*s", (int)n, text);
    for (char *at = l->error; *at; at++)
        if (*at == '\n' || *at == '\t')
            *at = ' ';
}

void link_fail(struct link *l, enum rc rc) {
    if (l->rc == RC_OK && rc != RC_OK) {
        l->rc = rc;
        l->error_unreported = true;
    }
}

void link_clear_error(struct link *l) {
    l->rc = RC_OK;
    l->error_unreported = false;
}

void link_close(struct link *l) {
    if (l->conn)
        PQfinish(l->conn);
    l->conn = NULL;
    l->state = LINK_DOWN;
    l->head = l->tail = 0;
    link_plan_clear(&l->plans);
    l->packet_open = l->cancel_hit = l->ended = false;
    l->if_lost = RC_BROKEN;
}

void link_drop(struct link *l, enum rc rc) {
    if (l->if_lost == RC_UNKNOWN)
        rc = RC_UNKNOWN;
    else if (l->state == LINK_CANCELLING)
        rc = RC_GONE;
    else if (rc == RC_BROKEN)
        rc = l->if_lost;
    link_close(l);
    if (rc == RC_UNKNOWN || l->rc == RC_OK)
        l->rc = rc;
    l->error_unreported = true;
}

static void drop_with_message(struct link *l) {
    link_set_error(l, PQerrorMessage(l->conn));
    link_drop(l, RC_BROKEN);
}

/* --- the connection */

static struct {
    bool (*call)(void *context);
    void *context;
} idle;

void link_set_idle(bool (*call)(void *context), void *context) {
    idle.call = call;
    idle.context = context;
}

int64_t link_idle(int64_t waited, int64_t left) {
    if (!idle.call)
        return left;
    bool more = waited >= LINK_IDLE_AFTER && idle.call(idle.context);
    int64_t next = more ? LINK_IDLE_SOON_MS : LINK_IDLE_MS;

    return left < next ? left : next;
}

static bool wait_socket(const struct link *l, short events, int64_t deadline) {
    struct pollfd fd = {.fd = PQsocket(l->conn), .events = events};
    int64_t began = clock_ms(), now = began;
    int n = 0;

    while (n == 0 && now < deadline) {
        n = poll(&fd, 1, (int)link_idle(now - began, deadline - now));
        now = clock_ms();
    }
    return n > 0 || (n < 0 && errno == EINTR);
}

/* False: failed or too late. */
static bool handshake(struct link *l) {
    int64_t deadline = clock_ms() + l->limits.connect;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
        if (!wait_socket(l, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) {
            link_set_error(l, "timeout expired while connecting");
            return false;
        }
        status = PQconnectPoll(l->conn);
    }
    if (status != PGRES_POLLING_OK)
        link_set_error(l, PQerrorMessage(l->conn));
    return status == PGRES_POLLING_OK;
}

/* Warnings go to the log. Two of them are more: a commit that stopped waiting for its standby is
 * reported as done, though it may be lost with the primary; and while nothing is in flight, the
 * error with which the server ends the session comes as a notice. */
static void on_notice(void *context, const PGresult *notice) {
    struct link *l = context;
    const char *function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);
    const char *message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (function && strcmp(function, "SyncRepWaitForLSN") == 0)
        l->standby_missed = true;
    if (severity && strcmp(severity, "FATAL") == 0)
        l->ended = true;
    /* Those of libpq itself have no SQLSTATE: when a connection is lost, one for each row that was
     * still to be read. */
    if (PQresultErrorField(notice, PG_DIAG_SQLSTATE))
        log_info("database: %s", message ? message : "notice");
    else
        log_debug("database: %s", message ? message : "notice");
}

bool link_open(struct link *l, const char *const *names, const char *const *values) {
    l->conn = PQconnectStartParams(names, values, 0);
    l->state = LINK_CONNECTING;
    if (l->conn && PQstatus(l->conn) != CONNECTION_BAD) {
        PQsetNoticeReceiver(l->conn, on_notice, l);
        if (handshake(l)) {
            l->last_heard = clock_ms();
            return true;
        }
    } else {
        link_set_error(l, l->conn ? PQerrorMessage(l->conn) : "out of memory");
    }
    link_close(l);
    return false;
}

bool link_is_outdated(const struct link *l) {
    return l->state == LINK_READY && l->watch.number &&
           atomic_load(l->watch.number) != l->watch.expected;
}

/* Seen without a round trip: the server has closed the socket, or said that it will. Whatever else
 * it sent (changed settings) is read; PQisBusy is what makes libpq look at it. */
void link_check_alive(struct link *l) {
    struct pollfd fd = {.fd = l->conn ? PQsocket(l->conn) : -1, .events = POLLIN};

    if (link_is_outdated(l)) {
        log_info("database: another server is the primary now");
        link_close(l);
    }
    if (!l->conn || (PQstatus(l->conn) == CONNECTION_OK && poll(&fd, 1, 0) == 0))
        return;
    if (PQconsumeInput(l->conn) && PQstatus(l->conn) == CONNECTION_OK &&
        !(fd.revents & (POLLERR | POLLHUP | POLLNVAL)) && !PQisBusy(l->conn) && !l->ended &&
        poll(&fd, 1, 0) == 0)
        return;
    log_info("database: the connection was closed meanwhile");
    link_close(l);
}

bool link_is_idle(const struct link *l) {
    return l->head == l->tail;
}

/* --- sending */

static void enqueued(struct link *l, struct link_sent sent) {
    if (l->head == l->tail)
        l->head = l->tail = 0;
    if (l->tail == l->capacity && l->head > 0) { /* a pipeline that never runs empty */
        memmove(l->sent, l->sent + l->head, (l->tail - l->head) * sizeof *l->sent);
        l->tail -= l->head;
        l->head = 0;
    }
    if (l->tail == l->capacity) {
        l->capacity = l->capacity ? 2 * l->capacity : 64;
        l->sent = realloc(l->sent, l->capacity * sizeof *l->sent);
        if (!l->sent)
            log_fatal("out of memory");
    }
    l->sent[l->tail++] = sent;
    l->packet_open = sent.kind != LINK_SYNC;
}

/* False: not sent. */
static bool send_prepare(struct link *l, const char *name, const struct stmt_row *row,
                         bool *prepared) {
    int ok = PQsendPrepare(l->conn, name, row->text, (int)strlen(row->params),
                           pg_types(l->scratch, row->params));

    if (ok)
        enqueued(l, (struct link_sent){.kind = LINK_PREPARE, .row = row, .prepared = prepared});
    return ok;
}

static bool deallocate(struct link *l, const char *name) {
    static const struct stmt_row row = {"deallocate", "", STMT_ONCE, "deallocate"};
    char text[64];
    int ok;

    snprintf(text, sizeof text, "deallocate %s", name);
    ok = PQsendQueryParams(l->conn, text, 0, NULL, NULL, NULL, NULL, 0);
    if (ok)
        enqueued(l, (struct link_sent){.kind = LINK_STATEMENT, .row = &row});
    return ok;
}

/* The name of the prepared statement that a compiled one is; NULL: it could not be prepared. */
static const char *plan_name(struct link *l, const struct stmt_row *row) {
    char old[sizeof l->plans.items->name];
    struct link_plan *plan = link_plan_find(&l->plans, row->text, row->params, link_is_idle(l));

    if (plan != NULL)
        return plan->name;
    plan = link_plan_add(&l->plans, row->text, row->params, old);
    if ((*old != '\0' && !deallocate(l, old)) || !send_prepare(l, plan->name, row, &plan->prepared))
        return NULL;
    return plan->name;
}

/* False: it had to be prepared, and could not be. */
static bool prepare_late(struct link *l, const struct stmt_row *row) {
    bool missing;
    struct link_late *late = link_plan_late(&l->plans, row, link_is_idle(l), &missing);

    return !missing || send_prepare(l, row->name, row, &late->prepared);
}

void link_enqueue(struct link *l, const struct stmt_row *row, const struct pg_arg *args,
                  size_t count, bool wanted, int32_t *number) {
    const char *name = row->name;
    struct pg_wire wire;
    int ok;

    if (l->rc != RC_OK)
        return;
    log_debug("sql: %s", row->name);
    if (!l->unnamed && (row->flags & STMT_COMPILED))
        name = plan_name(l, row);
    if (!l->unnamed && (row->flags & (STMT_LATE | STMT_ONCE)) == STMT_LATE && !prepare_late(l, row))
        name = NULL;
    wire = pg_wire(l->scratch, row->params, args, count);
    if (l->unnamed || (row->flags & STMT_ONCE))
        ok = PQsendQueryParams(l->conn, row->text, wire.count, pg_types(l->scratch, row->params),
                               wire.values, wire.lengths, wire.formats, 0);
    else
        ok = name != NULL && PQsendQueryPrepared(l->conn, name, wire.count, wire.values,
                                                 wire.lengths, wire.formats, 0);
    arena_reset(l->scratch);
    if (ok)
        enqueued(l, (struct link_sent){LINK_STATEMENT, row, wanted, number, NULL});
    else
        drop_with_message(l);
}

void link_prepare(struct link *l, const struct stmt_row *row) {
    bool ok;

    if (l->rc != RC_OK)
        return;
    ok = send_prepare(l, row->name, row, NULL);
    arena_reset(l->scratch);
    if (!ok)
        drop_with_message(l);
}

void link_begin_copy(struct link *l, const struct stmt_row *row) {
    if (l->rc != RC_OK)
        return;
    log_debug("sql: %s", row->name);
    if (PQexitPipelineMode(l->conn) && PQsendQuery(l->conn, row->text)) {
        enqueued(l, (struct link_sent){.kind = LINK_STATEMENT, .row = row, .wanted = true});
        l->packet_open = false;
    } else {
        drop_with_message(l);
    }
}

void link_sync(struct link *l) {
    if (!l->packet_open)
        return;
    if (PQpipelineSync(l->conn))
        enqueued(l, (struct link_sent){.kind = LINK_SYNC});
    else
        drop_with_message(l);
}
