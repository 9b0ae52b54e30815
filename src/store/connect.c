/* connect.c: connects a link, with what every session needs set, and prepares every statement. */
#include "store/connect.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "store/schema.h"

/* Milliseconds. After a connection attempt that took long, others fail at once for so long: a
 * database that swallows packets must not hold every request for the whole timeout. */
#define SLOW_FAILURE 1000
#define HOLD_OFF     1000
#define MAX_OPTIONS  64

/* Preparing takes locks, as running does: an --init-db may be in the way. */
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
    for (size_t i = 0; i < o->count; i++) {
        if (strcmp(o->names[i], name) == 0) {
            o->values[i] = value;
            return;
        }
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

/* The configured conninfo, our own on top. */
static void make_options(const struct connection *c, struct arena *scratch,
                         PQconninfoOption *parsed, struct options *o) {
    const char *users;

    *o = (struct options){.count = 0};
    for (PQconninfoOption *p = parsed; p->keyword; p++)
        if (p->val)
            set_option(o, p->keyword, p->val);
    users = option_of(o, "options");
    if (!c->link.unnamed)
        set_option(o, "options",
                   session_options(&c->session, scratch, users ? users : getenv("PGOPTIONS")));
    set_option(o, "client_encoding", "UTF8");
    default_option(o, "application_name", "muster");
    default_option(o, "keepalives", "1");
    default_option(o, "keepalives_idle", "30");
    default_option(o, "keepalives_interval", "10");
    default_option(o, "keepalives_count", "3");
}

void connect_init(struct connection *c, const struct store_options *options) {
    *c = (struct connection){.options = options};
    link_init(&c->link, (struct link_limits){.connect = options->connect_timeout,
                                             .answer = options->statement_timeout});
    session_init(&c->session, options);
    c->link.unnamed = options->statements && strcmp(options->statements, "unnamed") == 0;
}

static bool may_be_unnamed(const struct connection *c) {
    return c->options->statements && strcmp(c->options->statements, "auto") == 0;
}

/* A pooler gives each transaction any session: it has to set it up, and no prepared statement is
 * sure to be there. */
static void use_pooler(struct connection *c) {
    if (!c->link.unnamed)
        log_info("database: a pooler is in between: statements are sent unnamed, with the settings "
                 "before each transaction");
    c->link.unnamed = true;
}

/* PgBouncer refuses what it would have to ignore. */
static bool refuses_options(const struct connection *c) {
    return may_be_unnamed(c) && !c->link.unnamed &&
           strstr(c->link.error, "unsupported startup parameter") != NULL;
}

static bool open_parsed(struct connection *c, struct arena *scratch, PQconninfoOption *parsed) {
    struct options o;

    make_options(c, scratch, parsed, &o);
    if (link_open(&c->link, o.names, o.values))
        return true;
    if (!refuses_options(c))
        return false;
    use_pooler(c);
    make_options(c, scratch, parsed, &o);
    return link_open(&c->link, o.names, o.values);
}

bool connect_open(struct connection *c) {
    static uint64_t number;
    const char *conninfo = c->options->database ? c->options->database : "";
    char *message = NULL;
    PQconninfoOption *parsed = PQconninfoParse(conninfo, &message);
    struct arena *scratch = arena_new();
    bool ok = false;

    if (parsed) {
        ok = open_parsed(c, scratch, parsed);
        c->number = ++number;
        c->since = clock_ms();
    } else {
        link_set_error(&c->link, message ? message : "out of memory");
    }
    PQfreemem(message);
    PQconninfoFree(parsed);
    arena_free(&scratch);
    return ok;
}

/* Those that use --init-db's additions, or all others, in one go: a statement that doesn't fit the
 * schema shows here, not in a request. */
static enum rc prepare(struct link *l, bool extensions) {
    for (int i = 0; i < STMT_COUNT; i++) {
        const struct stmt_row *row = &stmts_rows[i];

        if (!(row->flags & STMT_ONCE) && extensions == ((row->flags & STMT_NEEDS_INIT_DB) != 0))
            link_prepare(l, row);
    }
    return link_finish(l);
}

/* Without additions that fit, everything is as without any. */
static enum rc prepare_all(struct connection *c) {
    enum rc rc = prepare(&c->link, false);

    if (rc != RC_OK || !c->has_extensions)
        return rc;
    rc = prepare(&c->link, true);
    if (rc == RC_OK || rc == RC_RETRY || c->link.state == LINK_DOWN)
        return rc;
    c->has_extensions = false;
    link_clear_error(&c->link);
    return RC_OK;
}

/* One number from a statement without parameters; without a row or for a null it stays. */
static enum rc ask(struct link *l, const struct stmt_row *row, int64_t *number) {
    PGresult *result;
    enum rc rc;

    link_enqueue(l, row, PG_NONE, true, NULL);
    rc = link_next(l, &result);
    if (rc == RC_OK && pg_rows(result) > 0)
        *number = pg_get_int(result, 0, 0);
    PQclear(result);
    return rc;
}

/* Are the additions there, and as new as this program needs? */
static enum rc find_extensions(struct connection *c) {
    int64_t tables = 0, version = 0;
    enum rc rc = ask(&c->link, STMT(HAS_EXTENSIONS), &tables);

    if (rc == RC_OK && tables > 0)
        rc = ask(&c->link, STMT(SCHEMA_VERSION), &version);
    c->has_extensions = rc == RC_OK && version >= STORE_SCHEMA_VERSION;
    return rc;
}

/* A pooler may have kept the settings to itself. */
static enum rc find_pooler(struct connection *c) {
    int64_t owned = 0;
    enum rc rc = RC_OK;

    if (may_be_unnamed(c) && !c->link.unnamed) {
        rc = ask(&c->link, STMT(SESSION_IS_OWNED), &owned);
        if (rc == RC_OK && owned == 0)
            use_pooler(c);
    }
    return rc;
}

static enum rc set_up(struct connection *c) {
    enum rc rc;

    if (PQsetnonblocking(c->link.conn, 1) != 0 || !PQenterPipelineMode(c->link.conn))
        return RC_BROKEN;
    rc = find_pooler(c);
    if (rc == RC_OK)
        rc = find_extensions(c);
    if (rc == RC_OK && !c->link.unnamed)
        rc = prepare_all(c);
    if (rc == RC_OK && !c->has_extensions)
        log_warning("database: no or old tables of muster's own: no addresses are chosen, no "
                    "preferences served, and all is slower; run muster --init-db");
    return rc;
}

/* Row-level security, which keeps the users' preferences apart, does not apply to a superuser. */
static void warn_superuser(const struct connection *c) {
    static atomic_flag of_process = ATOMIC_FLAG_INIT;
    atomic_flag *warned = c->options->warned ? c->options->warned : &of_process;
    const char *superuser = PQparameterStatus(c->link.conn, "is_superuser");

    if (superuser && strcmp(superuser, "on") == 0 && !atomic_flag_test_and_set(warned))
        log_warning(
            "database: the role \"%s\" is a superuser: row-level security does not apply to it",
            PQuser(c->link.conn));
}

static void log_failure(const struct link *l, enum rc rc) {
    if (l->state == LINK_DOWN)
        log_warning("database: can't connect: %s", l->error);
    else if (rc == RC_UNREADY)
        log_error("database: The database schema is missing or too old. Run muster --init-db. (%s)",
                  l->error);
    else if (rc == RC_READONLY)
        log_error("database: the role \"%s\" needs privileges on the tables: %s", PQuser(l->conn),
                  l->error);
    else
        log_warning("database: can't set up the session: %s", l->error);
}

static enum rc try_once(struct connection *c) {
    enum rc rc = connect_open(c) ? set_up(c) : RC_BROKEN;

    if (rc == RC_OK) {
        warn_superuser(c);
        c->link.state = LINK_READY;
        return RC_OK;
    }
    log_failure(&c->link, rc);
    link_close(&c->link);
    link_clear_error(&c->link);
    return rc;
}

enum rc connect_ready(struct connection *c) {
    int64_t start = clock_ms();
    enum rc rc = RC_RETRY;

    if (start < c->hold_off_until)
        return RC_BROKEN;
    for (int i = 0; i < CONNECT_TRIES && rc == RC_RETRY; i++)
        rc = try_once(c);
    if (rc == RC_OK)
        return RC_OK;
    if (clock_ms() - start >= SLOW_FAILURE)
        c->hold_off_until = clock_ms() + HOLD_OFF;
    return rc == RC_UNREADY ? RC_UNREADY : RC_BROKEN;
}
