/* export_places.h: what is in what, in an export: eight bytes a membership, four an object. */
#ifndef MUSTER_STORE_EXPORT_PLACES_H
#define MUSTER_STORE_EXPORT_PLACES_H

#include "base/arena.h"
#include "store/export_objects.h"

struct export_member {
    uint32_t inner : 31;
    uint32_t has_number : 1;
    int32_t number;
};

/* Some of what a container contains, as it was read: by ids; numbers of export_objects.h after
 * export_places_resolve(), which are EXPORT_NONE for what is no object. */
struct export_group {
    int32_t outer;
    const char *subkey; /* NULL: none */
    struct export_member *members;
    size_t count;
};

struct export_membership {
    uint32_t group : 31;
    uint32_t has_number : 1;
    int32_t number;
};

/* The memberships of one object after those of another. */
struct export_places {
    const struct export_group *groups;
    uint32_t *first; /* by the object's number, one more for the end */
    struct export_membership *items;
};

/* Members from two arrays of equal length as PostgreSQL prints them: "{7,8}" and "{0,NULL}". One
 * without an id is none. In the arena. */
struct export_member *export_places_parse(struct arena *arena, const char *inners,
                                          const char *numbers, size_t *count);

void export_places_resolve(struct export_group *groups, size_t count,
                           const struct export_objects *objects);

/* By what is contained, in the arena; the groups have to live as long, their members need not. */
struct export_places export_places_find(struct arena *arena, const struct export_group *groups,
                                        size_t count, const struct export_objects *objects);

#endif
