/* param_list.h: what the two form parsers share: adding one parameter within the limits. */
#ifndef MUSTER_HTTP_PARAM_LIST_H
#define MUSTER_HTTP_PARAM_LIST_H

#include "http/params.h"

/* Where parameters go. Start with {.params, .arena, .limits, .message} set. */
struct param_list {
    struct params *params;
    struct arena *arena;
    const struct params_limits *limits;
    const char **message; /* set with every result but PARAMS_OK */
    size_t capacity;      /* of the array that this list has made, 0: none yet */
};

/* Adds a name and a value, both decoded: `name` and `value` are NUL-terminated behind their
 * lengths, belong to the arena and are kept. Checks UTF-8, NUL and the limits. */
enum params_result param_list_add(struct param_list *list, const char *name, size_t name_length,
                                  const char *value, size_t value_length);

#endif
