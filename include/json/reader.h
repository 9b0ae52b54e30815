/* reader.h: a JSON text to a tree in an arena, within limits. */
#ifndef MUSTER_JSON_READER_H
#define MUSTER_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>

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

/* A value. `text` (NUL-terminated, `length` bytes) is the string's content or the number's digits
 * exactly as sent. Children are a list; in an object each has its `key`. A member given twice: the
 * last wins, in the place of the first. */
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

struct json_limits {
    size_t depth;         /* containers inside each other */
    size_t nodes;         /* values in the whole text; 0: no limit */
    size_t key_bytes;     /* 0: no limit */
    size_t number_digits; /* characters of a number; 0: no limit */
    int exponent;         /* absolute bound of a number's exponent; 0: no limit */
};

enum json_result {
    JSON_OK,
    JSON_MALFORMED,  /* not JSON, not UTF-8 */
    JSON_UNSTORABLE, /* \u0000 or a lone surrogate: valid JSON that PostgreSQL can't hold */
    JSON_LIMIT       /* over one of the limits */
};

struct json_error {
    enum json_result result;
    size_t line;         /* from 1 */
    size_t column;       /* from 1, in bytes */
    const char *message; /* for a person, in the arena, names what is wrong, without the position */
};

/* Reads exactly one JSON value, white space around it allowed. The tree and the message are in
 * `arena`. Returns the value, or NULL with *error filled. An empty text is JSON_MALFORMED. */
struct json_node *json_read(struct arena *arena, const char *bytes, size_t n,
                            const struct json_limits *limits, struct json_error *error);

/* The member of an object, or NULL (also for a NULL or another type). */
const struct json_node *json_member(const struct json_node *object, const char *key);

/* True if both are the same JSON value: objects whatever the order of members, numbers by value
 * (1.0 is 1, compared on digits and exponent, never as doubles). */
bool json_equal(const struct json_node *a, const struct json_node *b);

#endif
