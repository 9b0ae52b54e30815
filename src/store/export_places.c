/* export_places.c: members of containers, turned round by counting. */
#include "store/export_places.h"

#include <stdbool.h>

#include "base/num.h"

/* The item at `at`, which goes on to the next one; false: it is NULL. Nothing that PostgreSQL
 * prints fails to be a number. */
static bool take_item(const char **at, int32_t *number) {
    bool negative = **at == '-', is_null = **at == 'N';
    uint64_t size = 0;

    if (!is_null)
        *at = num_digits(*at + negative, NULL, &size);
    while (**at != ',' && **at != '}')
        ++*at;
    ++*at;
    *number = (int32_t)(negative ? 0 - (int64_t)size : (int64_t)size);
    return !is_null;
}

static size_t item_count(const char *array) {
    size_t count = array[1] != '}';

    for (const char *at = array; *at; at++)
        count += *at == ',';
    return count;
}

struct export_member *export_places_parse(struct arena *arena, const char *inners,
                                          const char *numbers, size_t *count) {
    size_t all = item_count(inners);
    struct export_member *members = arena_array(arena, all, sizeof *members);

    *count = 0;
    inners++;
    numbers++;
    for (size_t i = 0; i < all; i++) {
        struct export_member *m = &members[*count];
        int32_t inner;

        m->has_number = take_item(&numbers, &m->number);
        *count += take_item(&inners, &inner);
        m->inner = (uint32_t)inner & EXPORT_NONE;
    }
    return members;
}

/* Members of a container often follow one another. */
static int32_t find(const struct export_objects *objects, int32_t id, int32_t hint) {
    if (hint + 1 < export_objects_count(objects) && export_objects_id(objects, hint + 1) == id)
        return hint + 1;
    return export_objects_find(objects, id);
}

void export_places_resolve(struct export_group *groups, size_t count,
                           const struct export_objects *objects) {
    int32_t hint = -1;

    for (size_t g = 0; g < count; g++) {
        groups[g].outer = export_objects_find(objects, groups[g].outer);
        for (size_t i = 0; i < groups[g].count; i++) {
            struct export_member *m = &groups[g].members[i];

            m->inner = (uint32_t)find(objects, m->inner, hint) & EXPORT_NONE;
            if (m->inner != EXPORT_NONE)
                hint = m->inner;
        }
    }
}

static bool is_place(const struct export_group *group, const struct export_member *member) {
    return group->outer != EXPORT_NONE && member->inner != EXPORT_NONE;
}

/* How many are of objects before each one. */
static uint32_t count_all(struct export_places *places, size_t group_count, size_t objects) {
    uint32_t all = 0;

    for (size_t g = 0; g < group_count; g++)
        for (size_t i = 0; i < places->groups[g].count; i++)
            if (is_place(&places->groups[g], &places->groups[g].members[i]))
                places->first[places->groups[g].members[i].inner]++;
    for (size_t i = 0; i <= objects; i++) {
        uint32_t count = places->first[i];

        places->first[i] = all;
        all += count;
    }
    return all;
}

/* Moves each `first` to the end of its object, which is where the next one begins. */
static void fill(struct export_places *places, size_t group_count) {
    for (size_t g = 0; g < group_count; g++) {
        const struct export_group *group = &places->groups[g];

        for (size_t i = 0; i < group->count; i++) {
            const struct export_member *m = &group->members[i];

            if (is_place(group, m))
                places->items[places->first[m->inner]++] =
                    (struct export_membership){(uint32_t)g & INT32_MAX, m->has_number, m->number};
        }
    }
}

struct export_places export_places_find(struct arena *arena, const struct export_group *groups,
                                        size_t count, const struct export_objects *objects) {
    size_t n = (size_t)export_objects_count(objects);
    struct export_places places = {.groups = groups,
                                   .first = arena_array(arena, n + 1, sizeof *places.first)};

    places.items = arena_array(arena, count_all(&places, count, n), sizeof *places.items);
    fill(&places, count);
    for (size_t i = n; i > 0; i--)
        places.first[i] = places.first[i - 1];
    places.first[0] = 0;
    return places;
}
