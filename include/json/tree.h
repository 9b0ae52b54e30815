/* tree.h: JSON values as trees in memory. */
#ifndef MUSTER_JSON_TREE_H
#define MUSTER_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

/* A value. `text` (NUL-terminated, `length` bytes) is the content of a string or the digits of a
 * number exactly as sent. Children are a list of `count` nodes; in an object each has its `key`,
 * and they are sorted by key in code point order. */
struct json_node {
    enum json_type type;
    const char *text;
    size_t length;
    const char *key;
    size_t key_length;
    struct json_node *children;
    struct json_node *next;
    size_t count;
};

/* How the key of a member compares with another key, as memcmp. Bytes of UTF-8 are ordered as code
 * points are. */
static inline int json_key_order(const struct json_node *member, const char *key, size_t length) {
    size_t n = member->key_length < length ? member->key_length : length;
    int order = n == 0 ? 0 : memcmp(member->key, key, n);

    return order != 0 ? order : (member->key_length > length) - (member->key_length < length);
}

/* Sorts the members of an object by key. Equal keys stay in their order. */
void json_sort(struct json_node *object);

/* The member of an object, or NULL (also for a NULL or another type). */
const struct json_node *json_find(const struct json_node *object, const char *key, size_t length);

/* The same for a key that ends with a NUL. */
static inline const struct json_node *json_member(const struct json_node *object, const char *key) {
    return json_find(object, key, strlen(key));
}

/* True if both are the same JSON value: numbers compare by value (1.0 is 1; on digits and exponent,
 * never as doubles). */
bool json_equal(const struct json_node *a, const struct json_node *b);

/* A string, a number or a boolean as a text ("true", "false"); NULL for the others. */
const char *json_scalar_text(const struct json_node *node);

/* Containers inside each other; 0 for a scalar. */
size_t json_depth(const struct json_node *node);

/* A copy without key and siblings, down to the last container, in the arena; texts are shared. */
struct json_node *json_copy(struct arena *arena, const struct json_node *node);

#endif
