/* transaction_step.h: an operation of a transaction as a request of its own, which shares the
 * transaction, the client and the memory of the one that it is part of. */
#ifndef MUSTER_SERVER_TRANSACTION_STEP_H
#define MUSTER_SERVER_TRANSACTION_STEP_H

#include "server/transaction_input.h"

struct transaction_step;

/* In the arena of the request `x`, for one operation after the other. */
struct transaction_step *transaction_step_new(struct exchange *x);

/* The exchange of the operation: after it was prepared its route and what the path names, after it
 * was run its response, all of which is held. */
struct exchange *transaction_step_exchange(struct transaction_step *step);

/* Makes every check that a request meets before its body is looked at: route, roles, conditions.
 * `answers` are those of the operations before it. 0, or the status of the response, a refusal. */
int transaction_step_prepare(struct transaction_step *step,
                             const struct transaction_operation *operation,
                             const struct reference_answers *answers);

/* Then what it wants ahead of the transaction. 0, or the status of the response. */
int transaction_step_ask(struct transaction_step *step,
                         const struct transaction_operation *operation);

/* Or, in the transaction, its handler. `room`: bytes that its response may have. Returns the status
 * of the response; the exchange's c.rc and response.full say more. */
int transaction_step_run(struct transaction_step *step,
                         const struct transaction_operation *operation,
                         const struct reference_answers *answers, size_t room);

#endif
