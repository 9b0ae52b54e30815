/* ahead.c: the first reads of several requests in one packet: one round trip, one transaction of
 * the database and one change of processes for all of them. Each statement has a snapshot of its
 * own. */
#include <assert.h>

#include "store/session.h"

static void forget(struct ahead *ahead) {
    PQclear(ahead->result);
    *ahead = (struct ahead){.there = false};
}

int store_ask(struct store *store) {
    assert(store->transaction == TRANSACTION_NONE && !store->serving);
    store->asking = NULL;
    if (store->asked == STORE_AHEAD || !store_connected(store) || store->settings->name_reads)
        return -1;
    store->asking = &store->ahead[store->asked];
    forget(store->asking);
    return (int)store->asked++;
}

/* Only the first statement of each. */
static void put_down(struct store *store, enum stmt stmt, const struct pg_arg *args, size_t count) {
    struct ahead *ahead = store->asking;

    if (ahead->there)
        return;
    pg_send(store, stmt, args, count);
    ahead->there = store->rc == RC_OK;
    ahead->stmt = stmt;
}

/* Nobody knows of others: whatever went wrong, the next statement begins anew. */
static void forgive(struct store *store) {
    store->rc = RC_OK;
    store->rc_unheard = false;
}

void store_fetch(struct store *store) {
    enum rc rc = RC_OK;

    store->asking = NULL;
    for (size_t i = 0; i < store->asked; i++) {
        struct ahead *ahead = &store->ahead[i];

        if (ahead->there && rc == RC_OK) {
            rc = ahead->rc = pg_next(store, &ahead->result);
            ahead->there = rc == RC_OK || rc == RC_BUSY;
        } else {
            ahead->there = false;
        }
    }
    store->asked = 0;
    forgive(store);
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
