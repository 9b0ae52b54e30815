/* ahead.c: the first reads of several requests in one packet: one round trip, one transaction of
 * the database and one change of processes for all of them. Each statement has a snapshot of its
 * own. */
#include <assert.h>

#include "base/log.h"
#include "store/session.h"

static void forget(struct ahead *ahead) {
    PQclear(ahead->result);
    *ahead = (struct ahead){.there = false};
}

int store_ask(struct store *store, const char *request) {
    assert(store->transaction == TRANSACTION_NONE && !store->serving);
    store->asking = NULL;
    if (store->asked == STORE_AHEAD || !store_connected(store) || store->options->name_reads)
        return -1;
    store->asking = &store->ahead[store->asked];
    forget(store->asking);
    store->asking->request = request;
    return (int)store->asked++;
}

/* Only the first statement of each, and none that is sure to fail for all. */
static void put_down(struct store *store, enum stmt stmt, const struct pg_arg *args, size_t count) {
    struct ahead *ahead = store->asking;

    if (ahead->there || (stmt_rows[stmt].flags & STMT_NEEDS_OURS && !store->has_ours))
        return;
    pg_send(store, stmt, args, count);
    ahead->there = store->rc == RC_OK;
    ahead->stmt = stmt;
}

/* The one that failed, or NULL. */
static struct ahead *take_results(struct store *store) {
    struct ahead *failed = NULL;

    for (size_t i = 0; !failed && i < store->asked; i++) {
        struct ahead *ahead = &store->ahead[i];

        if (!ahead->there)
            continue;
        log_set_request(ahead->request);
        ahead->rc = pg_next(store, &ahead->result);
        if (ahead->rc != RC_OK)
            failed = ahead;
    }
    log_set_request(NULL);
    return failed;
}

/* Who waited in vain is told so; with it those who would wait for the same lock, one after another,
 * while others could have served them. All the rest is asked again. */
static void share_failure(struct store *store, struct ahead *failed) {
    bool in_vain = failed->rc == RC_BUSY;

    for (struct ahead *ahead = failed; ahead < &store->ahead[store->asked]; ahead++) {
        bool same = ahead == failed || (store->locked && ahead->stmt == failed->stmt);

        ahead->there = ahead->there && in_vain && same;
        ahead->rc = RC_BUSY;
    }
}

void store_fetch(struct store *store) {
    struct ahead *failed;

    store->asking = NULL;
    failed = take_results(store);
    if (failed)
        share_failure(store, failed);
    store->asked = 0;
    session_forgive(store);
}

void store_serve(struct store *store, int place) {
    if (store->serving)
        forget(store->serving);
    store->serving = place < 0 ? NULL : &store->ahead[place];
}

/* What is there is taken once; whatever else the handler asks is asked then. */
static bool take(struct ahead *ahead, enum stmt stmt, PGresult **result, enum rc *rc) {
    if (!ahead || !ahead->there || ahead->stmt != stmt)
        return false;
    *rc = ahead->rc;
    *result = ahead->result;
    *ahead = (struct ahead){.there = false};
    return true;
}

bool session_ahead(struct store *store, enum stmt stmt, const struct pg_arg *args, size_t count,
                   PGresult **result, enum rc *rc) {
    if (!store->asking || store->connecting)
        return take(store->serving, stmt, result, rc);
    put_down(store, stmt, args, count);
    *rc = RC_AHEAD;
    *result = NULL;
    return true;
}
