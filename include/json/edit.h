/* edit.h: changing a JSON tree in place. */
#ifndef MUSTER_JSON_EDIT_H
#define MUSTER_JSON_EDIT_H

#include "json/pointer.h"

/* Bounds on a tree and on what is put into it. What an edit removes is not given back, so that
 * copying and removing by turns ends: the document and all that is added count together. */
struct json_patch_limits {
    size_t depth;     /* containers inside each other, at least 1 */
    size_t nodes;     /* values; 0: no limit */
    size_t bytes;     /* of keys, strings and numbers together; 0: no limit */
    size_t key_bytes; /* of one key that a path makes; 0: no limit */
};

/* The steps of one edit with limits: values that are passed on a path, copied or measured. About
 * 0.1 s. */
enum { JSON_EDIT_STEPS = 20 * 1000 * 1000 };

/* An edit of the tree `root`. The first limit met is `over`, and all that follows fails. */
struct json_edit {
    struct arena *arena;
    const struct json_patch_limits *limits; /* NULL: none */
    struct json_node *root;                 /* which an edit at the pointer "" replaces */
    size_t nodes;
    size_t bytes;
    size_t steps;     /* left */
    const char *over; /* what is wrong, for a person; static; NULL: nothing */
};

/* Begins an edit; with limits, measures what is there. */
struct json_edit json_edit_begin(struct arena *arena, struct json_node *root,
                                 const struct json_patch_limits *limits);

/* The value at a pointer; NULL: there is none, or the edit is over. */
const struct json_node *json_edit_at(struct json_edit *e, const struct json_pointer *pointer);

/* A copy of a value that is to stand inside `level` containers; NULL: over a limit. */
struct json_node *json_edit_copy(struct json_edit *e, const struct json_node *value, size_t level);

/* Whether a value that was taken out may stand inside `level` containers. */
bool json_edit_fits(struct json_edit *e, const struct json_node *value, size_t level);

/* Puts a value where "add" of RFC 6902 does: in place of the root or of a member, as a new member,
 * into an array before the index. False: the pointer leads nowhere, or the edit is over. */
bool json_edit_add(struct json_edit *e, const struct json_pointer *pointer,
                   struct json_node *value);

/* Puts a value in place of the one at the pointer. False as above. */
bool json_edit_replace(struct json_edit *e, const struct json_pointer *pointer,
                       struct json_node *value);

/* Takes the value at the pointer (not the root) out; what held it stays, even empty. NULL: there is
 * none, or the edit is over. */
struct json_node *json_edit_take(struct json_edit *e, const struct json_pointer *pointer);

/* Puts a value at the pointer, which has at least one step, in place of what is there, and makes
 * the objects that are missing on the way; "-" and the index after the last append to a list. The
 * tree then shares the children of `value`. False: nothing was changed, since what the first
 * `*blocked` steps lead to can't take the next one. */
bool json_edit_set(struct json_edit *e, const struct json_pointer *pointer,
                   const struct json_node *value, size_t *blocked);

/* Puts each member of the object `members` into the object `target`, in place of those with the
 * same key. With `deep` as RFC 7396 has it: null removes a member, objects are merged. `target`
 * then shares values with `members`. */
void json_edit_merge(struct arena *arena, struct json_node *target, const struct json_node *members,
                     bool deep);

#endif
