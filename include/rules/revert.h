/* revert.h: undoing what a version did, or bringing an object back (contract/history.md A4). */
#ifndef MUSTER_RULES_REVERT_H
#define MUSTER_RULES_REVERT_H

#include "base/verdict.h"
#include "store/revert.h"

/* The versions that are in the way, ascending, each once; none where the refusal has another
 * reason. */
struct revert_in_the_way {
    int32_t *versions;
    size_t count;
};

/* All of it in the open write transaction: locks, looks for conflicts, does it and checks the rules
 * of containers. RC_CONFLICT: with the reason; the caller rolls back. */
struct verdict revert_perform(struct store *store, struct arena *arena, const struct revert *what,
                              struct revert_in_the_way *out);

#endif
