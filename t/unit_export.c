/* unit_export.c: how deep containers are in others: chains, several ways, circles and what is below
 * them, compared with a search of all ways on random graphs; objects that are found by their ids,
 * and memberships by what they contain. */
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/export_depths.h"
#include "store/export_objects.h"
#include "store/export_places.h"

enum { NODES = 9, ROUNDS = 2000, MANY = 200000 };

static int32_t depth_of(const struct export_depths *depths, int32_t id) {
    for (size_t i = 0; i < depths->count; i++)
        if (depths->ids[i] == id)
            return depths->depths[i];
    return 0;
}

static void check_shapes(struct arena *arena) {
    struct export_edge ways[] = {{1, 2}, {2, 3}, {1, 3}, {7, 3}};
    struct export_edge circle[] = {{5, 6}, {6, 5}, {6, 9}, {1, 2}, {2, 5}, {4, 4}, {8, 10}};
    struct export_depths none = export_depths_find(arena, NULL, 0);
    struct export_depths d = export_depths_find(arena, ways, 4);

    ok(none.count == 0, "nothing is in anything");
    ok(d.count == 4 && depth_of(&d, 2) == 1 && depth_of(&d, 3) == 2, "the longest way counts");
    d = export_depths_find(arena, circle, 7);
    ok(d.count == 8 && d.ids[5] == 8 && d.depths[5] == 0, "what is in nothing is there, too");
    ok(depth_of(&d, 1) == 0 && depth_of(&d, 2) == 1, "what leads to a circle is as deep as it is");
    ok(depth_of(&d, 5) == 2 && depth_of(&d, 6) == 2 && depth_of(&d, 9) == 2 && depth_of(&d, 4) == 2,
       "circles and what is below them come after all others");
}

/* Is there a way from the node to itself or to a circle further up? Ways are cut after NODES steps.
 */
static int32_t longest(bool edges[NODES][NODES], int node, int steps) {
    int32_t best = 0;

    for (int outer = 0; outer < NODES; outer++) {
        int32_t above;

        if (!edges[outer][node])
            continue;
        above = steps == 0 ? -1 : longest(edges, outer, steps - 1);
        if (above < 0)
            return -1;
        if (above + 1 > best)
            best = above + 1;
    }
    return best;
}

static bool agrees(bool edges[NODES][NODES], const struct export_depths *found) {
    int32_t depths[NODES], deepest = 0;
    bool nodes[NODES] = {false};

    for (int a = 0; a < NODES; a++)
        for (int b = 0; b < NODES; b++)
            nodes[a] = nodes[a] || edges[a][b] || edges[b][a];
    for (int i = 0; i < NODES; i++) {
        depths[i] = longest(edges, i, NODES);
        if (nodes[i] && depths[i] > deepest)
            deepest = depths[i];
    }
    for (int i = 0; i < NODES; i++)
        if (depth_of(found, i + 1) != (depths[i] < 0 ? deepest + 1 : depths[i]))
            return false;
    return true;
}

static void check_random(struct arena *arena) {
    int wrong = 0;

    for (int round = 0; round < ROUNDS; round++) {
        bool edges[NODES][NODES] = {{false}};
        struct export_edge list[NODES * NODES];
        struct export_depths found;
        size_t count = 0;

        for (int i = rand() % 12; i >= 0; i--)
            edges[rand() % NODES][rand() % NODES] = true;
        for (int a = 0; a < NODES; a++)
            for (int b = 0; b < NODES; b++)
                if (edges[b][a])
                    list[count++] = (struct export_edge){b + 1, a + 1};
        found = export_depths_find(arena, list, count);
        wrong += !agrees(edges, &found);
        arena_reset(arena);
    }
    ok(wrong == 0, "%d random graphs: as a search of all ways says", ROUNDS);
}

/* A way of doubling diamonds would take a search of all ways for ever. */
static void check_large(struct arena *arena) {
    struct export_edge *edges = calloc(3 * MANY, sizeof *edges);
    struct export_depths found;
    size_t count = 0;

    for (int32_t i = 1; edges && i < MANY; i++) {
        edges[count++] = (struct export_edge){i, i + 1};
        if (i + 2 <= MANY)
            edges[count++] = (struct export_edge){i, i + 2};
    }
    found = export_depths_find(arena, edges, count);
    ok(found.count == MANY && found.depths[MANY - 1] == MANY - 1, "%d containers in each other",
       MANY);
    free(edges);
}

