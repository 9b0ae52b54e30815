/* reader.h: a JSON text to a tree in an arena, within limits. */
#ifndef MUSTER_JSON_READER_H
#define MUSTER_JSON_READER_H

#include "json/tree.h"

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

/* Reads exactly one JSON value, white space around it allowed; of members with the same key the
 * last wins. The tree and the message are in `arena`. Returns the value, or NULL with *error
 * filled. An empty text is JSON_MALFORMED. */
struct json_node *json_read(struct arena *arena, const char *bytes, size_t n,
                            const struct json_limits *limits, struct json_error *error);

#endif
