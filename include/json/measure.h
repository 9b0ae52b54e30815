/* measure.h: how large a JSON tree is, within limits. */
#ifndef MUSTER_JSON_MEASURE_H
#define MUSTER_JSON_MEASURE_H

#include <stddef.h>

struct json_node;
struct json_patch_limits;

/* A running total. */
struct json_measure {
    size_t nodes;
    size_t bytes; /* of keys, strings, numbers */
};

/* Adds the tree below and including `node`, which stands under `level` containers. NULL: it is
 * within the limits; else what would be wrong, static. Stops
 * at the first limit met, so the cost is bounded by them. */
const char *json_measure_add(struct json_measure *m, const struct json_node *node, size_t level,
                             const struct json_patch_limits *limits);

/* What json_measure_add says of depth. */
extern const char json_measure_too_deep[];

#endif
