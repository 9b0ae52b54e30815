/* connect.c: connects a link, with what every session needs set, and prepares every statement. */
#include "store/connect.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/schema.h"
#include "store/servers.h"

/* Preparing takes locks, as running does: an --init-db may be in the way. */
#define CONNECT_TRIES 3

#define ATTEMPT_LIMIT 5000 /* milliseconds, after which another process may try as well */

void connect_init(struct connection *c, const struct store_options *options,
                  struct cluster *cluster) {
    *c = (struct connection){.options = options, .cluster = cluster};
    if (!cluster)
        c->cluster = c->own = cluster_new();
    link_init(&c->link, (struct link_limits){.answer = options->statement_timeout});
    c->link.watch.number = cluster_number(c->cluster);
    session_init(&c->session, options);
    c->link.unnamed = options->statements && strcmp(options->statements, "unnamed") == 0;
}

void connect_release(struct connection *c) {
    link_release(&c->link);
    cluster_free(&c->own);
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

/* Those that use --init-db's additions, or all others, in one go: a statement that doesn't fit the
 * schema shows here, not in a request. The past has as many again (STMT_LATE), which would take as
 * long, and which most sessions never use. */
static void prepare(struct link *l, bool extensions) {
    for (int i = 0; i < STMT_COUNT; i++) {
        const struct stmt_row *row = &stmts_rows[i];

        if (!(row->flags & STMT_ONCE) && extensions == ((row->flags & STMT_NEEDS_INIT_DB) != 0))
            link_prepare(l, row);
    }
}

enum rc connect_identify(struct link *link, struct cluster_server *server) {
    PGresult *result;
    enum rc rc;

    link_enqueue(link, STMT(IDENTIFY), PG_NONE, true, NULL);
    rc = link_next(link, &result);
    *server = (struct cluster_server){0};
    if (rc == RC_OK) {
        server->system = pg_get_int(result, 0, 0);
        server->timeline = (int32_t)pg_get_int(result, 0, 1);
        server->instance = cluster_instance(pg_get_text(result, 0, 2));
    }
    PQclear(result);
    return rc;
}

/* Without additions that fit, everything is as without any. */
static enum rc prepare_all(struct connection *c) {
    enum rc rc;

    prepare(&c->link, false);
    rc = connect_identify(&c->link, &c->server);
    if (rc != RC_OK || !c->has_extensions)
        return rc;
    prepare(&c->link, true);
    rc = link_finish(&c->link);
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

bool connect_pipeline(struct link *link) {
    return PQsetnonblocking(link->conn, 1) == 0 && PQenterPipelineMode(link->conn);
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

/* A restored dump says which cluster it comes from. What fails here fails a request later. */
static enum rc adopt(struct connection *c) {
    int64_t adopted = 0;
    enum rc rc = c->has_extensions ? ask(&c->link, STMT(FEED_ADOPT), &adopted) : RC_OK;

    if (rc == RC_OK || c->link.state == LINK_DOWN)
        return rc;
    log_warning("database: restored from another cluster, and not made ready: %s", c->link.error);
    link_clear_error(&c->link);
    return RC_OK;
}

static enum rc set_up(struct connection *c) {
    enum rc rc;

    if (!connect_pipeline(&c->link))
        return RC_BROKEN;
    rc = find_pooler(c);
    if (rc == RC_OK)
        rc = find_extensions(c);
    if (rc == RC_OK)
        rc = adopt(c);
    if (rc == RC_OK)
        rc = c->link.unnamed ? connect_identify(&c->link, &c->server) : prepare_all(c);
    if (rc == RC_OK && !c->has_extensions)
        log_warning("database: no or old tables of muster's own: no addresses are chosen, no "
                    "preferences served, and all is slower; run muster --init-db");
    return rc;
}

static struct store_warned *warned_of(const struct connection *c) {
    static struct store_warned of_process;

    return c->options->warned ? c->options->warned : &of_process;
}

/* Row-level security, which keeps the users' preferences apart, does not apply to a superuser. */
static void warn_superuser(const struct connection *c) {
    const char *superuser = PQparameterStatus(c->link.conn, "is_superuser");

    if (superuser && strcmp(superuser, "on") == 0 &&
        !atomic_flag_test_and_set(&warned_of(c)->superuser))
        log_warning(
            "database: the role \"%s\" is a superuser: row-level security does not apply to it",
            PQuser(c->link.conn));
}

void connect_warn_encoding(const struct connection *c) {
    const char *encoding = PQparameterStatus(c->link.conn, "server_encoding");

    if (encoding && strcmp(encoding, "UTF8") != 0 &&
        !atomic_flag_test_and_set(&warned_of(c)->encoding))
        log_warning("database: its encoding is %s, not UTF8: it can't hold or compare all texts; "
                    "make one with \"createdb --encoding UTF8 --template template0\"",
                    encoding);
}

static void log_failure(const struct link *l, enum rc rc) {
    if (rc == RC_UNREADY)
        log_error("database: The database schema is missing or too old. Run muster --init-db. (%s)",
                  l->error);
    else if (rc == RC_READONLY)
        log_error("database: the role \"%s\" needs privileges on the tables: %s", PQuser(l->conn),
                  l->error);
    else
        log_warning("database: can't set up the session: %s", l->error);
}

bool connect_to(struct link *link, struct servers *servers, size_t place, const char *attributes) {
    servers_select(servers, place, attributes);
    return link_open(link, servers->names, servers->values);
}

/* --- one server after the other --- */

/* An attempt at each of them. */
struct attempt {
    struct connection *c;
    struct servers servers;
    bool answered;     /* by one that is not what is wanted */
    bool found_older;  /* a primary that another has replaced */
    bool accept_older; /* even that one */
    enum rc rc;        /* of the last one */
    char errors[400];  /* of all of them */
};

static void add_error(struct attempt *a) {
    size_t n = strlen(a->errors);

    snprintf(a->errors + n, sizeof a->errors - n, "%s%s", n > 0 ? "; " : "", a->c->link.error);
}

/* libpq's words for a server with other attributes than those that are wanted. */
static bool has_answered(const char *error) {
    return strstr(error, "session is ") || strstr(error, "server is ");
}

static bool open_one(struct attempt *a, size_t place, const char *attributes) {
    static uint64_t number;
    struct connection *c = a->c;
    int64_t began = clock_ms();

    c->place = place;
    c->number = ++number;
    c->since = began;
    c->replaced_at = 0;
    c->link.watch.expected = atomic_load(c->link.watch.number);
    if (connect_to(&c->link, &a->servers, place, attributes))
        return true;
    if (refuses_options(c)) {
        use_pooler(c);
        servers_set_session(&a->servers, NULL);
        if (connect_to(&c->link, &a->servers, place, attributes))
            return true;
    }
    a->rc = RC_BROKEN;
    a->answered = a->answered || has_answered(c->link.error);
    if (clock_ms() - began >= c->link.limits.connect)
        cluster_prefer(c->cluster, place + 1); /* a silent one is not to be the first again */
    add_error(a);
    return false;
}

typedef bool (*taker)(struct attempt *attempt);

/* Tries all, the preferred one first, until one is taken. */
static bool open_any(struct attempt *a, const char *attributes, taker take) {
    size_t first = cluster_preferred(a->c->cluster);

    for (size_t i = 0; i < a->servers.count; i++)
        if (open_one(a, (first + i) % a->servers.count, attributes) && take(a))
            return true;
    return false;
}

/* prefer-standby takes two rounds. */
static bool open_all(struct attempt *a, taker take) {
    const char *attributes = a->servers.attributes;

    if (strcmp(attributes, "prefer-standby") != 0)
        return open_any(a, attributes, take);
    return open_any(a, "standby", take) || open_any(a, "any", take);
}

static bool begin(struct attempt *a, struct connection *c, struct arena *arena) {
    const char *error;

    *a = (struct attempt){.c = c, .rc = RC_BROKEN};
    if (servers_read(&a->servers, c->options, arena, &error)) {
        servers_set_session(
            &a->servers,
            c->link.unnamed ? NULL : session_options(&c->session, arena, a->servers.user_options));
        c->link.limits.connect = servers_timeout(&a->servers, c->options);
        return true;
    }
    link_set_error(&c->link, error);
    add_error(a);
    return false;
}

static bool take_any(struct attempt *a) {
    (void)a;
    return true;
}

bool connect_open(struct connection *c) {
    struct arena *arena = arena_new();
    struct attempt a;
    bool ok = begin(&a, c, arena) && open_all(&a, take_any);

    if (!ok)
        link_set_error(&c->link, a.errors);
    arena_free(&arena);
    return ok;
}

/* A primary that another has replaced may serve only where no other server answers. */
static bool take_older(struct attempt *a) {
    struct connection *c = a->c;

    a->found_older = true;
    if (!a->accept_older) {
        snprintf(c->link.error, sizeof c->link.error, "%s:%s was replaced as the primary",
                 PQhost(c->link.conn), PQport(c->link.conn));
        return false;
    }
    cluster_use_older(c->cluster, &c->server);
    c->replaced_at = clock_ms();
    return true;
}

static void close_failed(struct connection *c) {
    link_close(&c->link);
    link_clear_error(&c->link);
}

static bool take_ready(struct attempt *a) {
    struct connection *c = a->c;

    a->rc = set_up(c);
    if (a->rc != RC_OK && c->link.state != LINK_DOWN)
        log_failure(&c->link, a->rc);
    if (a->rc == RC_OK && !cluster_note(c->cluster, &c->server, &c->link.watch.expected) &&
        !take_older(a))
        a->rc = RC_BROKEN;
    if (a->rc != RC_OK) {
        a->answered = a->answered || (c->link.state != LINK_DOWN && !a->found_older);
        add_error(a);
        close_failed(c);
        return a->rc == RC_UNREADY; /* another server has the same tables */
    }
    warn_superuser(c);
    connect_warn_encoding(c);
    cluster_prefer(c->cluster, c->place);
    c->is_standby = c->server.timeline == 0;
    c->link.state = LINK_READY;
    return true;
}

static enum rc try_all(struct attempt *a) {
    if (open_all(a, take_ready))
        return a->rc;
    if (!a->found_older || a->answered || a->accept_older)
        return a->rc;
    a->accept_older = true;
    return try_all(a);
}

static void log_attempt(struct connection *c, struct attempt *a, int64_t began) {
    uint64_t failures = cluster_failed(c->cluster, began);

    link_set_error(&c->link, a->errors);
    if (a->rc == RC_READONLY) /* it could; log_failure has said what the role lacks */
        return;
    if (failures > 1)
        log_warning("database: can't connect: %s (%llu failed attempts)", c->link.error,
                    (unsigned long long)failures);
    else if (failures == 1)
        log_warning("database: can't connect: %s", c->link.error);
}

static enum rc connect_now(struct connection *c, struct arena *arena) {
    int64_t began = clock_ms();
    struct attempt a;
    enum rc rc = RC_BROKEN;

    if (begin(&a, c, arena)) {
        rc = RC_RETRY;
        for (int i = 0; i < CONNECT_TRIES && rc == RC_RETRY; i++)
            rc = try_all(&a);
    }
    if (rc == RC_OK || rc == RC_UNREADY)
        cluster_connected(c->cluster);
    else
        log_attempt(c, &a, began);
    return rc == RC_OK || rc == RC_UNREADY ? rc : RC_BROKEN;
}

enum rc connect_ready(struct connection *c) {
    struct arena *arena;
    enum rc rc;

    if (!cluster_may_connect(c->cluster, ATTEMPT_LIMIT))
        return RC_BROKEN;
    arena = arena_new();
    rc = connect_now(c, arena);
    arena_free(&arena);
    return rc;
}
