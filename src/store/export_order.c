/* export_order.c: all objects by name, and what is in what, to the ids in the order of an export.
 * The database only sorts names: how deep objects are in containers is found here, as joins of all
 * memberships would take it longer than all that comes after them. */
#include "store/export_order.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "store/export_depths.h"
#include "store/pg.h"

#define NOWHERE SIZE_MAX

struct ids {
    struct arena *arena;
    int32_t *items;
    size_t count, capacity;
};

/* Some of what a container contains: inners from `first` to the first of the next one. */
struct group {
    int32_t outer;
    size_t first;
};

struct objects {
    struct arena *arena;
    /* as they come: */
    struct group *groups;
    size_t group_count, group_capacity;
    int32_t *inners;
    size_t inner_count, inner_capacity;
    struct ids by_name;
    bool *is_wanted; /* of by_name */
    size_t wanted_capacity;
    /* by id, and what is known of each: */
    int32_t *by_id;
    bool *is_container; /* contains something that there is */
    int32_t *depths;
};

/* --- rows --- */

static void add_id(struct ids *ids, int32_t id) {
    ids->items = arena_grow(ids->arena, ids->items, ids->count, &ids->capacity, sizeof *ids->items);
    ids->items[ids->count++] = id;
}

static bool take_found(void *context, const struct ref *ref) {
    add_id(context, ref->id);
    return true;
}

enum { ORDER_ID, ORDER_WANTED };

static bool take_object(void *context, const PGresult *result) {
    struct objects *o = context;

    o->is_wanted = arena_grow(o->arena, o->is_wanted, o->by_name.count, &o->wanted_capacity,
                              sizeof *o->is_wanted);
    o->is_wanted[o->by_name.count] = pg_get_bool(result, 0, ORDER_WANTED);
    add_id(&o->by_name, pg_get_int32(result, 0, ORDER_ID));
    return true;
}

enum { EDGES_OUTER, EDGES_INNERS };

/* An array as PostgreSQL prints it: {1,2,NULL}. */
static bool take_group(void *context, const PGresult *result) {
    struct objects *o = context;
    const char *at = pg_get_text(result, 0, EDGES_INNERS);

    o->groups =
        arena_grow(o->arena, o->groups, o->group_count, &o->group_capacity, sizeof *o->groups);
    o->groups[o->group_count++] =
        (struct group){pg_get_int32(result, 0, EDGES_OUTER), o->inner_count};
    for (at = strpbrk(at, "0123456789"); at; at = strpbrk(at, "0123456789")) {
        uint64_t id;

        at = num_digits(at, NULL, &id);
        o->inners =
            arena_grow(o->arena, o->inners, o->inner_count, &o->inner_capacity, sizeof *o->inners);
        o->inners[o->inner_count++] = (int32_t)id;
    }
    return true;
}

static enum rc find_ids(struct store *store, struct arena *arena, const struct query_node *question,
                        struct ids *found) {
    const struct listing all = {.kind = LIST_QUERY, .question = question};
    struct list_extent extent = {.total = 0};

    return store_list_refs(store, arena, &all, &extent, take_found, found);
}

static void set_planner(struct store *store, bool whole_tables) {
    pg_queue(store, STMT(EXPORT_PLANNER), PG_ARGS(pg_bool(whole_tables)));
}

static enum rc read_all(struct store *store, const struct export_selection *selection,
                        struct objects *o) {
    struct ids found = {.arena = o->arena};
    enum rc rc = RC_OK;

    if (selection->question)
        rc = find_ids(store, o->arena, selection->question, &found);
    if (rc != RC_OK)
        return rc;
    set_planner(store, true);
    pg_send(store, STMT(EXPORT_EDGES), PG_NONE);
    pg_send(store, STMT(EXPORT_ORDER),
            PG_ARGS(pg_texts(selection->drivers, selection->driver_count),
                    selection->question ? pg_ints(found.items, NULL, found.count) : pg_null()));
    set_planner(store, false);
    rc = pg_stream(store, take_group, o);
    return rc == RC_OK ? pg_stream(store, take_object, o) : rc;
}

/* --- what is in what --- */

