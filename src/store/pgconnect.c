/* pgconnect.c: connecting, with what every session needs set, and preparing every statement. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "store/schema.h"
#include "store/session.h"

/* After a connection attempt that took long, others fail at once for so long: a database that
 * swallows packets must not hold every request for the whole time-out. */
#define SLOW_FAILURE 1000
#define HOLD_OFF     1000
#define MAX_OPTIONS  64

/* Preparing takes locks, as running does: it may get into the way of an --init-db. */
#define CONNECT_TRIES 3

struct options {
    const char *names[MAX_OPTIONS];
    const char *values[MAX_OPTIONS];
    size_t count;
};

static const char *option_of(const struct options *o, const char *name) {
    for (size_t i = 0; i < o->count; i++)
        if (strcmp(o->names[i], name) == 0)
            return o->values[i];
    return NULL;
}

static void set_option(struct options *o, const char *name, const char *value) {
    for (size_t i = 0; i < o->count; i++)
        if (strcmp(o->names[i], name) == 0) {
            o->values[i] = value;
            return;
        }
    if (o->count < MAX_OPTIONS - 1) {
        o->names[o->count] = name;
        o->values[o->count++] = value;
    }
}

static void default_option(struct options *o, const char *name, const char *value) {
    if (!option_of(o, name))
        set_option(o, name, value);
}

static const char *session_options(struct store *store, struct arena *scratch, const char *users) {
    const struct store_options *s = store->options;
    int idle = s->statement_timeout > 30000 ? 2 * s->statement_timeout : 60000;

    return arena_printf(scratch,
                        "%s" SESSION_SETTINGS "%s -c statement_timeout=%d -c lock_timeout=%d"
                        " -c idle_in_transaction_session_timeout=%d",
                        users ? users : "", store->whole_tables ? "" : SESSION_BY_INDEX,
                        s->statement_timeout, s->lock_timeout, idle);
}

/* The configured conninfo, our own on top. */
static void make_options(struct store *store, struct arena *scratch, PQconninfoOption *parsed,
                         struct options *o) {
    const char *users;

    for (PQconninfoOption *p = parsed; p->keyword; p++)
        if (p->val)
            set_option(o, p->keyword, p->val);
    users = option_of(o, "options");
    set_option(o, "options", session_options(store, scratch, users ? users : getenv("PGOPTIONS")));
    set_option(o, "client_encoding", "UTF8");
    default_option(o, "application_name", "muster");
    default_option(o, "keepalives", "1");
    default_option(o, "keepalives_idle", "30");
    default_option(o, "keepalives_interval", "10");
    default_option(o, "keepalives_count", "3");
}

/* libpq's messages may have several lines. */
static void say_error(struct store *store, const char *what) {
    size_t n = strlen(what);

    while (n > 0 && what[n - 1] == '\n')
        n--;
    snprintf(store->error, sizeof store->error, "%.*s", (int)n, what);
    for (char *at = store->error; *at; at++)
        if (*at == '\n' || *at == '\t')
            *at = ' ';
}

static bool wait_socket(PGconn *conn, short events, int64_t deadline) {
    struct pollfd fd = {.fd = PQsocket(conn), .events = events};
    int64_t left = deadline - clock_ms();
    int n = left > 0 ? poll(&fd, 1, (int)left) : 0;

    return n > 0 || (n < 0 && errno == EINTR);
}

/* Runs the handshake; false: failed or too late. */
static bool handshake(struct store *store, int64_t deadline) {
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
        if (!wait_socket(store->conn, status == PGRES_POLLING_READING ? POLLIN : POLLOUT,
                         deadline)) {
            say_error(store, "timeout expired while connecting");
            return false;
        }
        status = PQconnectPoll(store->conn);
    }
    if (status == PGRES_POLLING_OK)
        return true;
    say_error(store, PQerrorMessage(store->conn));
    return false;
}

/* Warnings go to the log. One of them is more: a commit that stopped waiting for its standby is
 * reported as done, though it may be lost with the primary. */
static void on_notice(void *context, const PGresult *notice) {
    struct store *store = context;
    const char *function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);
    const char *message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);

    if (store->commit_sent && function && strcmp(function, "SyncRepWaitForLSN") == 0)
        store->commit_doubt = true;
    log_info("database: %s", message ? message : "notice");
}

bool session_open(struct store *store) {
    const char *conninfo = store->options->database ? store->options->database : "";
    char *complaint = NULL;
    PQconninfoOption *parsed = PQconninfoParse(conninfo, &complaint);
    struct options o = {.count = 0};
    struct arena *scratch = arena_new();
    bool ok = false;

    if (!parsed) {
        say_error(store, complaint ? complaint : "out of memory");
        goto out;
    }
    make_options(store, scratch, parsed, &o);
    store->conn = PQconnectStartParams(o.names, o.values, 0);
    if (!store->conn || PQstatus(store->conn) == CONNECTION_BAD) {
        say_error(store, store->conn ? PQerrorMessage(store->conn) : "out of memory");
        goto out;
    }
    PQsetNoticeReceiver(store->conn, on_notice, store);
    ok = handshake(store, clock_ms() + store->options->connect_timeout);
out:
    PQfreemem(complaint);
    PQconninfoFree(parsed);
    arena_free(&scratch);
    return ok;
}

