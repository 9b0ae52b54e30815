/* idempotency.c: responses to writes that were sent with a key, kept with what they wrote. */
#include "store/idempotency.h"

#include <string.h>

#include "store/pg.h"

/* The one that used the key has committed: this statement sees it. None: it was pruned meanwhile.
 */
static enum rc find(struct store *store, struct arena *arena, const struct idempotency_key *key,
                    struct idempotency_response *out) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(IDEMPOTENCY_FIND),
                         PG_ARGS(pg_text(key->who), pg_text(key->key)));

    if (rc != RC_OK)
        return rc;
    pg_keep(arena, result);
    if (pg_rows(result) == 0 || pg_is_null(result, 0, 1))
        return RC_RETRY;
    out->same = strcmp(pg_get_text(result, 0, 0), key->request) == 0;
    out->status = pg_get_int32(result, 0, 1);
    out->headers = pg_get_text(result, 0, 2);
    out->body = pg_get_text(result, 0, 3);
    return RC_OK;
}

enum rc idempotency_claim(struct store *store, struct arena *arena,
                          const struct idempotency_key *key, bool *found,
                          struct idempotency_response *response) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(IDEMPOTENCY_CLAIM),
                         PG_ARGS(pg_text(key->who), pg_text(key->key), pg_text(key->request)));

    *found = rc == RC_OK && pg_affected(result) == 0;
    PQclear(result);
    return *found ? find(store, arena, key, response) : rc;
}

enum rc idempotency_keep(struct store *store, const struct idempotency_key *key,
                         const struct idempotency_response *response) {
    return pg_exec(store, NULL, STMT(IDEMPOTENCY_KEEP),
                   PG_ARGS(pg_text(key->who), pg_text(key->key), pg_int(response->status),
                           pg_text(response->headers), pg_text(response->body)));
}

enum rc idempotency_prune(struct store *store, int64_t older_than_ms) {
    return pg_exec(store, NULL, STMT(IDEMPOTENCY_PRUNE), PG_ARGS(pg_bigint(older_than_ms)));
}
