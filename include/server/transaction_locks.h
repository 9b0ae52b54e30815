/* transaction_locks.h: what the operations of a transaction name, to be locked ahead of them. */
#ifndef MUSTER_SERVER_TRANSACTION_LOCKS_H
#define MUSTER_SERVER_TRANSACTION_LOCKS_H

#include "server/transaction_input.h"
#include "store/write.h"

/* An array of locks that grows, in the arena. */
struct transaction_locks {
    struct arena *arena;
    struct lock_ahead *items;
    size_t count, capacity;
};

/* Adds what an operation, whose route was found, will lock: the object of its path, those of its
 * parameters, and what its relations refer to. */
void transaction_locks_add(struct transaction_locks *locks, const struct exchange *x,
                           const struct transaction_operation *operation);

#endif
