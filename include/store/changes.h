/* changes.h: what was changed since a snapshot, as reported by the triggers of --init-db. */
#ifndef MUSTER_STORE_CHANGES_H
#define MUSTER_STORE_CHANGES_H

#include "store/store.h"

/* Keys of what was committed since `since` (what an earlier call gave as `snapshot`; "": unknown):
 * entities by id, users by a hash. */
struct changes {
    const char *snapshot; /* now; taken after the call began */
    uint64_t instance;    /* of the server that says so */
    int64_t *keys;
    size_t count;
    bool everything;   /* what is not among the keys, too */
    const char *blind; /* why changes are not reported, so that nothing may be served; else NULL */
};

/* One snapshot; in the arena. RC_UNREADY without --init-db's triggers, else as any
 * read. */
enum rc store_changes(struct store *store, struct arena *arena, const char *since,
                      struct changes *out);

/* Is all as it was at `since`? The cheaper question; where the answer is no, or RC_OK is not what
 * it returns, store_changes tells more. One statement, begun after the call. */
enum rc store_unchanged(struct store *store, struct arena *arena, const char *since,
                        bool *unchanged);

#endif
