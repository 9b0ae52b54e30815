/* export.c: whole objects, containers before what they contain: first their ids in that order, then
 * themselves in chunks. */
#include "store/export.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/export_depths.h"
#include "store/objects.h"
#include "store/query_sql.h"

/* Objects. The first chunk is small, so that the first byte leaves soon (limits.md); each is twice
 * as large as the one before it, and half as large where that took more than so many bytes. */
#define FIRST_CHUNK 100
#define CHUNK       1000
#define CHUNK_BYTES (4u << 20)

struct ids {
    struct arena *arena;
    int column;
    int32_t *items;
    size_t count, capacity;
};

struct edges {
    struct arena *arena;
    struct export_edge *items;
    size_t count, capacity;
};

/* Which of the ids. */
struct part {
    size_t first, count;
};

struct slot {
    int32_t id;
    size_t place; /* in the part */
};

struct walk {
    struct store *store;
    const struct export_sink *sink;
    struct ids ids;
    size_t asked; /* ids that belong to a chunk already */
    size_t size;  /* of the next chunk */
    /* a chunk while its rows come in: */
    struct arena *arena;
    struct slot *slots; /* by id */
    size_t count;
    const struct slot *last; /* rows of one object come together */
    struct export_object *objects;
};

/* --- order of what one object has --- */

