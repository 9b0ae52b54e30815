/* prefs_perform.h: one write to a preferences document, done: by one statement where one can decide
 * it, else in a short transaction that holds the row. */
#ifndef MUSTER_RULES_PREFS_PERFORM_H
#define MUSTER_RULES_PREFS_PERFORM_H

#include "rules/prefs_change.h"

struct prefs_outcome {
    enum prefs_result result; /* KEEP, WRITE and GONE are successes */
    int64_t revision;         /* of the document after it; 0: not known, or there is none */
    bool created;              /* there was no document before */
    const char *message;      /* of a failure, in the arena */
};

/* Does it for this user. Anything but RC_OK is a failure of the database; RC_OK fills *outcome. */
enum rc prefs_change_perform(struct store *store, struct arena *arena, const char *user,
                             const struct prefs_change *change, struct prefs_outcome *outcome);

/* True if PostgreSQL's path operators do with these steps what a location means: none of them could
 * be taken for an index into a list. A GET then reads only what is at the location. */
bool prefs_location_is_plain(const struct json_pointer *location);

/* The steps as an array of `location->count` texts in the arena. */
const char *const *prefs_location_steps(struct arena *arena, const struct json_pointer *location);

#endif