/* All of one kind in one go: a statement that doesn't fit the schema shows here, not in a request.
 */
static enum rc prepare(struct store *store, bool ours) {
    for (int i = 0; i < STMT_COUNT && store->conn; i++) {
        const struct stmt_row *row = &stmt_rows[i];

        if (row->flags & STMT_ONCE || ours != ((row->flags & STMT_NEEDS_OURS) != 0))
            continue;
        if (!PQsendPrepare(store->conn, row->name, row->text, (int)strlen(row->params),
                           session_types(store->scratch, row->params)))
            session_drop(store, RC_BROKEN);
        else
            session_note(store, (struct sent){.kind = SENT_PREPARE, .stmt = (enum stmt)i});
        arena_reset(store->scratch);
        store->packet_open = store->conn != NULL;
    }
    return pg_finish(store);
}

/* Without additions that fit, everything is as without any. */
static enum rc prepare_all(struct store *store) {
    enum rc rc = prepare(store, false);

    if (rc != RC_OK || !store->has_ours)
        return rc;
    rc = prepare(store, true);
    if (rc == RC_OK || rc == RC_RETRY || !store->conn)
        return rc;
    store->has_ours = false;
    store->rc = RC_OK;
    return RC_OK;
}

/* One number from a statement without parameters. */
static enum rc ask(struct store *store, enum stmt stmt, const char **text, PGresult **result) {
    enum rc rc = pg_exec(store, result, stmt, PG_NONE);

    *text = rc == RC_OK && pg_rows(*result) ? pg_get_text(*result, 0, 0) : NULL;
    return rc;
}

/* Are our additions there, and as new as this program needs? */
static enum rc look_for_ours(struct store *store) {
    PGresult *result = NULL;
    const char *text;
    int64_t schema;
    enum rc rc = ask(store, STMT_HAS_OURS, &text, &result);

    store->has_ours = rc == RC_OK && text && *text == 't';
    PQclear(result);
    result = NULL;
    if (!store->has_ours)
        return rc;
    rc = ask(store, STMT_SCHEMA_VERSION, &text, &result);
    store->has_ours =
        rc == RC_OK && text && num_parse(text, &schema) == NUM_OK && schema >= STORE_SCHEMA_VERSION;
    PQclear(result);
    return rc;
}

static enum rc set_up(struct store *store) {
    enum rc rc;

    if (PQsetnonblocking(store->conn, 1) != 0 || !PQenterPipelineMode(store->conn))
        return RC_BROKEN;
    rc = look_for_ours(store);
    if (rc == RC_OK)
        rc = prepare_all(store);
    if (rc == RC_OK && !store->has_ours)
        log_warning("database: no or old tables of muster's own: no addresses are chosen, no "
                    "preferences served, and all is slower; run muster --init-db");
    return rc;
}

/* Row-level security, which keeps the users' preferences apart, does not apply to a superuser. */
static void warn_superuser(const struct store *store) {
    static bool warned; /* once in each process */
    const char *superuser = PQparameterStatus(store->conn, "is_superuser");

    if (!warned && superuser && strcmp(superuser, "on") == 0)
        log_warning(
            "database: the role \"%s\" is a superuser: row-level security does not apply to it",
            PQuser(store->conn));
    warned = true;
}

static void log_failure(const struct store *store, enum rc rc, bool connected) {
    if (!connected || !store->conn)
        log_warning("database: can't connect: %s", store->error);
    else if (rc == RC_UNREADY)
        log_error("database: The database schema is missing or too old. Run muster --init-db. (%s)",
                  store->error);
    else if (rc == RC_READONLY)
        log_error("database: the role \"%s\" needs privileges on the tables: %s",
                  PQuser(store->conn), store->error);
    else
        log_warning("database: can't set up the session: %s", store->error);
}

/* The statements of the setting up belong to no transaction, whatever dispatch has opened. */
static enum rc connect_outside(struct store *store) {
    enum transaction transaction = store->transaction;
    enum rc rc = RC_BROKEN;
    bool connected;

    store->transaction = TRANSACTION_NONE;
    store->connecting = true;
    store->look_again = false;
    store->rc = RC_OK;
    connected = session_open(store);
    if (connected) {
        store->connections++;
        store->last_heard = store->connected = clock_ms();
        rc = set_up(store);
    }
    if (rc == RC_OK) {
        warn_superuser(store);
    } else {
        log_failure(store, rc, connected);
        session_drop(store, RC_BROKEN);
        store->rc = rc = rc == RC_UNREADY || rc == RC_RETRY ? rc : RC_BROKEN;
    }
    store->connecting = false;
    store->transaction = transaction;
    return rc;
}

enum rc session_connect(struct store *store) {
    int64_t start = clock_ms();
    enum rc rc = RC_RETRY;

    if (start < store->down_until)
        return RC_BROKEN;
    for (int i = 0; i < CONNECT_TRIES && rc == RC_RETRY; i++)
        rc = connect_outside(store);
    if (rc == RC_OK)
        return RC_OK;
    if (clock_ms() - start > SLOW_FAILURE)
        store->down_until = clock_ms() + HOLD_OFF;
    return rc == RC_UNREADY ? RC_UNREADY : RC_BROKEN;
}
