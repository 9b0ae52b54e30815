/* export_depths.h: how deep containers are in others. */
#ifndef MUSTER_STORE_EXPORT_DEPTHS_H
#define MUSTER_STORE_EXPORT_DEPTHS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* A container that is in another one, by any numbers that tell containers apart. */
struct export_edge {
    int32_t outer, inner;
};

/* ids[i] is depths[i] containers deep, by the longest way, 0: it is in nothing. Containers that are
 * in a circle, or below one, have no longest way: each is one deeper than the deepest of all
 * others. */
struct export_depths {
    int32_t *ids; /* in order */
    int32_t *depths;
    size_t count;
};

/* Of all that the edges name. In the arena. Takes time in proportion to the edges (and their
 * sorting, which is done in place), whatever they look like. */
struct export_depths export_depths_find(struct arena *arena, struct export_edge *edges,
                                        size_t count);

#endif
