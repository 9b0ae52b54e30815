/* transaction.h: POST /transaction: operations, each as a request of its own, in one transaction
 * with one version (contract/transactions.md). */
#ifndef MUSTER_SERVER_TRANSACTION_H
#define MUSTER_SERVER_TRANSACTION_H

#include "server/exchange.h"

/* Reads the body and checks all that can be checked before anything is done: references, paths,
 * roles. Sets x->transaction. 0, or the status of the refusal. */
int transaction_read(struct exchange *x);

/* What its operations say of the version, in the arena; NULL: nothing. */
const char *transaction_description(const struct exchange *x);

/* Before the first statement of the transaction: what the operations want ahead of it. 0, or the
 * status of the response. */
int transaction_ask(struct exchange *x);

/* In the transaction: locks what the operations name, and runs one after the other. Returns the
 * status of the response, which shows theirs: with one that is not a success nothing may be
 * committed. */
int transaction_run(struct exchange *x);

#endif
