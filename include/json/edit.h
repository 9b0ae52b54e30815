/* edit.h: a JSON tree that can be changed, while the one that it was made from stays as it is. */
#ifndef MUSTER_JSON_EDIT_H
#define MUSTER_JSON_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "json/patch.h"
#include "json/pointer.h"

struct json_edit;
struct json_own;

/* The first `count` steps of a path. */
struct json_path {
    const struct json_token *tokens;
    size_t count;
};

/* An edit of `document`, all its memory in `arena`. What is taken in (the document, values that are
 * wrapped, clones) is measured against the limits; the first one met, and the work becoming too
 * much, makes every later call fail. */
struct json_edit *json_edit_new(struct arena *arena, const struct json_node *document,
                                const struct json_patch_limits *limits);

/* Why the edit ended, NULL while it goes on. Static. */
const char *json_edit_over(const struct json_edit *e);

/* The tree as it is now: read it and no more. */
const struct json_node *json_edit_tree(const struct json_edit *e);

/* The value at a path, to read, clone or detach; NULL when there is none or the edit is over. */
struct json_own *json_edit_at(struct json_edit *e, struct json_path path);

/* The same as a plain tree. */
const struct json_node *json_own_node(const struct json_own *own);

/* A value that can be put in: one from outside that stands under `level` containers in its new
 * place, or a copy of one that is in this tree. NULL: the edit is over. */
struct json_own *json_edit_wrap(struct json_edit *e, const struct json_node *value, size_t level);
struct json_own *json_edit_clone(struct json_edit *e, const struct json_own *own, size_t level);

/* Takes the value at a path (not the root) out of the tree and hands it back; NULL as above. */
struct json_own *json_edit_detach(struct json_edit *e, struct json_path path);

/* Takes note that a detached value is to stand under `level` containers. False: too deep. */
bool json_edit_fits(struct json_edit *e, const struct json_own *own, size_t level);

/* Puts a value where the path says, as "add" of RFC 6902 does: in place of the root or of a member,
 * as a new last member, or into an array before the position ("-": at the end). False: there is no
 * such place, or the edit is over. */
bool json_edit_add(struct json_edit *e, struct json_path path, struct json_own *value);

/* Puts a value in place of the one at the path. False as above. */
bool json_edit_replace(struct json_edit *e, struct json_path path, struct json_own *value);

#endif
