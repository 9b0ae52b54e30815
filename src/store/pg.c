/* pg.c: a store's life, and transactions as dispatch sees them. */
#include "store/pg.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/exec.h"
#include "store/watch.h"

struct store *store_new(const struct store_options *options, struct cluster *cluster) {
    struct store *store = calloc(1, sizeof *store);

    if (!store)
        log_fatal("out of memory");
    connect_init(&store->db, options, cluster);
    store->db.link.watch.look = watch_look;
    store->db.link.watch.context = &store->db;
    store->texts = arena_new();
    store->as_of = CURRENT;
    return store;
}

void store_free(struct store **store) {
    if (!*store)
        return;
    connect_release(&(*store)->db);
    arena_free(&(*store)->texts);
    free(*store);
    *store = NULL;
}

enum rc store_connect(struct store *store) {
    struct link *l = &store->db.link;

    if (l->state != LINK_DOWN)
        return RC_OK;
    if (l->rc != RC_OK && (store->transaction != TRANSACTION_NONE || l->error_unreported))
        return l->rc; /* a transaction that has failed goes on to fail alike */
    link_clear_error(l);
    return connect_ready(&store->db);
}

bool store_connected(const struct store *store) {
    return store->db.link.conn && PQstatus(store->db.link.conn) == CONNECTION_OK;
}

enum rc store_status(struct store *store, struct store_status *status) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(STATUS), PG_NONE);

    *status = (struct store_status){0};
    if (rc == RC_OK) {
        status->writable = pg_get_bool(result, 0, 0);
        status->timeline = pg_get_int(result, 0, 1);
    }
    PQclear(result);
    return rc;
}

bool store_is_standby(const struct store *store) {
    return store->db.is_standby;
}

struct store_servers store_servers(const struct store *store) {
    const struct cluster *cluster = store->db.cluster;

    return (struct store_servers){.timeline = cluster_timeline(cluster),
                                  .switches = atomic_load(cluster_number(cluster)),
                                  .failures = cluster_failures(cluster)};
}

uint64_t store_connection(const struct store *store) {
    return store_connected(store) ? store->db.number : 0;
}

uint64_t store_instance(const struct store *store) {
    return store->db.server.instance;
}

const char *store_error(const struct store *store) {
    return store->db.link.error;
}

void store_set_client(struct store *store, int fd) {
    store->db.link.client = fd;
}

void store_set_request(struct store *store, const char *id) {
    store->request = id;
}

bool pg_has_extensions(struct store *store) {
    return store_connect(store) == RC_OK && store->db.has_extensions;
}

int32_t pg_settled(const struct store *store) {
    bool is_taken = store->transaction == TRANSACTION_OPEN && store->kind == TRANSACTION_SNAPSHOT;

    if (is_taken || !store_connected(store))
        return 0;
    return cluster_settled(store->db.cluster, store_instance(store));
}

void pg_note_settled(struct store *store, int32_t version, int32_t latest) {
    cluster_note_settled(store->db.cluster, store_instance(store), version, latest);
}

uint64_t pg_connection(const struct store *store) {
    return store->db.number;
}

bool pg_is_current(const struct store *store) {
    return store->as_of == CURRENT;
}

bool pg_versioning(const struct store *store) {
    return store->db.options->versioning;
}

struct pg_arg pg_version(const struct store *store) {
    return store->db.options->versioning ? pg_null() : pg_int(1);
}

struct pg_arg pg_request(const struct store *store) {
    return pg_text(store->request);
}

/* --- transactions */

static void reset(struct store *store) {
    store->transaction = TRANSACTION_NONE;
    store->user_set = false;
    store->user = store->description = NULL;
    store->as_of = CURRENT;
    store->db.link.if_lost = RC_BROKEN;
    link_clear_error(&store->db.link);
    arena_reset(store->texts);
}

