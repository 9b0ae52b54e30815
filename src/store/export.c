/* export.c: whole objects, containers before what they contain: first their ids in that order, then
 * themselves in chunks. */
#include "store/export.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/export_depths.h"
#include "store/objects.h"
#include "store/query_sql.h"

/* The first chunk is small, so that the first byte leaves soon (limits.md). */
#define FIRST_CHUNK 100
#define CHUNK       1000

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

/* An object while its rows come in. */
struct walk {
    struct store *store;
    const struct export_sink *sink;
    struct ids ids;
    size_t at;           /* the first that belongs to no chunk yet */
    size_t ahead;        /* how many are in the chunk that was asked for last */
    struct arena *arena; /* of one object */
    struct export_object object;
    size_t attr_capacity, place_capacity;
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

/* --- objects --- */

static void start_object(struct walk *w) {
    arena_reset(w->arena);
    w->object = (struct export_object){.attr_count = 0};
    w->attr_capacity = w->place_capacity = 0;
}

static bool give_object(struct walk *w) {
    struct export_object *o = &w->object;
    bool go_on;

    if (o->attr_count > 1)
        qsort(o->attrs, o->attr_count, sizeof *o->attrs, by_content);
    if (o->place_count > 1)
        qsort(o->places, o->place_count, sizeof *o->places, by_container);
    go_on = w->sink->object(w->sink->context, o);
    start_object(w);
    return go_on;
}

static const char *copied(struct walk *w, const PGresult *result, int column) {
    return arena_strdup(w->arena, pg_get_text(result, 0, column));
}

static void add_attr(struct walk *w, const PGresult *result) {
    struct export_object *o = &w->object;

    o->attrs = arena_grow(w->arena, o->attrs, o->attr_count, &w->attr_capacity, sizeof *o->attrs);
    o->attrs[o->attr_count++] = objects_read_attr(w->arena, result, 0);
}

static void add_place(struct walk *w, const PGresult *result) {
    struct export_object *o = &w->object;

    o->places =
        arena_grow(w->arena, o->places, o->place_count, &w->place_capacity, sizeof *o->places);
    o->places[o->place_count++] =
        (struct export_place){.container = copied(w, result, COLUMN_NAME),
                              .subkey = copied(w, result, COLUMN_SUBKEY),
                              .has_number = !pg_is_null(result, 0, COLUMN_NUMBER),
                              .number = pg_get_int32(result, 0, COLUMN_NUMBER)};
}

static bool take_row(void *context, const PGresult *result) {
    struct walk *w = context;
    int32_t owner = pg_get_int32(result, 0, COLUMN_OWNER);
    int32_t tag = pg_get_int32(result, 0, COLUMN_TAG);

    if (w->object.ref.id != 0 && w->object.ref.id != owner && !give_object(w))
        return false;
    w->object.ref.id = owner;
    switch ((enum object_tag)tag) {
    case TAG_ENTITY:
        w->object.ref.name = copied(w, result, COLUMN_NAME);
        w->object.ref.driver = copied(w, result, COLUMN_DRIVER);
        w->object.ref.type = copied(w, result, COLUMN_TYPE);
        break;
    case TAG_ATTR: add_attr(w, result); break;
    case TAG_CONTAINER: add_place(w, result); break;
    }
    return true;
}

/* Asks for the next chunk, if there is one. */
static void ask_chunk(struct walk *w, size_t size) {
    struct pg_arg ids;

    w->ahead = w->ids.count - w->at < size ? w->ids.count - w->at : size;
    if (w->ahead == 0)
        return;
    ids = pg_ints(w->ids.items + w->at, NULL, w->ahead);
    pg_send(w->store, STMT(EXPORT_OBJECTS), &ids, 1);
    w->at += w->ahead;
    pg_flush(w->store);
}

/* While the rows of one chunk are given out, the next one is in the pipeline already. */
static enum rc give_objects(struct walk *w) {
    enum rc rc = RC_OK;

    ask_chunk(w, FIRST_CHUNK);
    while (rc == RC_OK && w->ahead > 0) {
        ask_chunk(w, CHUNK);
        start_object(w);
        rc = pg_stream(w->store, take_row, w);
        if (rc == RC_OK && w->object.ref.id != 0 && !give_object(w))
            rc = pg_abandon(w->store);
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
    struct walk w = {.store = store, .sink = sink, .ids = {.arena = ids}, .arena = arena_new()};
    bool own = !pg_in_transaction(store);
    enum rc rc;

    if (own)
        store_begin_snapshot(store);
    rc = export_all(&w, arena, selection);
    if (own && rc == RC_OK)
        rc = store_commit(store);
    else if (own)
        store_rollback(store);
    arena_free(&w.arena);
    arena_free(&ids);
    return rc;
}
