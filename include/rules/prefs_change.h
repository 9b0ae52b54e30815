/* prefs_change.h: one write to a preferences document, decided on what is stored
 * (contract/preferences.md). */
#ifndef MUSTER_RULES_PREFS_CHANGE_H
#define MUSTER_RULES_PREFS_CHANGE_H

#include "base/verdict.h"
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
 * NULL where there are no quotas. RC_OK: *what is to be done, with PREFS_WRITE *text is the new
 * document. Refused: RC_INVALID (the change makes no sense for any document), RC_NOTFOUND (nothing
 * to patch), RC_CONFLICT (this document does not allow it), RC_PRECONDITION (If-Match or
 * If-None-Match), RC_TOO_LARGE, RC_QUOTA, RC_BUG (what is stored can't be read). */
struct verdict prefs_change_apply(struct arena *arena, const struct prefs_change *change,
                                  const struct prefs_document *current,
                                  const struct prefs_usage *usage, enum prefs_verdict *what,
                                  const char **text);

/* The first `steps` steps of a location, quoted for a message, in the arena; cut when long. */
const char *prefs_location_text(struct arena *arena, const struct json_pointer *location,
                                size_t steps);

#endif
