/* pointer.h: a path into a JSON tree (RFC 6901). */
#ifndef MUSTER_JSON_POINTER_H
#define MUSTER_JSON_POINTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct json_node;

/* One step, already unescaped: `length` bytes at `text`, NUL-terminated. */
struct json_token {
    const char *text;
    size_t length;
};

/* `count` steps from the root; none: the whole document. Plain data, so that a path that came some
 * other way (the segments of a URL) can be put into one by hand. */
struct json_pointer {
    struct json_token *tokens;
    size_t count;
};

/* Parses the `n` bytes of a pointer ("" or "/a/b~1c"), its tokens go to `arena`. False: it is
 * malformed (no leading "/", a "~" without 0 or 1) and *message, static, says how. The bytes are
 * not checked for being UTF-8. */
bool json_pointer_parse(struct arena *arena, const char *text, size_t n, struct json_pointer *out,
                        const char **message);

/* True if the token is a position in an array, "0" or digits without a leading zero, that fits
 * *index. "-" is none. */
bool json_pointer_index(const struct json_token *token, size_t *index);

/* The value there, or NULL when there is none (a missing member, an index past the end, a step into
 * a scalar). Array positions are indexes, as the RFC says. */
const struct json_node *json_pointer_get(const struct json_node *root,
                                         const struct json_pointer *pointer);

#endif
