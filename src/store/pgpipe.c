/* pgpipe.c: statements into the pipeline, waiting, results out of it in order. */
#include "config.h" /* _GNU_SOURCE, for POLLRDHUP */

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "store/session.h"

/* How much longer than the server's own statement time-out we wait for it, at least and at most:
 * only a network that swallows packets gets there. */
#define LEAST_BEYOND 1000
#define MOST_BEYOND  10000
#define CANCEL_LIMIT 2000
#define IDLE_LIMIT   1000
#define FRESH_LIMIT  100
#define LOOK_AGAIN   1000

int64_t session_now(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

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

static bool nothing_sent(const struct store *store) {
    return store->head == store->tail;
}

static bool commit_under_way(const struct store *store) {
    if (store->lone_write)
        return true;
    if (!store->commit_sent)
        return false;
    for (size_t i = store->head; i < store->tail; i++)
        if (store->sent[i].kind == SENT_STATEMENT && store->sent[i].stmt == STMT_COMMIT)
            return store->transaction == TRANSACTION_WRITE;
    return false;
}

static void set_rc(struct store *store, enum rc rc) {
    if (store->rc == RC_OK) {
        store->rc = rc;
        store->rc_unheard = true;
    }
}

void session_drop(struct store *store, enum rc rc) {
    if (commit_under_way(store))
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
static void look_alive(struct store *store) {
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

static void put_begin(struct store *store) {
    store->begun = true;
    if (store->transaction == TRANSACTION_SNAPSHOT) {
        put(store, STMT_BEGIN_SNAPSHOT, PG_NONE, false);
        return;
    }
    put(store, STMT_BEGIN_WRITE, PG_NONE, false);
    if (store->rc == RC_OK && store->request)
        put(store, STMT_SET_NAME, PG_ARGS(pg_text(store->request)), false);
    if (store->rc == RC_OK && store->settings->versioning && !store->unversioned)
        put(store, STMT_VERSION_INSERT, PG_ARGS(pg_text(store->user), pg_text(store->description)),
            false);
}

/* The answer to the last snapshot's COMMIT, that nobody waited for (or that it never came). */
static void settle_leftovers(struct store *store) {
    if (nothing_sent(store) || store->begun || store->packet_open)
        return;
    for (size_t i = store->head; i < store->tail; i++)
        if (store->sent[i].wanted)
            return;
    session_drain(store);
    store->rc = RC_OK;
    store->rc_unheard = false;
}

/* Then a read needs no look at the connection: should it have died since, it is tried again. */
static bool heard_lately(const struct store *store) {
    return store->transaction != TRANSACTION_WRITE &&
           session_now() - store->last_heard < FRESH_LIMIT;
}

/* A connection, and a transaction if one is due; false: store->rc says why not. */
static bool ready(struct store *store) {
    settle_leftovers(store);
    if (store->rc != RC_OK && store->transaction == TRANSACTION_NONE && !store->rc_unheard)
        store->rc = RC_OK;
    if (store->rc != RC_OK)
        return false;
    if (nothing_sent(store) && !store->begun) {
        if (store->conn && store->look_again)
            close_connection(store);
        if (store->conn && !heard_lately(store))
            look_alive(store);
        store->was_idle = store->conn && session_now() - store->last_heard > IDLE_LIMIT;
        if (!store->conn && (store->connecting || session_connect(store) != RC_OK)) {
            set_rc(store, RC_BROKEN);
            return false;
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
        store->look_again = session_now() - store->connected > LOOK_AGAIN;
        set_rc(store, store->look_again ? RC_RETRY : RC_UNREADY);
        return;
    }
    if ((stmt_rows[stmt].flags & STMT_OF_USER) && !(store->begun && store->user_told))
        put(store, STMT_SET_USER, args, 1, false);
    store->user_told = store->begun && (store->user_told || stmt_rows[stmt].flags & STMT_OF_USER);
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

/* --- waiting */

/* In a process of its own. */
static void be_canceller(PGconn *conn) {
    struct sigaction normal = {.sa_handler = SIG_DFL};
    PGcancel *cancel = PQgetCancel(conn);
    char error[256];
    sigset_t none;

    (void)close_range(3, ~0U, 0); /* who has gone must not be kept waiting by our copies */
    sigemptyset(&none);
    sigaction(SIGALRM, &normal, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    (void)alarm(CANCEL_LIMIT / 1000);
    if (cancel)
        (void)PQcancel(cancel, error, sizeof error);
}

/* PQcancel waits for the server as long as the network likes. So a process of its own does it,
 * which its alarm ends, and which nobody has to wait for. */
static void request_cancel(PGconn *conn) {
    pid_t pid = fork();

    if (pid == 0) {
        if (fork() == 0)
            be_canceller(conn);
        _exit(0);
    }
    if (pid < 0)
        log_warning("database: cancel: %s", strerror(errno));
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static void send_cancel(struct store *store) {
    request_cancel(store->conn);
    store->cancelling = true;
    store->cancelled = false;
}

/* One poll of the server's socket and the client's. False: too late. */
static bool wait_once(struct store *store, int64_t deadline) {
    int unsent = PQflush(store->conn);
    /* What sets a connection up is short, and the next one can use it. */
    bool watch =
        store->client >= 0 && !store->cancelling && !store->connecting && !commit_under_way(store);
    struct pollfd fds[2] = {
        {.fd = PQsocket(store->conn), .events = (short)(unsent ? POLLIN | POLLOUT : POLLIN)},
        {.fd = watch ? store->client : -1, .events = POLLRDHUP}};
    int64_t left = deadline - session_now();
    int n = left > 0 ? poll(fds, 2, (int)left) : 0;

    if (n == 0)
        return false;
    if (n > 0 && fds[1].revents)
        send_cancel(store);
    if (n > 0 && fds[0].revents & ~POLLOUT)
        PQconsumeInput(store->conn); /* a failure is told by PQgetResult */
    return true;
}

/* Milliseconds to wait for a result. */
static int64_t patience(const struct store *store) {
    int64_t timeout = store->settings->statement_timeout;
    int64_t beyond = timeout < LEAST_BEYOND  ? LEAST_BEYOND
                     : timeout > MOST_BEYOND ? MOST_BEYOND
                                             : timeout;

    if (store->cancelling)
        return CANCEL_LIMIT;
    if (store->connecting)
        return store->settings->connect_timeout;
    return timeout > 0 ? timeout + beyond : INT32_MAX;
}

/* The server stays silent. It may be waiting itself, say a commit for a standby: it is told not to,
 * or its processes would pile up. */
static void give_up_waiting(struct store *store) {
    snprintf(store->error, sizeof store->error, "no answer from the server");
    log_warning("database: %s", store->error);
    if (!store->cancelling && !store->connecting)
        request_cancel(store->conn);
    session_drop(store, RC_BROKEN);
}

/* Until PQgetResult won't block; false: the connection was given up. */
static bool wait_result(struct store *store) {
    int64_t deadline;

    if (!PQisBusy(store->conn))
        return true;
    deadline = session_now() + patience(store);
    while (PQisBusy(store->conn)) {
        bool was_cancelling = store->cancelling;

        if (!wait_once(store, deadline)) {
            give_up_waiting(store);
            return false;
        }
        if (store->cancelling && !was_cancelling)
            deadline = session_now() + CANCEL_LIMIT;
    }
    return true;
}

/* --- results */

/* The server itself says that it was not done: its message came instead of a result. Not so where
 * that ends the connection instead of answering COMMIT: it may come after the deed. */
static bool refused(const struct sent *sent, const PGresult *result) {
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    return sent->kind == SENT_STATEMENT && severity &&
           (sent->stmt != STMT_COMMIT || strcmp(severity, "ERROR") == 0);
}

/* An error result: logged once, here, and remembered. */
static enum rc take_error(struct store *store, const struct sent *sent, const PGresult *result) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    bool lost;
    enum rc rc = session_state_rc(state, &lost);

    if (refused(sent, result))
        store->lone_write = store->commit_sent = false;
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
        set_rc(store, rc);
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
    if (!wait_result(store))
        return false;
    *result = PQgetResult(store->conn);
    if (!*result)
        return true;
    store->last_heard = session_now();
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
        set_rc(store, RC_BUG);
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
    while (!nothing_sent(store))
        take_head(store, NULL);
    if (store->cancelling && store->conn && !store->cancelled)
        session_drop(store, RC_GONE); /* it could still hit the next statement */
    if (store->cancelling)
        store->rc = store->rc == RC_UNKNOWN ? RC_UNKNOWN : RC_GONE;
    store->cancelling = false;
}

static void session_cancel(struct store *store) {
    if (store->conn && !nothing_sent(store) && !store->cancelling)
        send_cancel(store);
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
    while (store->rc == RC_OK && !nothing_sent(store) && !store->sent[store->head].wanted)
        take_head(store, NULL);
    return store->rc == RC_OK;
}

/* The answer came in spite of the cancelling: nobody is there to take it. */
static bool client_left(struct store *store) {
    if (store->cancelling)
        set_rc(store, RC_GONE);
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
    assert(!nothing_sent(store));
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
    assert(!nothing_sent(store));
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

enum rc pg_exec(struct store *store, PGresult **result, enum stmt stmt, const struct pg_arg *args,
                size_t count) {
    bool first = nothing_sent(store) && !store->begun;
    PGresult *r;
    enum rc rc;

    pg_send(store, stmt, args, count);
    rc = pg_next(store, &r);
    if (rc != RC_OK && first && may_repeat(store)) {
        store->begun = false;
        store->rc = RC_OK;
        pg_send(store, stmt, args, count);
        rc = pg_next(store, &r);
    }
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
    settle_leftovers(store);
    if (store->conn && nothing_sent(store))
        look_alive(store);
    if (store->request)
        pg_queue(store, STMT_SET_NAME, PG_ARGS(pg_text(store->request)));
    pg_send(store, stmt, args, count);
    store->lone_write = store->commit_sent = store->packet_open;
    rc = lone_write_end(store, pg_next(store, &r));
    store->lone_write = store->commit_sent = store->commit_doubt = false;
    store->rc = RC_OK;
    store->rc_unheard = false;
    if (rc != RC_OK || !result) {
        PQclear(r);
        r = NULL;
    }
    if (result)
        *result = r;
    return rc;
}
