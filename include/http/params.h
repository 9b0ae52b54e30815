/* params.h: query string and form bodies to a list of names and values. */
#ifndef MUSTER_HTTP_PARAMS_H
#define MUSTER_HTTP_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct param {
    const char *name;
    const char *value; /* never NULL, may be "" */
};

/* In the order sent, query string first. */
struct params {
    struct param *items;
    size_t count;
};

struct params_limits {
    size_t count; /* parameters in all */
    size_t name_bytes;
    size_t value_bytes;
};

enum params_result {
    PARAMS_OK,
    PARAMS_ENCODING,  /* not UTF-8 after decoding, or NUL */
    PARAMS_MALFORMED, /* multipart that does not parse */
    PARAMS_LIMIT
};

/* Where parameters go; `capacity` starts at 0. */
struct params_target {
    struct params *params;
    struct arena *arena;
    const struct params_limits *limits;
    const char *message; /* with anything but PARAMS_OK: what is wrong, for a person (arena) */
    size_t capacity;     /* of the array that was made for this target, 0: none yet */
};

/* Adds a name and a value, both decoded: they are NUL-terminated after their lengths, belong to the
 * arena and are kept. Checks UTF-8, NUL and the limits. */
enum params_result params_add(struct params_target *to, const char *name, size_t name_length,
                              const char *value, size_t value_length);

/* Adds the parameters of an application/x-www-form-urlencoded text (a query string too): pairs
 * separated by '&', '+' is a space. A pair without '=' has the value "". */
enum params_result params_add_form(struct params_target *to, const char *text, size_t n);

/* The same for multipart/form-data (RFC 7578); `content_type` is the whole header value with its
 * boundary. A part with a file name counts as a parameter like the others. */
enum params_result params_add_multipart(struct params_target *to, const char *content_type,
                                        const char *body, size_t n);

/* The last value given for `name`, or NULL. */
const char *params_last(const struct params *params, const char *name);

/* All values of `name` in order: an array of *count strings in the arena. */
const char **params_all(const struct params *params, struct arena *arena, const char *name,
                        size_t *count);

#endif
