/* patch.h: changing a JSON tree by a merge patch (RFC 7396) or a JSON patch (RFC 6902). */
#ifndef MUSTER_JSON_PATCH_H
#define MUSTER_JSON_PATCH_H

#include <stddef.h>

#include "base/arena.h"

struct json_node;

enum json_patch_result {
    JSON_PATCH_OK,
    JSON_PATCH_MALFORMED, /* this is no patch at all, whatever the document */
    JSON_PATCH_MISSING,   /* a path leads to nothing in this document */
    JSON_PATCH_TEST,      /* a "test" found another value, or nothing */
    JSON_PATCH_LIMIT      /* the result would be over a limit, or the patch takes too many steps */
};

/* Bounds on what comes out. In a JSON patch what an operation removes is not given back, so that
 * copying and removing by turns can't go on for ever: there the document and all that is added
 * count together. */
struct json_patch_limits {
    size_t depth;     /* containers inside each other, at least 1 */
    size_t nodes;     /* values; 0: no limit */
    size_t bytes;     /* of keys, strings and numbers together; 0: no limit */
    size_t key_bytes; /* of one key that a path makes; 0: no limit */
};

struct json_patch_error {
    enum json_patch_result result;
    size_t operation;    /* which one of a JSON patch, from 0 */
    const char *message; /* for a person, in the arena or static; says which operation and path */
};

/* Both return the new document: a tree that may share parts with `document` and `patch`, which are
 * left as they are; new nodes are in `arena`, and it is valid as long as all three. NULL: *error
 * tells why, and nothing happened. Members keep their order, new ones come last. */

/* RFC 7396. Any value is a patch. A `document` of NULL is one that does not exist. */
const struct json_node *json_merge_patch(struct arena *arena, const struct json_node *document,
                                         const struct json_node *patch,
                                         const struct json_patch_limits *limits,
                                         struct json_patch_error *error);

/* RFC 6902: all operations or none. `patch` is the array of operations; anything else, an unknown
 * op, a missing or mistyped member, a bad pointer, moving a value into itself and removing the
 * whole document are JSON_PATCH_MALFORMED, found before the first operation is done. */
const struct json_node *json_patch(struct arena *arena, const struct json_node *document,
                                   const struct json_node *patch,
                                   const struct json_patch_limits *limits,
                                   struct json_patch_error *error);

#endif
