/* export_depths.c: how deep containers are in others: those whose containers are all known are next
 * (Kahn, "Topological sorting of large networks", 1962). */
#include "store/export_depths.h"

#include <stdbool.h>
#include <stdlib.h>

/* A node is a place in `ids`. */
struct graph {
    const struct export_edge *edges; /* by outer id */
    size_t edge_count;
    int32_t *ids; /* sorted */
    size_t count;
    size_t *first;   /* edge of a node; one more for the end */
    size_t *waiting; /* how many of its containers are not known yet */
    int32_t *depths;
    size_t *known; /* nodes in the order in which they became so */
    size_t known_count;
};

static int compare_ints(int32_t a, int32_t b) {
    return (a > b) - (a < b);
}

static int by_outer(const void *a, const void *b) {
    return compare_ints(((const struct export_edge *)a)->outer,
                        ((const struct export_edge *)b)->outer);
}

static int by_id(const void *a, const void *b) {
    return compare_ints(*(const int32_t *)a, *(const int32_t *)b);
}

static void collect_nodes(struct graph *g, struct arena *arena) {
    size_t all = 2 * g->edge_count;

    g->ids = arena_array(arena, all, sizeof *g->ids);
    for (size_t i = 0; i < g->edge_count; i++) {
        g->ids[2 * i] = g->edges[i].outer;
        g->ids[2 * i + 1] = g->edges[i].inner;
    }
    qsort(g->ids, all, sizeof *g->ids, by_id);
    for (size_t i = 0; i < all; i++)
        if (g->count == 0 || g->ids[g->count - 1] != g->ids[i])
            g->ids[g->count++] = g->ids[i];
}

static size_t node_of(const struct graph *g, int32_t id) {
    const int32_t *found = bsearch(&id, g->ids, g->count, sizeof id, by_id);

    return (size_t)(found - g->ids);
}

static void link_nodes(struct graph *g, struct arena *arena) {
    size_t edge = 0;

    g->first = arena_array(arena, g->count + 1, sizeof *g->first);
    g->waiting = arena_array(arena, g->count, sizeof *g->waiting);
    for (size_t node = 0; node < g->count; node++) {
        g->first[node] = edge;
        for (; edge < g->edge_count && g->edges[edge].outer == g->ids[node]; edge++)
            g->waiting[node_of(g, g->edges[edge].inner)]++;
    }
    g->first[g->count] = edge;
}

/* What is in the node is at least one deeper. */
static void go_down(struct graph *g, size_t node) {
    for (size_t edge = g->first[node]; edge < g->first[node + 1]; edge++) {
        size_t inner = node_of(g, g->edges[edge].inner);

        if (g->depths[inner] <= g->depths[node])
            g->depths[inner] = g->depths[node] + 1;
        if (--g->waiting[inner] == 0)
            g->known[g->known_count++] = inner;
    }
}

/* Returns the greatest depth that is known. */
static int32_t walk(struct graph *g, struct arena *arena) {
    int32_t deepest = 0;

    g->depths = arena_array(arena, g->count, sizeof *g->depths);
    g->known = arena_array(arena, g->count, sizeof *g->known);
    for (size_t node = 0; node < g->count; node++)
        if (g->waiting[node] == 0)
            g->known[g->known_count++] = node;
    for (size_t i = 0; i < g->known_count; i++) {
        if (g->depths[g->known[i]] > deepest)
            deepest = g->depths[g->known[i]];
        go_down(g, g->known[i]);
    }
    return deepest;
}

struct export_depths export_depths_find(struct arena *arena, struct export_edge *edges,
                                        size_t count) {
    struct graph g = {.edges = edges, .edge_count = count};
    int32_t deepest;

    if (count > 0)
        qsort(edges, count, sizeof *edges, by_outer);
    collect_nodes(&g, arena);
    link_nodes(&g, arena);
    deepest = walk(&g, arena);
    for (size_t node = 0; node < g.count; node++)
        if (g.waiting[node] > 0)
            g.depths[node] = deepest + 1;
    return (struct export_depths){.ids = g.ids, .depths = g.depths, .count = g.count};
}
