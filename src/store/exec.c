/* exec.c: statements, with what travels with them: BEGIN, the request's id, the user, the version.
 */
#include "store/exec.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/past.h"
#include "store/versions.h"

/* Milliseconds. A connection that was silent for longer may have died without a word to us: only a
 * statement shows that, and is then sent again. */
#define IDLE_LIMIT 1000

/* For a primary that another has replaced; then that one is looked for again. */
#define REPLACED_LIMIT 1000

/* A worker that has just missed the extensions looks for them again after so long. */
#define LOOK_AGAIN 1000

/* Arguments of a statement that reads as of a version. */
#define MAX_PAST_ARGS 16

static bool is_write(const struct store *s) {
    return s->transaction != TRANSACTION_NONE && s->kind != TRANSACTION_SNAPSHOT;
}

static void put(struct store *s, const struct stmt_row *row, const struct pg_arg *args,
                size_t count) {
    link_enqueue(&s->db.link, row, args, count, false, NULL);
}

static void put_name(struct store *s) {
    put(s, STMT(SET_NAME), PG_ARGS(pg_text(s->request)));
}

/* A session that a pooler chose: what it must be like holds for one transaction. */
static void put_session(struct store *s) {
    const struct session *session = &s->db.session;

    if (s->db.link.unnamed)
        put(s, STMT(SET_SESSION),
            PG_ARGS(pg_texts(session->names, session->count),
                    pg_texts(session->values, session->count)));
}

static void put_begin(struct store *s) {
    put(s, s->kind == TRANSACTION_SNAPSHOT ? STMT(BEGIN_SNAPSHOT) : STMT(BEGIN_WRITE), PG_NONE);
    s->transaction = TRANSACTION_OPEN;
    put_session(s);
    if (s->request)
        put_name(s);
}

/* The number of the version is taken as late as can be: the locks that decide who comes first are
 * held by then, so that where writes meet their numbers have the order in which they were done. */
static void put_version(struct store *s) {
    assert(s->kind == TRANSACTION_WRITE);
    if (!s->db.options->versioning) {
        s->version = 1; /* what Python clusto writes without versioning */
        return;
    }
    s->version = VERSION_TAKEN;
    link_enqueue(&s->db.link, STMT(VERSION_INSERT),
                 PG_ARGS(pg_text(s->user), pg_text(s->description)), false, &s->version);
}

/* A connection for a first statement; what it means if that one is lost. */
static bool connected(struct store *s) {
    struct link *l = &s->db.link;
    int64_t now = clock_ms(), silent = now - l->last_heard;

    if (s->db.replaced_at > 0 && now - s->db.replaced_at > REPLACED_LIMIT)
        link_close(l);
    link_check_alive(l);
    l->if_lost = l->state == LINK_READY && silent > IDLE_LIMIT && !s->pinned ? RC_RETRY : RC_BROKEN;
    if (l->state == LINK_DOWN)
        link_fail(l, s->pinned ? RC_BROKEN : connect_ready(&s->db));
    return l->rc == RC_OK;
}

/* A connection, and a transaction if one is due; false: link.rc says why not. */
static bool ready(struct store *s) {
    struct link *l = &s->db.link;

    if (s->transaction != TRANSACTION_OPEN)
        link_drain_stale(l);
    if (s->transaction == TRANSACTION_NONE && !l->error_unreported)
        link_clear_error(l);
    if (l->rc != RC_OK)
        return false;
    if (s->transaction != TRANSACTION_OPEN && link_is_idle(l) && !connected(s))
        return false;
    if (s->transaction == TRANSACTION_DUE)
        put_begin(s);
    return l->rc == RC_OK;
}

/* Somebody may have run --init-db since this connection was made: then another one sees it. */
static void miss_extensions(struct store *s, const struct stmt_row *row) {
    struct link *l = &s->db.link;

    snprintf(l->error, sizeof l->error, "%s needs muster --init-db", row->name);
    log_warning("database: %s", l->error);
    if (clock_ms() - s->db.since > LOOK_AGAIN)
        link_drop(l, RC_RETRY);
    else
        link_fail(l, RC_UNREADY);
}

/* The first of a packet that is no part of a transaction, if that is to have a name as well. */
static bool wants_name(const struct store *s, const struct stmt_row *row) {
    return s->db.options->tag_reads && s->request && s->transaction == TRANSACTION_NONE &&
           !s->db.link.packet_open && row != STMT(SET_NAME) && !(row->flags & STMT_NAMES_ITSELF);
}

static void add_current(struct store *s, const struct stmt_row *row, const struct pg_arg *args,
                        size_t count, bool wanted) {
    bool of_user = row->flags & STMT_OF_USER, open;

    if (!ready(s))
        return;
    if ((row->flags & STMT_NEEDS_INIT_DB) && !s->db.has_extensions) {
        miss_extensions(s, row);
        return;
    }
    if (s->transaction == TRANSACTION_NONE && !s->db.link.packet_open)
        put_session(s);
    if (wants_name(s, row))
        put_name(s);
    open = s->transaction == TRANSACTION_OPEN;
    if (of_user && !(open && s->user_set))
        put(s, STMT(SET_USER), args, 1);
    s->user_set = open && (s->user_set || of_user);
    if ((row->flags & STMT_TAKES_VERSION) && s->version == 0)
        put_version(s);
    link_enqueue(&s->db.link, row, args, count, wanted, NULL);
}