static void begin(struct store *store, enum transaction_kind kind) {
    assert(store->transaction == TRANSACTION_NONE && pg_is_current(store));
    reset(store);
    store->transaction = TRANSACTION_DUE;
    store->kind = kind;
    store->version = 0;
}

void store_set_idle(bool (*idle)(void *context), void *context) {
    link_set_idle(idle, context);
}

bool store_in_transaction(const struct store *store) {
    return store->transaction != TRANSACTION_NONE || !pg_is_current(store);
}

void store_begin_snapshot(struct store *store) {
    begin(store, TRANSACTION_SNAPSHOT);
}

bool pg_begin_own_snapshot(struct store *store) {
    bool own = !store_in_transaction(store);

    if (own)
        store_begin_snapshot(store);
    return own;
}

enum rc pg_end_own_snapshot(struct store *store, bool own, enum rc rc) {
    if (own && rc == RC_OK)
        return store_commit(store);
    if (own)
        store_rollback(store);
    return rc;
}

void store_begin_write(struct store *store, const char *user, const char *description) {
    begin(store, TRANSACTION_WRITE);
    store->user = arena_strdup(store->texts, user);
    store->description = arena_strdup(store->texts, description);
}

void store_begin_plain(struct store *store) {
    begin(store, TRANSACTION_PLAIN);
}

int32_t store_version(const struct store *store) {
    return store->version;
}

void store_read_as_of(struct store *store, int32_t version, bool renamed) {
    assert(store->transaction == TRANSACTION_OPEN && store->kind == TRANSACTION_SNAPSHOT);
    store->as_of = version;
    store->renamed = renamed;
}

/* COMMIT leaves alone, after everything else is known to be done: as long as it was not sent
 * whatever breaks can be tried again. A transaction that had failed answers ROLLBACK. */
static enum rc commit_write(struct store *store) {
    struct link *l = &store->db.link;
    PGresult *result;
    enum rc rc = link_finish(l);

    if (rc != RC_OK)
        return rc;
    l->standby_missed = false;
    link_enqueue(l, STMT(COMMIT), PG_NONE, true, NULL);
    if (l->rc == RC_OK) {
        store->transaction = TRANSACTION_COMMITTING;
        l->if_lost = RC_UNKNOWN;
    }
    rc = link_next(l, &result);
    if (rc == RC_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        rc = RC_BUG;
    if (rc == RC_OK && l->standby_missed)
        rc = RC_UNKNOWN;
    PQclear(result);
    return rc;
}

/* The end of a snapshot is sent, but not waited for: its result is read with the next one. */
static enum rc commit_snapshot(struct store *store) {
    link_enqueue(&store->db.link, STMT(COMMIT), PG_NONE, false, NULL);
    link_sync(&store->db.link);
    return store->db.link.rc;
}

enum rc store_commit(struct store *store) {
    enum rc rc = store->db.link.rc;

    if (store->transaction == TRANSACTION_OPEN && rc == RC_OK) {
        rc = store->kind == TRANSACTION_SNAPSHOT ? commit_snapshot(store) : commit_write(store);
        if (rc == RC_OK) {
            reset(store);
            return rc;
        }
    }
    store_rollback(store);
    return rc;
}

enum rc store_check(struct store *store) {
    return link_finish(&store->db.link);
}

void store_rollback(struct store *store) {
    struct link *l = &store->db.link;
    PGresult *result;

    (void)link_finish(l);
    reset(store);
    if (l->state == LINK_DOWN || PQtransactionStatus(l->conn) == PQTRANS_IDLE)
        return;
    link_enqueue(l, STMT(ROLLBACK), PG_NONE, true, NULL);
    if (link_next(l, &result) != RC_OK)
        link_close(l);
    PQclear(result);
    link_clear_error(l);
}

void store_suspend_transaction(struct store *store, bool suspend) {
    assert(store->transaction == (suspend ? TRANSACTION_DUE : TRANSACTION_NONE));
    store->transaction = suspend ? TRANSACTION_NONE : TRANSACTION_DUE;
}
