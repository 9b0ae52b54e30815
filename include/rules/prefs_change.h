/* prefs_change.h: one write to a preferences document, decided on what is stored
 * (contract/preferences.md). */
#ifndef MUSTER_RULES_PREFS_CHANGE_H
#define MUSTER_RULES_PREFS_CHANGE_H

#include "http/etag.h"
#include "store/prefs.h"
#include "json/pointer.h"

enum prefs_change_kind {
    CHANGE_CREATE,      /* an empty document, unless there is one */
    CHANGE_MERGE,       /* the members of `value` into the document */
    CHANGE_SET,         /* `value` at `location` */
    CHANGE_REMOVE,      /* what is at `location` */
    CHANGE_PUT,         /* `value` is the whole document */
    CHANGE_MERGE_PATCH, /* `value` is an RFC 7396 patch */
    CHANGE_JSON_PATCH,  /* `value` is an RFC 6902 patch */
    CHANGE_DELETE       /* the document */
};

enum prefs_result {
    CHANGE_KEEP,         /* nothing to do */
    CHANGE_WRITE,        /* `text` is the new document */
    CHANGE_GONE,         /* the document is to be deleted */
    CHANGE_INVALID,      /* the change makes no sense for any document: 400 */
    CHANGE_MISSING,      /* there is no document to patch: 404 */
    CHANGE_CONFLICT,     /* this document does not allow it: 409 */
    CHANGE_PRECONDITION, /* If-Match or If-None-Match: 412 */
    CHANGE_TOO_LARGE,    /* 413 */
    CHANGE_OVER_QUOTA,   /* 507 */
    CHANGE_BROKEN        /* what is stored can't be read: 500 */
};

struct prefs_change {
    enum prefs_change_kind kind;
    const char *container; /* for messages */
    struct json_pointer location;
    const struct json_node *value;
    struct etag_list if_match;
    struct etag_list if_none_match;
    /* limits; 0: no limit, but for `depth` */
    size_t depth;
    size_t key_bytes;
    int64_t document_bytes;
    int64_t max_containers;
    int64_t max_bytes;
};

/* The entity tag of a revision, without quotes, in the arena. */
const char *prefs_etag(struct arena *arena, int64_t revision);

/* Decides what `change` does to `current` (NULL: no document yet). `usage` is what the user has,
 * NULL where there are no quotas. CHANGE_WRITE fills *text, a failure *message; both in the arena.
 */
enum prefs_result prefs_change_apply(struct arena *arena, const struct prefs_change *change,
                                     const struct prefs_document *current,
                                     const struct prefs_usage *usage, const char **text,
                                     const char **message);

/* The first `steps` steps of a location, quoted for a message, in the arena; cut when long. */
const char *prefs_location_text(struct arena *arena, const struct json_pointer *location,
                                size_t steps);

#endif
