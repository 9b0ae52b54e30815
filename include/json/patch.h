/* patch.h: changing a JSON tree in place by a merge patch (RFC 7396) or a JSON patch (RFC 6902). */
#ifndef MUSTER_JSON_PATCH_H
#define MUSTER_JSON_PATCH_H

#include "json/edit.h"

enum json_patch_result {
    JSON_PATCH_OK,
    JSON_PATCH_MALFORMED, /* not a patch, whatever the document */
    JSON_PATCH_MISSING,   /* a path leads to nothing in this document */
    JSON_PATCH_TEST,      /* a "test" found another value, or nothing */
    JSON_PATCH_LIMIT      /* the result would be over a limit, or the patch takes too many steps */
};

struct json_patch_error {
    enum json_patch_result result;
    size_t operation;    /* which one of a JSON patch, from 0 */
    const char *message; /* for a person, in the arena or static; says which operation and path */
};

/* Both change `document` in place and return what it has become, in `arena`. NULL: *error tells
 * why, and `document` is of no use any more. The patch stays as it is; the result of a merge shares
 * parts with it. */

/* RFC 7396. Any value is a patch; a document that does not exist is null. */
struct json_node *json_merge_patch(struct arena *arena, struct json_node *document,
                                   const struct json_node *patch,
                                   const struct json_patch_limits *limits,
                                   struct json_patch_error *error);

/* RFC 6902. `patch` is the array of operations; anything else, an unknown op, a missing or mistyped
 * member, a bad pointer, moving a value into itself and removing the whole document are
 * JSON_PATCH_MALFORMED, found before the first operation is done. */
struct json_node *json_patch(struct arena *arena, struct json_node *document,
                             const struct json_node *patch, const struct json_patch_limits *limits,
                             struct json_patch_error *error);

#endif
