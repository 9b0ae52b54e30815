/* export_names.c: a hash table of two generations of names. */
#include "store/export_names.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"

/* Names: with more than so many a new generation begins. */
#define MANY 4096

#define FIRST_SIZE 1024 /* a power of two */

struct generation {
    struct arena *arena;
    struct export_name **table; /* in the arena; open addressing */
    size_t size, count;
};

struct export_names {
    struct generation now, before;
};

static void enlarge(struct generation *g, size_t size) {
    g->size = size;
    g->table = arena_array(g->arena, size, sizeof(struct export_name *));
}

static void begin(struct generation *g) {
    arena_reset(g->arena);
    g->count = 0;
    enlarge(g, FIRST_SIZE);
}

struct export_names *export_names_new(void) {
    struct export_names *names = calloc(1, sizeof *names);

    if (!names)
        log_fatal("out of memory");
    names->now.arena = arena_new();
    names->before.arena = arena_new();
    begin(&names->now);
    begin(&names->before);
    return names;
}

void export_names_free(struct export_names **names) {
    arena_free(&(*names)->now.arena);
    arena_free(&(*names)->before.arena);
    free(*names);
    *names = NULL;
}

void export_names_turn(struct export_names *names) {
    struct generation before = names->before;

    if (names->now.count <= MANY)
        return;
    names->before = names->now;
    names->now = before;
    begin(&names->now);
}

/* Where it is, or is to be. */
static struct export_name **slot_of(const struct generation *g, int32_t id) {
    size_t at = (uint32_t)id * UINT32_C(2654435769) & (g->size - 1);

    while (g->table[at] && g->table[at]->id != id)
        at = (at + 1) & (g->size - 1);
    return &g->table[at];
}

static void make_room(struct generation *g) {
    struct export_name **old = g->table;
    size_t size = g->size;

    if (g->count < size / 2)
        return;
    enlarge(g, 2 * size);
    for (size_t i = 0; i < size; i++)
        if (old[i])
            *slot_of(g, old[i]->id) = old[i];
}

struct export_name *export_names_get(struct export_names *names, int32_t id, bool *is_new) {
    struct export_name **slot;

    make_room(&names->now);
    slot = slot_of(&names->now, id);
    *is_new = *slot == NULL;
    if (*is_new) {
        *slot = arena_alloc(names->now.arena, sizeof **slot);
        (*slot)->id = id;
        names->now.count++;
    }
    return *slot;
}

static void fill(struct generation *g, int32_t id, const char *name, const char *driver) {
    struct export_name *found = *slot_of(g, id);

    if (!found || found->name)
        return;
    found->name = arena_strdup(g->arena, name);
    found->driver = arena_strdup(g->arena, driver);
}

void export_names_fill(struct export_names *names, int32_t id, const char *name,
                       const char *driver) {
    fill(&names->now, id, name, driver);
    fill(&names->before, id, name, driver);
}
