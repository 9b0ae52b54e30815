/* versions.h: points in time: which version is meant, and can it be read? (contract/history.md A1)
 */
#ifndef MUSTER_STORE_VERSIONS_H
#define MUSTER_STORE_VERSIONS_H

#include "store/store.h"

/* Neither: the latest settled one. */
struct version_wanted {
    bool by_number;
    int32_t number;
    const char *time; /* ISO, UTC, without a zone; NULL: none */
    int32_t done;     /* all up to this one are known to be settled (store_versions_done) */
};

struct version_found {
    int32_t number;
    bool exists;  /* false: it is in the future */
    bool settled; /* no earlier write is under way */
    bool fixed;   /* the same question will always mean this version */
    bool exact;   /* all that was written then is known */
    bool kept;    /* there is a history: by versioning, or the triggers that keep it */
    bool time_is_future;
    bool renamed;        /* an object was given another name, driver or type since */
    int32_t latest_done; /* the latest settled version, where this one is not */
    int32_t latest;
    int32_t oldest; /* of what is below nothing is left */
    const char
        *time; /* when it was made, ISO in UTC with milliseconds; NULL: no version is older */
};

/* Inside a snapshot, which is then read as of out->number by store_read_as_of. */
enum rc store_find_version(struct store *store, struct arena *arena,
                           const struct version_wanted *wanted, struct version_found *out);

/* Up to which version all are settled for snapshots taken after this; 0: it can't be told, as
 * somebody is writing, or this is a standby. Outside a transaction. */
enum rc store_versions_done(struct store *store, int32_t *done);

#endif
