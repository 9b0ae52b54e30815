/* exec.c: statements, with what travels with them: BEGIN, the request's id, the user, the version.
 */
#include "store/exec.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/past.h"

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
    l->if_lost = l->state == LINK_READY && silent > IDLE_LIMIT ? RC_RETRY : RC_BROKEN;
    if (l->state == LINK_DOWN)
        link_fail(l, connect_ready(&s->db));
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
    const struct stmt_row *past = (s->renamed ? past_rows : past_same_rows) + (row - stmts_rows);
    struct pg_arg with_version[MAX_PAST_ARGS];

    if (s->as_of == CURRENT) {
        add_current(s, row, args, count, wanted);
        return;
    }
    if (past->text == NULL) {
        link_set_error(&s->db.link, row->name);
        link_fail(&s->db.link, RC_BUG); /* t/unit_past.c sees that all that read have one */
        return;
    }
    assert(count < MAX_PAST_ARGS);
    memcpy(with_version, args, count * sizeof *args);
    with_version[count] = pg_int(s->as_of);
    add_current(s, past, with_version, count + 1, wanted);
}

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

enum rc pg_next(struct store *store, PGresult **result) {
    return link_next(&store->db.link, result);
}

enum rc pg_stream(struct store *store, pg_row take, void *context) {
    return link_stream(&store->db.link, take, context);
}

enum rc pg_abandon(struct store *store) {
    return link_abandon(&store->db.link);
}

/* Nothing of it can have happened, and nothing was done before it. */
static bool may_repeat(const struct store *s, bool first, enum rc rc) {
    return first && rc == RC_RETRY && s->db.link.state == LINK_DOWN && !is_write(s);
}

enum rc pg_exec(struct store *store, PGresult **result, const struct stmt_row *row,
                const struct pg_arg *args, size_t count) {
    struct link *l = &store->db.link;
    bool first = link_is_idle(l) && store->transaction != TRANSACTION_OPEN;
    PGresult *r;
    enum rc rc;

    pg_send(store, row, args, count);
    rc = link_next(l, &r);
    if (may_repeat(store, first, rc)) {
        if (store->transaction == TRANSACTION_OPEN)
            store->transaction = TRANSACTION_DUE;
        link_clear_error(l);
        pg_send(store, row, args, count);
        rc = link_next(l, &r);
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