/* More drivers than those whose texts are shared. */
static void check_objects(void) {
    enum { OBJECTS = 10000, DRIVERS = 100 };
    struct export_objects *objects = export_objects_new();
    bool all_found = true, none_else = true;
    char name[32], driver[32];

    for (int32_t i = 0; i < OBJECTS; i++) {
        snprintf(name, sizeof name, "name%d", i);
        snprintf(driver, sizeof driver, "driver%d", i % DRIVERS);
        export_objects_add(objects, 7 * (OBJECTS - i), name, driver);
    }
    export_objects_complete(objects);
    ok(export_objects_count(objects) == OBJECTS, "%d objects", OBJECTS);
    for (int32_t i = 0; i < OBJECTS; i++) {
        int32_t id = 7 * (OBJECTS - i), found = export_objects_find(objects, id);

        snprintf(name, sizeof name, "name%d", i);
        snprintf(driver, sizeof driver, "driver%d", i % DRIVERS);
        all_found = all_found && found == i && export_objects_id(objects, i) == id &&
                    strcmp(export_objects_name(objects, i), name) == 0 &&
                    strcmp(export_objects_driver(objects, i), driver) == 0;
        none_else = none_else && export_objects_find(objects, id + 1) == EXPORT_NONE;
    }
    ok(all_found, "each is found by its id, with its name and driver");
    ok(none_else, "and by no other");
    export_objects_free(&objects);
    ok(objects == NULL, "which are gone then");
    objects = export_objects_new();
    export_objects_complete(objects);
    ok(export_objects_find(objects, 1) == EXPORT_NONE, "where there are none, none is found");
    export_objects_free(&objects);
}

static bool is_member(const struct export_member *m, int32_t inner, bool has_number,
                      int32_t number) {
    return m->inner == inner && m->has_number == has_number && (!has_number || m->number == number);
}

static void check_parsing(struct arena *arena) {
    size_t count;
    struct export_member *m =
        export_places_parse(arena, "{7,NULL,2147483647}", "{NULL,1,-2147483648}", &count);

    ok(count == 2 && is_member(&m[0], 7, false, 0) && is_member(&m[1], INT32_MAX, true, INT32_MIN),
       "members of two arrays, where one has no id");
    m = export_places_parse(arena, "{8,9,8}", "{0,-1,23}", &count);
    ok(count == 3 && is_member(&m[0], 8, true, 0) && is_member(&m[1], 9, true, -1) &&
           is_member(&m[2], 8, true, 23),
       "the same one twice");
    export_places_parse(arena, "{NULL}", "{NULL}", &count);
    ok(count == 0, "nothing but nulls");
}

static struct export_group group(struct arena *arena, int32_t outer, const char *subkey,
                                 const char *inners, const char *numbers) {
    struct export_group g = {.outer = outer, .subkey = subkey};

    g.members = export_places_parse(arena, inners, numbers, &g.count);
    return g;
}

/* Objects 10 to 13; 99 is none. */
static void check_places(struct arena *arena) {
    struct export_group groups[] = {group(arena, 10, NULL, "{11,99,12}", "{0,1,NULL}"),
                                    group(arena, 99, NULL, "{11}", "{5}"),
                                    group(arena, 13, "ru", "{12,13,12}", "{7,8,9}")};
    struct export_objects *objects = export_objects_new();
    struct export_places places;
    const struct export_membership *m;

    for (int32_t id = 10; id <= 13; id++)
        export_objects_add(objects, id, "any", "pool");
    export_objects_complete(objects);
    export_places_resolve(groups, 3, objects);
    ok(groups[0].outer == 0 && groups[1].outer == EXPORT_NONE && groups[2].outer == 3 &&
           groups[0].members[1].inner == EXPORT_NONE && groups[2].members[1].inner == 3,
       "ids are numbers of objects, or of none");
    places = export_places_find(arena, groups, 3, objects);
    ok(places.first[0] == 0 && places.first[1] == 0 && places.first[2] == 1 &&
           places.first[3] == 4 && places.first[4] == 5,
       "how many places each object has, without those that are nowhere");
    m = places.items;
    ok(m[0].group == 0 && m[0].has_number && m[0].number == 0, "the first one's");
    ok(m[1].group == 0 && !m[1].has_number && m[2].group == 2 && m[2].number == 7 &&
           m[3].group == 2 && m[3].number == 9 && m[4].group == 2 && m[4].number == 8,
       "those of others");
    export_objects_free(&objects);
}

int main(void) {
    struct arena *arena = arena_new();

    srand(1);
    check_shapes(arena);
    check_random(arena);
    check_large(arena);
    check_objects();
    check_parsing(arena);
    check_places(arena);
    arena_free(&arena);
    return done_testing();
}
