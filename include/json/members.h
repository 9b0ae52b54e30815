/* members.h: finding the members of a large object by key. */
#ifndef MUSTER_JSON_MEMBERS_H
#define MUSTER_JSON_MEMBERS_H

#include <stddef.h>

#include "base/arena.h"

struct json_node;
struct json_members;

/* Objects up to this size are searched one by one: a table would cost more. */
enum { JSON_MEMBERS_FEW = 8 };

/* An empty table for about `expected` members (it grows), in `arena`. It holds nodes under their
 * own keys, which must not change while they are in it. The hash is keyed by a secret of the
 * process: nobody can choose keys that fall together. */
struct json_members *json_members_new(struct arena *arena, size_t expected);

/* A table of all members of an object. Of equal keys the last one is found. */
struct json_members *json_members_of(struct arena *arena, const struct json_node *object);

/* The node with this key, or NULL. */
struct json_node *json_members_get(const struct json_members *m, const char *key, size_t length);

/* Puts a node in, in place of one with the same key. */
void json_members_put(struct json_members *m, struct json_node *node);

/* Takes the node with this key out; nothing if there is none. */
void json_members_remove(struct json_members *m, const char *key, size_t length);

#endif
