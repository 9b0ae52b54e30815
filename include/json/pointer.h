/* pointer.h: a path into a JSON tree (RFC 6901). */
#ifndef MUSTER_JSON_POINTER_H
#define MUSTER_JSON_POINTER_H

#include "json/tree.h"

/* One step, unescaped: `length` bytes at `text`, NUL-terminated. */
struct json_token {
    const char *text;
    size_t length;
};

/* `count` steps from the root; none: the whole document. Plain data, so that the segments of a URL
 * can be put into one by hand: these are `keys_only`, which never lead into lists. */
struct json_pointer {
    struct json_token *tokens;
    size_t count;
    bool keys_only;
};

/* Parses the `n` bytes of a pointer ("" or "/a/b~1c"), its tokens go to `arena`. False: it is
 * malformed (no leading "/", a "~" without 0 or 1) and *message, static, says how. The bytes are
 * not checked for being UTF-8. */
bool json_pointer_parse(struct arena *arena, const char *text, size_t n, struct json_pointer *out,
                        const char **message);

/* True if the token is the index of an element, "0" or digits without a leading zero, or "-", which
 * is the one after the last (RFC 6901 section 4). *index is at most the array's count. */
bool json_pointer_index(const struct json_node *array, const struct json_token *token,
                        size_t *index);

/* The value there, or NULL when there is none (a missing member, an index past the end, a step into
 * a scalar). */
const struct json_node *json_pointer_get(const struct json_node *root,
                                         const struct json_pointer *pointer);

/* A new value that is `value` at this pointer in objects that hold nothing else; without steps a
 * copy of `value`. It shares the children of `value`. */
struct json_node *json_pointer_wrap(struct arena *arena, const struct json_pointer *pointer,
                                    const struct json_node *value);

#endif
