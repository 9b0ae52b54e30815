/* idempotency.h: Idempotency-Key: a write that is sent again has the same response, and is done
 * once (the IETF's draft-ietf-httpapi-idempotency-key-header, contract/transactions.md). */
#ifndef MUSTER_SERVER_IDEMPOTENCY_H
#define MUSTER_SERVER_IDEMPOTENCY_H

#include "server/exchange.h"

/* Reads the header. 0, or the status of the refusal: 400. Reads have no use for it. */
int idempotency_check(struct exchange *x);

/* In the transaction of a write before anything else: 0, or x->replayed and the status of the
 * response that was given before, or that of a refusal: 422 where the key was another request's. */
int idempotency_begin(struct exchange *x);

/* Before the commit: the response is kept. Returns its status; 413: it is too long for that. */
int idempotency_end(struct exchange *x, int status);

/* Now and then forgets responses that are older than idempotency_keep. */
void idempotency_forget(struct worker_state *w);

#endif
