/* prefs.h: preferences: one row for each user and container, each write decided by the database.
 *
 * A write is one statement wherever one can decide it. What no single statement can decide, or one
 * did not want to do, goes through store_prefs_edit: a short transaction that holds the row while a
 * function of the caller looks at it. None of these belong to a transaction of dispatch's. */
#ifndef MUSTER_STORE_PREFS_H
#define MUSTER_STORE_PREFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rc.h"
#include "store/store.h"

/* What is stored. A revision never comes again, not for another document either. */
struct prefs_document {
    int64_t revision;
    const char *text; /* JSON, in the arena; NULL: nothing at the path */
    size_t length;
    int64_t bytes;    /* of the whole document as PostgreSQL prints it */
    int64_t user_key; /* by which changes of this user's documents are reported (store_take_prefs
                         only) */
};

/* The containers of a user in code point order; with `contains` (a JSON object's text, NULL: all)
 * those whose document contains it. The names are in the arena. */
enum rc store_prefs_list(struct store *store, struct arena *arena, const char *user,
                         const char *contains, const char *const **names, size_t *count);

/* A document, or with a path what is there: each step is a key, and none may look like a number
 * (PostgreSQL would take it for a position in a list). RC_NOTFOUND: no such container. */
struct store_read *store_ask_prefs(struct arena *arena, const char *user, const char *container,
                                   const char *const *path, size_t path_count);
enum rc store_take_prefs(struct store *store, struct store_read *read, struct prefs_document *out);

/* A write that one statement decides. */
struct prefs_write {
    const char *user;
    const char *container;
    const int64_t *revisions; /* only if the document has one of these; none: whatever it has */
    size_t revision_count;
    const char *document;    /* the JSON object to put or to merge; for set: the whole new one if
                                there is no document yet */
    const char *const *path; /* set and remove: at least one step, as for store_ask_prefs */
    size_t path_count;
    const char *value;   /* set: the JSON value */
    int64_t growth;      /* merge and set: no more bytes than that can be added, */
    int64_t bytes_limit; /* and the document may not become larger than this */
};

/* RC_OK: done, *revision is the new one. RC_CONFLICT: nothing was done, because of a revision, the
 * limit, or something on the way of the path; store_prefs_edit can tell. Without `revisions` a
 * document that does not exist is made (not by remove). */
enum rc store_prefs_put(struct store *store, const struct prefs_write *write, int64_t *revision,
                        bool *created);
enum rc store_prefs_merge(struct store *store, const struct prefs_write *write, int64_t *revision);
enum rc store_prefs_set(struct store *store, const struct prefs_write *write, int64_t *revision);
enum rc store_prefs_remove(struct store *store, const struct prefs_write *write, int64_t *revision);

/* Makes the container with `write->document` unless it exists: RC_EXISTS, and nothing was done. */
enum rc store_prefs_create(struct store *store, const struct prefs_write *write, int64_t *revision);

/* Deletes the container; RC_NOTFOUND: it was not there, or has none of the revisions. */
enum rc store_prefs_delete(struct store *store, const struct prefs_write *write);

/* Deletes all of a user's. RC_OK also if there was nothing. */
enum rc store_prefs_delete_all(struct store *store, const char *user);

/* What a user has, for quotas. */
struct prefs_usage {
    int64_t containers;
    int64_t bytes;
};

/* What this user has now. */
enum rc store_prefs_usage(struct store *store, const char *user, struct prefs_usage *usage);

enum prefs_verdict { PREFS_KEEP, PREFS_WRITE, PREFS_DELETE };

/* Looks at the document (NULL: there is none) while no other session can change it, and says what
 * to do: with PREFS_WRITE *text is the new document. `usage` is NULL unless it was asked for. May
 * be called again when another session created the document in between: the last call counts. */
typedef enum prefs_verdict (*prefs_edit)(void *context, const struct prefs_document *current,
                                         const struct prefs_usage *usage, const char **text);

/* Runs `edit` in a transaction that holds the row, or keeps the user from making others while
 * `usage` is asked for. *revision is the new one after PREFS_WRITE. */
enum rc store_prefs_edit(struct store *store, struct arena *arena, const char *user,
                         const char *container, bool usage, prefs_edit edit, void *context,
                         int64_t *revision);

#endif
