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

/* The same without a question ahead and without a snapshot, of a version that is known to be
 * settled: each read is followed by a check in its own packet, and fails with RC_RETRY where that
 * says no (also where the version has become pruned or inexact; store_may_read_settled then says no
 * for a second). *out is what the last check found; out->exists: there was one. Only what reads
 * with one statement at a time, and not row by row. Until store_commit or store_rollback. `out` and
 * the arena are borrowed until then. */
bool store_may_read_settled(const struct store *store, int32_t version);
void store_read_settled(struct store *store, struct arena *arena, int32_t version,
                        struct version_found *out);

/* The check alone. */
enum rc store_check_settled(struct store *store);

/* A read that may go in a packet with others (store_prefetch) is to be as of such a version. */
void store_ask_settled(const struct store *store, struct store_read *read, int32_t version,
                       struct version_found *out);

/* Is the version committed, in the database as the next snapshot shows it? So is one that
 * `muster --prune-history` has deleted since. Outside a transaction. */
enum rc store_has_version(struct store *store, int32_t version, bool *there);

/* Up to which version all are settled for snapshots taken after this; 0: it can't be told, as
 * somebody is writing, or this is a standby. Outside a transaction. */
enum rc store_versions_done(struct store *store, int32_t *done);

#endif