/* As of a version it is the same statement of the past, with one more argument. */
static void add(struct store *s, const struct stmt_row *row, const struct pg_arg *args,
                size_t count, bool wanted) {
    const struct stmt_row *past;
    struct pg_arg with_version[MAX_PAST_ARGS];

    if (s->as_of == CURRENT || (row->flags & (STMT_COMPILED | STMT_TIMELESS))) {
        add_current(s, row, args, count, wanted);
        return;
    }
    past = (s->renamed ? past_rows : past_same_rows) + (row - stmts_rows);
    if (past->text == NULL) {
        link_set_error(&s->db.link, row->name);
        link_fail(&s->db.link, RC_BUG); /* t/unit_past.c sees that all that read have one */
        return;
    }
    assert(count < MAX_PAST_ARGS);
    for (size_t i = 0; i < count; i++)
        with_version[i] = args[i];
    with_version[count] = pg_int(s->as_of);
    add_current(s, past, with_version, count + 1, wanted);
}

/* --- as of a version, outside a transaction */

/* Each statement has a snapshot of its own. What is settled stays as it is, so the data may be of
 * any of them; but what tells that it is, and whether the short form of the statement was enough,
 * is asked after it: whatever came too late for that question was too late for the data. */

static bool is_checked_after(const struct store *s) {
    return s->as_of != CURRENT && s->transaction == TRANSACTION_NONE;
}

void exec_read_as_of(struct store *store, int32_t version, struct past_check *check) {
    assert(store->transaction == TRANSACTION_NONE);
    store->as_of = version;
    store->renamed = check->renamed = version <= store->renamed_to;
    store->check = *check;
}

void exec_read_current(struct store *store) {
    store->as_of = CURRENT;
}

/* Where there are writes all the time, one that came in between would have to be read again each
 * time. On a standby a snapshot's text does not tell all; behind a pooler the server may be
 * another. */
#define SEEN_OFTEN 4

static bool is_known(const struct store *s, const int32_t *versions, size_t count) {
    const struct past_known *known = &s->known;

    if (known->connection == 0 || known->connection != s->db.number || known->seen < SEEN_OFTEN)
        return false;
    for (size_t i = 0; i < count; i++)
        if (versions[i] != known->version)
            return false;
    return true;
}

void exec_send_check(struct store *store, const int32_t *versions, size_t count) {
    if (is_known(store, versions, count))
        add_current(store, STMT(SNAPSHOT), PG_NONE, true);
    else
        add_current(store, STMT(CHECK_VERSIONS), PG_ARGS(pg_ints(versions, NULL, count)), true);
}

enum { CHECK_NUMBER, CHECK_FINE, CHECK_RENAMED, CHECK_TIME, CHECK_SNAPSHOT };

static void remember(struct store *s, PGresult *answer, size_t row) {
    struct past_known *known = &s->known;
    const char *snapshot = pg_get_text(answer, row, CHECK_SNAPSHOT);
    const char *time = pg_get_text(answer, row, CHECK_TIME);
    int32_t version = pg_get_int32(answer, row, CHECK_NUMBER);
    int seen = known->connection == s->db.number && known->version == version &&
                       strcmp(known->snapshot, snapshot) == 0
                   ? known->seen + 1
                   : 0;

    *known = (struct past_known){.version = version,
                                 .renamed = pg_get_bool(answer, row, CHECK_RENAMED),
                                 .seen = seen < SEEN_OFTEN ? seen : SEEN_OFTEN};
    if (time == NULL || strlen(time) >= sizeof known->time ||
        strlen(snapshot) >= sizeof known->snapshot || s->db.is_standby || s->db.link.unnamed)
        return;
    snprintf(known->time, sizeof known->time, "%s", time);
    snprintf(known->snapshot, sizeof known->snapshot, "%s", snapshot);
    known->connection = s->db.number;
}

/* What was read is fine, of statements that know other names or need not. */
static enum rc take_found(struct store *s, const struct past_check *check, int32_t version,
                          bool renamed, const char *time) {
    if (renamed && !check->renamed) {
        if (version > s->renamed_to)
            s->renamed_to = version;
        return RC_RETRY;
    }
    *check->found = (struct version_found){.number = version,
                                           .exists = true,
                                           .settled = true,
                                           .fixed = true,
                                           .exact = true,
                                           .kept = true,
                                           .time = arena_strdup(check->arena, time)};
    return RC_OK;
}

static enum rc read_known(struct store *s, const struct past_check *check, PGresult *answer) {
    struct past_known *known = &s->known;

    if (check->instance == s->db.server.instance && known->connection == s->db.number &&
        strcmp(pg_get_text(answer, 0, 0), known->snapshot) == 0)
        return take_found(s, check, known->version, known->renamed, known->time);
    known->connection = 0;
    return RC_RETRY;
}

