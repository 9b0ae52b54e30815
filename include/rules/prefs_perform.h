/* prefs_perform.h: one write to a preferences document, done: by one statement where one can decide
 * it, else in a short transaction that holds the row. */
#ifndef MUSTER_RULES_PREFS_PERFORM_H
#define MUSTER_RULES_PREFS_PERFORM_H

#include "rules/prefs_change.h"

struct prefs_outcome {
    int64_t revision; /* of the document after it; 0: not known, or there is none */
    bool created;     /* there was no document before */
};

/* Does it for this user. RC_OK fills *outcome; refused as by prefs_change_apply, or a failure of
 * the database. */
struct verdict prefs_change_perform(struct store *store, struct arena *arena, const char *user,
                                    const struct prefs_change *change,
                                    struct prefs_outcome *outcome);

/* True if PostgreSQL's path operators do with these steps what a location means: none of them could
 * be taken for an index into a list. A GET then reads only what is at the location. */
bool prefs_location_is_plain(const struct json_pointer *location);

/* The steps as an array of `location->count` texts in the arena. */
const char *const *prefs_location_steps(struct arena *arena, const struct json_pointer *location);

#endif