/* What is missing comes first. */
static int compare_texts(const char *a, const char *b) {
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static int compare_numbers(bool has_a, int32_t a, bool has_b, int32_t b) {
    if (!has_a || !has_b)
        return has_a - has_b;
    return (a > b) - (a < b);
}

/* Of relations by what they say, not by its id. */
static int compare_values(const struct value *a, const struct value *b) {
    int order;

    if (a->datatype != DATATYPE_RELATION || b->datatype != DATATYPE_RELATION)
        return value_compare(a, b);
    order = compare_texts(a->related_driver, b->related_driver);
    return order ? order : compare_texts(a->related_name, b->related_name);
}

static int by_content(const void *left, const void *right) {
    const struct attr *a = left, *b = right;
    int order = compare_texts(a->key, b->key);

    if (order == 0)
        order = compare_numbers(a->has_number, a->number, b->has_number, b->number);
    if (order == 0)
        order = compare_texts(a->subkey, b->subkey);
    return order ? order : compare_values(&a->value, &b->value);
}

static int by_container(const void *left, const void *right) {
    const struct export_place *a = left, *b = right;
    int order = compare_texts(a->container, b->container);

    if (order == 0)
        order = compare_numbers(a->has_number, a->number, b->has_number, b->number);
    return order ? order : compare_texts(a->subkey, b->subkey);
}

/* --- a chunk --- */

enum { OBJECT_ID, OBJECT_NAME, OBJECT_DRIVER };
enum { PLACE_ID, PLACE_CONTAINER, PLACE_SUBKEY, PLACE_NUMBER };

static int by_id(const void *a, const void *b) {
    int32_t x = ((const struct slot *)a)->id, y = ((const struct slot *)b)->id;

    return (x > y) - (x < y);
}

static void start_chunk(struct walk *w, const struct part *part) {
    arena_reset(w->arena);
    w->count = part->count;
    w->last = NULL;
    w->objects = arena_array(w->arena, w->count, sizeof *w->objects);
    w->slots = arena_array(w->arena, w->count, sizeof *w->slots);
    for (size_t i = 0; i < w->count; i++)
        w->slots[i] = (struct slot){w->ids.items[part->first + i], i};
    qsort(w->slots, w->count, sizeof *w->slots, by_id);
}

/* Whose row it is. */
static struct export_object *owner_of(struct walk *w, const PGresult *result, size_t row) {
    const struct slot wanted = {.id = pg_get_int32(result, row, 0)};

    if (!w->last || w->last->id != wanted.id)
        w->last = bsearch(&wanted, w->slots, w->count, sizeof wanted, by_id);
    assert(w->last);
    return &w->objects[w->last->place];
}

static void take_objects(struct walk *w, const PGresult *result) {
    for (size_t row = 0; row < pg_rows(result); row++)
        owner_of(w, result, row)->ref =
            (struct ref){.id = pg_get_int32(result, row, OBJECT_ID),
                         .name = pg_get_text(result, row, OBJECT_NAME),
                         .driver = pg_get_text(result, row, OBJECT_DRIVER)};
}

/* How many rows each object has. */
static const size_t *count_rows(struct walk *w, const PGresult *result) {
    size_t *counts = arena_array(w->arena, w->count, sizeof *counts);

    for (size_t row = 0; row < pg_rows(result); row++)
        counts[owner_of(w, result, row) - w->objects]++;
    return counts;
}

static void take_attrs(struct walk *w, const PGresult *result) {
    const size_t *counts = count_rows(w, result);

    for (size_t row = 0; row < pg_rows(result); row++) {
        struct export_object *o = owner_of(w, result, row);

        if (!o->attrs)
            o->attrs = arena_array(w->arena, counts[o - w->objects], sizeof *o->attrs);
        o->attrs[o->attr_count++] = objects_borrow_attr(w->arena, result, row);
    }
}

static void take_places(struct walk *w, const PGresult *result) {
    const size_t *counts = count_rows(w, result);

    for (size_t row = 0; row < pg_rows(result); row++) {
        struct export_object *o = owner_of(w, result, row);

        if (!o->places)
            o->places = arena_array(w->arena, counts[o - w->objects], sizeof *o->places);
        o->places[o->place_count++] =
            (struct export_place){.container = pg_get_text(result, row, PLACE_CONTAINER),
                                  .subkey = pg_get_text(result, row, PLACE_SUBKEY),
                                  .has_number = !pg_is_null(result, row, PLACE_NUMBER),
                                  .number = pg_get_int32(result, row, PLACE_NUMBER)};
    }
}

/* What a chunk is read by, and who takes it. */
static const struct step {
    const struct stmt_row *row;
    void (*take)(struct walk *w, const PGresult *result);
} steps[] = {{STMT(EXPORT_OBJECTS), take_objects},
             {STMT(EXPORT_ATTRS), take_attrs},
             {STMT(EXPORT_PLACES), take_places}};

enum { STEPS = sizeof steps / sizeof *steps };

/* Asks for the next chunk, if there is one. */
static struct part ask_chunk(struct walk *w) {
    size_t left = w->ids.count - w->asked;
    struct part part = {.first = w->asked, .count = left < w->size ? left : w->size};
    struct pg_arg ids;

    if (part.count == 0)
        return part;
    ids = pg_ints(w->ids.items + part.first, NULL, part.count);
    for (size_t i = 0; i < STEPS; i++)
        pg_send(w->store, steps[i].row, &ids, 1);
    pg_flush(w->store);
    w->asked += part.count;
    return part;
}

static bool give_object(const struct walk *w, struct export_object *o) {
    if (o->attr_count > 1)
        qsort(o->attrs, o->attr_count, sizeof *o->attrs, by_content);
    if (o->place_count > 1)
        qsort(o->places, o->place_count, sizeof *o->places, by_container);
    return w->sink->object(w->sink->context, o);
}

static enum rc give_chunk(struct walk *w, const struct part *part, size_t *bytes) {
    start_chunk(w, part);
    *bytes = 0;
    for (size_t i = 0; i < STEPS; i++) {
        PGresult *result;
        enum rc rc = pg_next(w->store, &result);

        if (rc != RC_OK)
            return rc;
        pg_keep(w->arena, result);
        *bytes += PQresultMemorySize(result);
        steps[i].take(w, result);
    }
    for (size_t i = 0; i < w->count; i++)
        if (!give_object(w, &w->objects[i]))
            return pg_abandon(w->store);
    return RC_OK;
}

/* While the objects of one chunk are given out, the next one is in the pipeline already. */
static enum rc give_objects(struct walk *w) {
    struct part part, next = ask_chunk(w);
    enum rc rc = RC_OK;

    while (rc == RC_OK && next.count > 0) {
        size_t bytes;

        part = next;
        next = ask_chunk(w);
        rc = give_chunk(w, &part, &bytes);
        w->size = bytes > CHUNK_BYTES ? w->size / 2 + 1 : 2 * w->size;
        if (w->size > CHUNK)
            w->size = CHUNK;
    }
    return rc;
}

/* --- which objects, and in which order --- */

static bool take_id(void *context, const PGresult *result) {
    struct ids *ids = context;

    if (pg_is_null(result, 0, ids->column)) /* the row ahead of a list */
        return true;
    ids->items = arena_grow(ids->arena, ids->items, ids->count, &ids->capacity, sizeof *ids->items);
    ids->items[ids->count++] = pg_get_int32(result, 0, ids->column);
    return true;
}

static bool take_edge(void *context, const PGresult *result) {
    struct edges *e = context;

    e->items = arena_grow(e->arena, e->items, e->count, &e->capacity, sizeof *e->items);
    e->items[e->count++] =
        (struct export_edge){pg_get_int32(result, 0, 0), pg_get_int32(result, 0, 1)};
    return true;
}

/* As a list of all that the question finds. */
static enum rc find_ids(struct store *store, struct arena *arena, const struct query_node *question,
                        struct ids *found) {
    struct pg_arg list[] = {pg_null(), pg_bigint(0), pg_bool(false), pg_int(0)};
    struct pg_arg *args = list;
    size_t count = sizeof list / sizeof *list;
    const struct stmt_row *row = query_sql_compile(store, arena, question, false, &args, &count);

    pg_send(store, row, args, count);
    return pg_stream(store, take_id, found);
}

static void set_planner(struct store *store, bool whole_tables) {
    pg_queue(store, STMT(EXPORT_PLANNER), PG_ARGS(pg_bool(whole_tables)));
}

static enum rc find_depths(struct store *store, struct arena *arena, struct export_depths *out) {
    struct edges edges = {.arena = arena};
    enum rc rc;

    pg_send(store, STMT(EXPORT_EDGES), PG_NONE);
    rc = pg_stream(store, take_edge, &edges);
    if (rc == RC_OK)
        *out = export_depths_find(arena, edges.items, edges.count);
    return rc;
}

/* The ids in their order. Everything else that this needs is gone when it returns. */
static enum rc find_order(struct store *store, const struct export_selection *selection,
                          struct ids *out) {
    struct arena *arena = arena_new();
    struct ids found = {.arena = arena, .column = 1};
    struct export_depths depths = {.count = 0};
    enum rc rc = RC_OK;

    if (selection->question)
        rc = find_ids(store, arena, selection->question, &found);
    set_planner(store, true);
    if (rc == RC_OK)
        rc = find_depths(store, arena, &depths);
    if (rc == RC_OK) {
        pg_send(store, STMT(EXPORT_ORDER),
                PG_ARGS(pg_ints(depths.ids, NULL, depths.count),
                        pg_ints(depths.depths, NULL, depths.count),
                        pg_texts(selection->drivers, selection->driver_count),
                        selection->question ? pg_ints(found.items, NULL, found.count) : pg_null()));
        set_planner(store, false);
        rc = pg_stream(store, take_id, out);
    }
    arena_free(&arena);
    return rc;
}

static enum rc read_head(struct store *store, struct arena *arena, struct export_head *out) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(EXPORT_HEAD), PG_NONE);

    if (rc != RC_OK)
        return rc;
    out->version = pg_get_int32(result, 0, 0);
    out->taken = arena_strdup(arena, pg_get_text(result, 0, 1));
    PQclear(result);
    return RC_OK;
}

static enum rc export_all(struct walk *w, struct arena *arena,
                          const struct export_selection *selection) {
    struct export_head head;
    enum rc rc = read_head(w->store, arena, &head);

    if (rc == RC_OK && !w->sink->head(w->sink->context, &head))
        rc = RC_GONE;
    if (rc == RC_OK)
        rc = find_order(w->store, selection, &w->ids);
    return rc == RC_OK ? give_objects(w) : rc;
}

enum rc store_export(struct store *store, struct arena *arena,
                     const struct export_selection *selection, const struct export_sink *sink) {
    struct arena *ids = arena_new();
    struct walk w = {.store = store,
                     .sink = sink,
                     .ids = {.arena = ids},
                     .size = FIRST_CHUNK,
                     .arena = arena_new()};
    bool own = pg_begin_own_snapshot(store);
    enum rc rc = pg_end_own_snapshot(store, own, export_all(&w, arena, selection));

    arena_free(&w.arena);
    arena_free(&ids);
    return rc;
}
