/* perform.h: one write to a preferences document, done: by one statement where one can decide it,
 * else in a short transaction that holds the row. */
#ifndef MUSTER_RULES_PERFORM_H
#define MUSTER_RULES_PERFORM_H

#include "rules/change.h"

struct outcome {
    enum change_result result; /* KEEP, WRITE and GONE are successes */
    int64_t revision;          /* of the document after it; 0: not known, or there is none */
    const char *message;       /* of a failure, in the arena */
};

/* Does it for this user. Anything but RC_OK is a failure of the database; RC_OK fills *outcome. */
enum rc change_perform(struct store *store, struct arena *arena, const char *user,
                       const struct change *change, struct outcome *outcome);

/* True if PostgreSQL's path operators do with these steps what a path means: none of them could be
 * taken for a position in a list. Lets a GET be answered with only what is at the place. */
bool place_is_plain(const struct place *place);

/* The steps as an array of `place->pointer.count` texts in the arena. */
const char *const *place_steps(struct arena *arena, const struct place *place);

#endif