enum rc exec_read_check(struct store *store, const struct past_check *check, PGresult *answer,
                        size_t row) {
    if (PQnfields(answer) == 1)
        return read_known(store, check, answer);
    if (row >= pg_rows(answer) || !pg_get_bool(answer, row, CHECK_FINE) ||
        check->instance != store->db.server.instance) {
        store->known.connection = 0;
        store->check_failed_at = clock_ms();
        return RC_RETRY;
    }
    remember(store, answer, row);
    return take_found(store, check, pg_get_int32(answer, row, CHECK_NUMBER),
                      pg_get_bool(answer, row, CHECK_RENAMED),
                      pg_get_text(answer, row, CHECK_TIME));
}

static enum rc take_check(struct store *store) {
    PGresult *answer;
    enum rc rc = link_next(&store->db.link, &answer);

    if (rc == RC_OK)
        rc = exec_read_check(store, &store->check, answer, 0);
    PQclear(answer);
    return rc;
}

/* --- for the files of store/ */

void pg_queue(struct store *store, const struct stmt_row *row, const struct pg_arg *args,
              size_t count) {
    add(store, row, args, count, false);
}

void pg_send(struct store *store, const struct stmt_row *row, const struct pg_arg *args,
             size_t count) {
    add(store, row, args, count, true);
}

void pg_flush(struct store *store) {
    link_sync(&store->db.link);
}

void pg_read_ahead(struct store *store) {
    link_read_ahead(&store->db.link);
}

/* What is read so can't be checked: the next attempt is to have a snapshot. */
static enum rc refuse_unchecked(struct store *store) {
    (void)link_abandon(&store->db.link);
    link_clear_error(&store->db.link);
    return RC_RETRY;
}

enum rc pg_next(struct store *store, PGresult **result) {
    *result = NULL;
    if (is_checked_after(store))
        return refuse_unchecked(store);
    return link_next(&store->db.link, result);
}

enum rc pg_stream(struct store *store, pg_row take, void *context) {
    if (is_checked_after(store))
        return refuse_unchecked(store);
    return link_stream(&store->db.link, take, context);
}

enum rc pg_abandon(struct store *store) {
    return link_abandon(&store->db.link);
}

/* Nothing of it can have happened, and nothing was done before it. */
static bool may_repeat(const struct store *s, bool first, enum rc rc) {
    return first && rc == RC_RETRY && s->db.link.state == LINK_DOWN && !is_write(s);
}

static enum rc exec_once(struct store *store, PGresult **result, const struct stmt_row *row,
                         const struct pg_arg *args, size_t count) {
    enum rc rc;

    add(store, row, args, count, true);
    if (!is_checked_after(store))
        return link_next(&store->db.link, result);
    exec_send_check(store, &store->as_of, 1);
    rc = link_next(&store->db.link, result);
    if (rc == RC_OK)
        rc = take_check(store);
    if (rc != RC_OK) {
        PQclear(*result);
        *result = NULL;
    }
    return rc;
}

enum rc pg_exec(struct store *store, PGresult **result, const struct stmt_row *row,
                const struct pg_arg *args, size_t count) {
    struct link *l = &store->db.link;
    bool first = link_is_idle(l) && store->transaction != TRANSACTION_OPEN;
    PGresult *r;
    enum rc rc = exec_once(store, &r, row, args, count);

    if (may_repeat(store, first, rc)) {
        if (store->transaction == TRANSACTION_OPEN)
            store->transaction = TRANSACTION_DUE;
        link_clear_error(l);
        rc = exec_once(store, &r, row, args, count);
    }
    if (result)
        *result = r;
    else
        PQclear(r);
    return rc;
}

/* In a pipeline a result comes before its commit; the sync after it comes later. */
static enum rc end_of_write(const struct link *l, enum rc rc) {
    if (rc == RC_OK)
        rc = l->rc;
    return rc == RC_OK && l->standby_missed ? RC_UNKNOWN : rc;
}

enum rc pg_exec_write(struct store *store, PGresult **result, const struct stmt_row *row,
                      const struct pg_arg *args, size_t count) {
    struct link *l = &store->db.link;
    PGresult *r;
    enum rc rc;

    assert(store->transaction == TRANSACTION_NONE);
    link_drain_stale(l);
    if (link_is_idle(l))
        link_check_alive(l);
    if (store->request && !(row->flags & STMT_NAMES_ITSELF))
        pg_queue(store, STMT(SET_NAME), PG_ARGS(pg_text(store->request)));
    pg_send(store, row, args, count);
    l->standby_missed = false;
    if (l->packet_open) {
        store->transaction = TRANSACTION_COMMITTING;
        l->if_lost = RC_UNKNOWN;
    }
    rc = end_of_write(l, link_next(l, &r));
    store->transaction = TRANSACTION_NONE;
    l->if_lost = RC_BROKEN;
    link_clear_error(l);
    if (rc != RC_OK || !result) {
        PQclear(r);
        r = NULL;
    }
    if (result)
        *result = r;
    return rc;
}
