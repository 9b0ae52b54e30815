/* document.h: what a write does to a preferences document, on JSON trees (contract/preferences.md).
 */
#ifndef MUSTER_RULES_DOCUMENT_H
#define MUSTER_RULES_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "json/pointer.h"
#include "json/reader.h"

/* Where in a document. The segments of a URL's path are always keys of objects; a pointer may also
 * step into lists by `positions` (RFC 6901). No steps: the whole document. */
struct place {
    struct json_pointer pointer;
    bool positions;
};

/* The value there, or NULL. */
const struct json_node *document_at(const struct json_node *document, const struct place *place);

/* Puts a copy of `value` there, replacing what is there, and makes the objects that are missing on
 * the way; with positions, "-" and the position behind the last append to a list. `place` has at
 * least one step. The document is changed in place and then shares the children of `value`. False:
 * nothing was changed, since what is reached by the first `*blocked` steps can't take the next
 * one. */
bool document_set(struct arena *arena, struct json_node *document, const struct place *place,
                  const struct json_node *value, size_t *blocked);

/* Takes the member (or element) out, in place; what held it stays, even empty. False: there was
 * none. `place` has at least one step. */
bool document_remove(struct json_node *document, const struct place *place);

/* Puts each member of the object `members` into the object `document`, in place, replacing those of
 * the same key. */
void document_merge(struct arena *arena, struct json_node *document,
                    const struct json_node *members);

/* A new object that holds nothing but `value` at `pointer`; without steps a copy of `value`. */
struct json_node *document_wrap(struct arena *arena, const struct json_pointer *pointer,
                                const struct json_node *value);

/* Containers inside each other; 0 for a scalar. */
size_t document_depth(const struct json_node *node);

/* Bytes of the value as PostgreSQL prints it (", " and ": ", numbers without exponents), which is
 * what limits and quotas count. */
size_t document_size(const struct json_node *node);

#endif
