/* revert.h: undoing what a version did, or bringing an object back to a version, step by step in
 * the open write transaction (contract/history.md A4). rules/revert.c has their order. */
#ifndef MUSTER_STORE_REVERT_H
#define MUSTER_STORE_REVERT_H

#include "store/store.h"

struct revert {
    int32_t version; /* whose changes are undone; of an object: the version that it goes back to */
    int32_t object;  /* the id of the object, 0: a version is undone */
};

/* False: without versioning there is nothing to revert. */
bool revert_is_possible(const struct store *store);

/* Locks all objects concerned by their ids, after the names that come back. *made: the version that
 * made the object; 0 for a version. RC_NOTFOUND: the object is gone. */
enum rc revert_lock(struct store *store, const struct revert *what, int32_t *made);

/* What is to be done, in the arena. */
struct revert_rows {
    int32_t *ends; /* attributes that end */
    size_t end_count;
    int32_t *adds; /* those like which some are added */
    size_t add_count;
    bool fills;                       /* some of these are put into containers */
    size_t created, deleted, renamed; /* objects that the version did this to */
};

/* After the locks; those on what is taken by rows that come back (addresses, units, the tree) are
 * taken in here. */
enum rc revert_read_rows(struct store *store, struct arena *arena, const struct revert *what,
                         struct revert_rows *out);

/* Why it can't be done: what a later version did. */
struct revert_conflict {
    int32_t rule; /* of the contract's list */
    const char *what;
    const char *object; /* its path; NULL: it is not there at all */
    const char *key, *subkey;
    bool has_number;
    int32_t number;
    int32_t version;
};

#define REVERT_CONFLICTS 200

/* By rule and version, at most so many, in the arena. */
enum rc revert_find_conflicts(struct store *store, struct arena *arena, const struct revert *what,
                              const struct revert_rows *rows, struct revert_conflict **out,
                              size_t *count);

/* Sent, and not waited for. */
void revert_apply(struct store *store, const struct revert *what, const struct revert_rows *rows);

/* After that: a rule of a container that is broken now, in the arena; NULL: none is. */
enum rc revert_find_violation(struct store *store, struct arena *arena, const char **out);

#endif
