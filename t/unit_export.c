/* unit_export.c: how deep containers are in others: chains, several ways, circles and what is below
 * them, compared with a search of all ways on random graphs; names that are remembered for a while.
 */
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#include "store/export_depths.h"
#include "store/export_names.h"

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

/* So many that a generation ends with each turn. */
static void check_names(void) {
    enum { NAMES = 10000 };
    struct export_names *names = export_names_new();
    static struct export_name *got[NAMES];
    bool is_new, all_new = true, all_named = true;

    for (int32_t id = 0; id < NAMES; id++) {
        got[id] = export_names_get(names, 7 * id, &is_new);
        all_new = all_new && is_new && !got[id]->name;
    }
    ok(all_new, "%d names that are new", NAMES);
    ok(export_names_get(names, 7, &is_new) == got[1] && !is_new, "got again it is the same one");
    export_names_turn(names);
    ok(export_names_get(names, 7, &is_new) != got[1] && is_new,
       "after a turn it is asked for again");
    for (int32_t id = 0; id < NAMES; id++)
        export_names_fill(names, 7 * id, id % 2 ? "odd" : "even", "pool");
    export_names_fill(names, 8, "not got", "pool");
    for (int32_t id = 0; id < NAMES; id++)
        all_named = all_named && got[id]->id == 7 * id &&
                    strcmp(got[id]->name, id % 2 ? "odd" : "even") == 0;
    ok(all_named, "those of before are valid, and can still be filled in");
    is_str(export_names_get(names, 7, &is_new)->name, "odd", "... and so is the new one");
    export_names_fill(names, 7, "other", "pool");
    is_str(export_names_get(names, 7, &is_new)->name, "odd", "what is filled in stays");
    export_names_turn(names);
    export_names_get(names, 7, &is_new);
    ok(!is_new, "few are not forgotten");
    export_names_free(&names);
}

int main(void) {
    struct arena *arena = arena_new();

    srand(1);
    check_shapes(arena);
    check_random(arena);
    check_large(arena);
    check_names();
    arena_free(&arena);
    return done_testing();
}
