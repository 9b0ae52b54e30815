/* export_order.c: all objects by name, and what is in what, to the order of an export.
 * The database only sorts names: how deep objects are in containers is found here, as joins of all
 * memberships would take it longer than all that comes after them. */
#include "store/export_order.h"

#include <stdlib.h>

#include "store/export_depths.h"
#include "store/pg.h"

struct ids {
    struct arena *arena;
    int32_t *items;
    size_t count, capacity;
};

struct reading {
    struct arena *arena; /* until the order is known */
    struct arena *lasting;
    struct export_objects *objects;
    struct export_group *groups; /* lasting */
    size_t group_count, group_capacity;
    bool *is_wanted; /* these by the object's number */
    size_t wanted_capacity;
    bool *is_container; /* contains something that there is */
    int32_t *depths;
};

/* --- rows --- */

static bool take_found(void *context, const struct ref *ref) {
    struct ids *ids = context;

    ids->items = arena_grow(ids->arena, ids->items, ids->count, &ids->capacity, sizeof *ids->items);
    ids->items[ids->count++] = ref->id;
    return true;
}

enum { ORDER_ID, ORDER_WANTED, ORDER_NAME, ORDER_DRIVER };

static bool take_object(void *context, const PGresult *result) {
    struct reading *r = context;
    size_t count = (size_t)export_objects_count(r->objects);

    r->is_wanted =
        arena_grow(r->arena, r->is_wanted, count, &r->wanted_capacity, sizeof *r->is_wanted);
    r->is_wanted[count] = pg_get_bool(result, 0, ORDER_WANTED);
    export_objects_add(r->objects, pg_get_int32(result, 0, ORDER_ID),
                       pg_get_text(result, 0, ORDER_NAME), pg_get_text(result, 0, ORDER_DRIVER));
    return true;
}

enum { PLACES_OUTER, PLACES_SUBKEY, PLACES_INNERS, PLACES_NUMBERS };

static bool take_group(void *context, const PGresult *result) {
    struct reading *r = context;
    struct export_group *group;

    r->groups =
        arena_grow(r->lasting, r->groups, r->group_count, &r->group_capacity, sizeof *r->groups);
    group = &r->groups[r->group_count++];
    group->outer = pg_get_int32(result, 0, PLACES_OUTER);
    group->subkey = arena_strdup(r->lasting, pg_get_text(result, 0, PLACES_SUBKEY));
    group->members = export_places_parse(r->arena, pg_get_text(result, 0, PLACES_INNERS),
                                         pg_get_text(result, 0, PLACES_NUMBERS), &group->count);
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
                        struct reading *r) {
    struct ids found = {.arena = r->arena};
    enum rc rc = RC_OK;

    if (selection->question)
        rc = find_ids(store, r->arena, selection->question, &found);
    if (rc != RC_OK)
        return rc;
    set_planner(store, true);
    pg_send(store, STMT(EXPORT_PLACES), PG_NONE);
    pg_send(store, STMT(EXPORT_ORDER),
            PG_ARGS(pg_texts(selection->drivers, selection->driver_count),
                    selection->question ? pg_ints(found.items, NULL, found.count) : pg_null()));
    set_planner(store, false);
    rc = pg_stream(store, take_group, r);
    return rc == RC_OK ? pg_stream(store, take_object, r) : rc;
}

/* --- what is in what --- */

static void find_containers(struct reading *r) {
    size_t count = (size_t)export_objects_count(r->objects);

    r->is_container = arena_array(r->arena, count, sizeof *r->is_container);
    r->depths = arena_array(r->arena, count, sizeof *r->depths);
    for (size_t g = 0; g < r->group_count; g++) {
        const struct export_group *group = &r->groups[g];

        for (size_t i = 0; group->outer != EXPORT_NONE && i < group->count; i++)
            if (group->members[i].inner != EXPORT_NONE)
                r->is_container[group->outer] = true;
    }
}

/* Of containers that are in others, or have others in them: few beside all memberships. */
static struct export_depths find_depths(const struct reading *r) {
    struct export_edge *edges = NULL;
    size_t count = 0, capacity = 0;

    for (size_t g = 0; g < r->group_count; g++) {
        const struct export_group *group = &r->groups[g];

        for (size_t i = 0; group->outer != EXPORT_NONE && i < group->count; i++) {
            int32_t inner = group->members[i].inner;

            if (inner == EXPORT_NONE || !r->is_container[inner])
                continue;
            edges = arena_grow(r->arena, edges, count, &capacity, sizeof *edges);
            edges[count++] = (struct export_edge){group->outer, inner};
        }
    }
    return export_depths_find(r->arena, edges, count);
}

/* What is no container is one deeper than the deepest container that it is in. Returns the greatest
 * depth. */
static int32_t set_depths(struct reading *r) {
    struct export_depths found = find_depths(r);
    int32_t deepest = 0;

    for (size_t i = 0; i < found.count; i++)
        r->depths[found.ids[i]] = found.depths[i];
    for (size_t g = 0; g < r->group_count; g++) {
        const struct export_group *group = &r->groups[g];

        for (size_t i = 0; group->outer != EXPORT_NONE && i < group->count; i++) {
            int32_t inner = group->members[i].inner, depth = r->depths[group->outer] + 1;

            if (inner != EXPORT_NONE && !r->is_container[inner] && r->depths[inner] < depth)
                r->depths[inner] = depth;
        }
    }
    for (int32_t i = 0; i < export_objects_count(r->objects); i++)
        if (r->depths[i] > deepest)
            deepest = r->depths[i];
    return deepest;
}

/* --- the order --- */

/* A counting sort, which keeps those of one depth as they were. */
static void sort_by_depth(const struct reading *r, int32_t deepest, struct export_order *out) {
    int32_t count = export_objects_count(r->objects);
    size_t *next = arena_array(r->arena, (size_t)deepest + 2, sizeof *next);

    for (int32_t i = 0; i < count; i++) {
        next[r->depths[i] + 1] += r->is_wanted[i];
        out->count += r->is_wanted[i];
    }
    for (int32_t depth = 0; depth <= deepest; depth++)
        next[depth + 1] += next[depth];
    out->numbers = arena_array(r->lasting, out->count, sizeof *out->numbers);
    for (int32_t i = 0; i < count; i++)
        if (r->is_wanted[i])
            out->numbers[next[r->depths[i]]++] = i;
}

enum rc export_order_find(struct store *store, struct arena *arena,
                          const struct export_selection *selection, struct export_order *out) {
    struct reading r = {.arena = arena_new(), .lasting = arena, .objects = export_objects_new()};
    enum rc rc = read_all(store, selection, &r);

    *out = (struct export_order){.objects = r.objects};
    if (rc == RC_OK) {
        export_objects_complete(r.objects);
        export_places_resolve(r.groups, r.group_count, r.objects);
        find_containers(&r);
        sort_by_depth(&r, set_depths(&r), out);
        out->places = export_places_find(arena, r.groups, r.group_count, r.objects);
    }
    arena_free(&r.arena);
    return rc;
}

void export_order_release(struct export_order *order) {
    export_objects_free(&order->objects);
}
