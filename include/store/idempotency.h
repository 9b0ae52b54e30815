/* idempotency.h: responses to writes that were sent with a key, kept with what they wrote, so that
 * the same request sent again has the same response (contract/transactions.md, "Retries"). */
#ifndef MUSTER_STORE_IDEMPOTENCY_H
#define MUSTER_STORE_IDEMPOTENCY_H

#include "store/store.h"

/* A key is one identity's. */
struct idempotency_key {
    const char *who; /* "": nobody is known */
    const char *key;
    const char *request; /* hexadecimal digits of the SHA-256 of what was asked */
};

struct idempotency_response {
    bool same; /* it is the response to the same request */
    int32_t status;
    const char *headers; /* names and values, each with a newline after it */
    const char *body;
};

/* First in a write transaction: the key is its own until that ends (*found false), or it was used
 * before (*found true). Waits for a transaction that is using it now. Texts are in the arena. */
enum rc idempotency_claim(struct store *store, struct arena *arena,
                          const struct idempotency_key *key, bool *found,
                          struct idempotency_response *response);

/* Last in it: the response that is to be given again. */
enum rc idempotency_keep(struct store *store, const struct idempotency_key *key,
                         const struct idempotency_response *response);

/* Forgets what is older, some thousand of them at once. */
enum rc idempotency_prune(struct store *store, int64_t older_than_ms);

#endif