static int by_number(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

/* NOWHERE: there is no such object. `hint`: what the last one found; members of a container often
 * follow one another. */
static size_t place_of(const struct objects *o, int32_t id, size_t hint) {
    const int32_t *found;

    if (hint + 1 < o->by_name.count && o->by_id[hint + 1] == id)
        return hint + 1;
    found = bsearch(&id, o->by_id, o->by_name.count, sizeof id, by_number);
    return found ? (size_t)(found - o->by_id) : NOWHERE;
}

static void sort_ids(struct objects *o) {
    size_t count = o->by_name.count;

    o->by_id = arena_array(o->arena, count, sizeof *o->by_id);
    o->is_container = arena_array(o->arena, count, sizeof *o->is_container);
    o->depths = arena_array(o->arena, count, sizeof *o->depths);
    if (count == 0)
        return;
    memcpy(o->by_id, o->by_name.items, count * sizeof *o->by_id);
    qsort(o->by_id, count, sizeof *o->by_id, by_number);
}

static size_t end_of(const struct objects *o, size_t group) {
    return group + 1 < o->group_count ? o->groups[group + 1].first : o->inner_count;
}

/* From here on inners and outers are places, -1: of what is no object. */
static void find_places(struct objects *o) {
    size_t hint = 0;

    for (size_t g = 0; g < o->group_count; g++) {
        struct group *group = &o->groups[g];
        size_t outer = place_of(o, group->outer, hint), end = end_of(o, g);

        group->outer = outer == NOWHERE ? -1 : (int32_t)outer;
        if (outer == NOWHERE)
            continue;
        for (size_t i = group->first; i < end; i++) {
            size_t inner = place_of(o, o->inners[i], hint);

            o->inners[i] = inner == NOWHERE ? -1 : (int32_t)inner;
            if (inner == NOWHERE)
                continue;
            o->is_container[outer] = true;
            hint = inner;
        }
    }
}

/* Of containers that are in others, or have others in them: few beside all memberships. */
static struct export_depths find_depths(const struct objects *o) {
    struct export_edge *edges = NULL;
    size_t count = 0, capacity = 0;

    for (size_t g = 0; g < o->group_count; g++) {
        int32_t outer = o->groups[g].outer;

        for (size_t i = o->groups[g].first; outer >= 0 && i < end_of(o, g); i++) {
            int32_t inner = o->inners[i];

            if (inner < 0 || !o->is_container[inner])
                continue;
            edges = arena_grow(o->arena, edges, count, &capacity, sizeof *edges);
            edges[count++] = (struct export_edge){outer, inner};
        }
    }
    return export_depths_find(o->arena, edges, count);
}

/* What is no container is one deeper than the deepest container that it is in. Returns the greatest
 * depth. */
static int32_t set_depths(struct objects *o) {
    struct export_depths found = find_depths(o);
    int32_t deepest = 0;

    for (size_t i = 0; i < found.count; i++)
        o->depths[found.ids[i]] = found.depths[i];
    for (size_t g = 0; g < o->group_count; g++) {
        int32_t outer = o->groups[g].outer;

        for (size_t i = o->groups[g].first; outer >= 0 && i < end_of(o, g); i++) {
            int32_t inner = o->inners[i];

            if (inner >= 0 && !o->is_container[inner] && o->depths[inner] <= o->depths[outer])
                o->depths[inner] = o->depths[outer] + 1;
        }
    }
    for (size_t i = 0; i < o->by_name.count; i++)
        if (o->depths[i] > deepest)
            deepest = o->depths[i];
    return deepest;
}

/* --- the order --- */

/* A counting sort, which keeps those of one depth as they were. */
static void sort_by_depth(const struct objects *o, int32_t deepest, struct arena *arena,
                          struct export_order *out) {
    size_t count = o->by_name.count, place = 0;
    size_t *next = arena_array(o->arena, (size_t)deepest + 2, sizeof *next);
    int32_t *depths = arena_array(o->arena, count, sizeof *depths);

    for (size_t i = 0; i < count; i++) {
        place = place_of(o, o->by_name.items[i], place);
        depths[i] = o->depths[place];
        next[depths[i] + 1] += o->is_wanted[i];
        out->count += o->is_wanted[i];
    }
    for (int32_t depth = 0; depth <= deepest; depth++)
        next[depth + 1] += next[depth];
    out->ids = arena_array(arena, out->count, sizeof *out->ids);
    for (size_t i = 0; i < count; i++)
        if (o->is_wanted[i])
            out->ids[next[depths[i]]++] = o->by_name.items[i];
}

enum rc export_order_find(struct store *store, struct arena *arena,
                          const struct export_selection *selection, struct export_order *out) {
    struct arena *own = arena_new();
    struct objects o = {.arena = own, .by_name = {.arena = own}};
    enum rc rc = read_all(store, selection, &o);

    *out = (struct export_order){.count = 0};
    if (rc == RC_OK) {
        sort_ids(&o);
        find_places(&o);
        sort_by_depth(&o, set_depths(&o), arena, out);
    }
    arena_free(&own);
    return rc;
}
