/* export.c: whole objects, containers before what they contain: first their ids in that order
 * (store/export_order.c), then themselves in chunks. */
#include "store/export.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/export_names.h"
#include "store/export_order.h"
#include "store/objects.h"

/* Objects. The first chunk is small, so that the first byte leaves soon (limits.md); each is twice
 * as large as the one before it, and half as large where that took more than so many bytes. */
#define FIRST_CHUNK 100
#define CHUNK       500
#define CHUNK_BYTES (2u << 20)

/* Objects between two looks for what the server has sent: else it waits while lines are written. */
#define LOOK_EVERY 64

/* Which of the ids. */
struct part {
    size_t first, count;
};

struct slot {
    int32_t id;
    size_t place; /* in the part */
};

/* What is called so, once that is known: one of both. */
struct pending_name {
    const struct export_name *name;
    struct value *value;
    struct export_place *place;
};

struct chunk {
    struct arena *arena;
    struct part part;
    struct slot *slots;      /* by id */
    const struct slot *last; /* rows of one object come together */
    struct export_object *objects;
    struct pending_name *references;
    size_t reference_count, reference_capacity;
    int32_t *asked; /* its objects, and what they refer to as far as that was not known */
    size_t asked_count, asked_capacity;
};

struct walk {
    struct store *store;
    const struct export_sink *sink;
    struct export_order order;
    struct export_names *names;
    size_t asked; /* ids that belong to a chunk already */
    size_t size;  /* of the next chunk */
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
enum { OWNER }; /* of both: */
enum { ATTR_KEY = 1, ATTR_SUBKEY, ATTR_NUMBER, ATTR_DATATYPE };
enum { PLACE_CONTAINER = 1, PLACE_SUBKEY, PLACE_NUMBER };

static int by_id(const void *a, const void *b) {
    int32_t x = ((const struct slot *)a)->id, y = ((const struct slot *)b)->id;

    return (x > y) - (x < y);
}

static void start_chunk(const struct walk *w, struct chunk *c, const struct part *part) {
    struct arena *arena = c->arena;

    arena_reset(arena);
    *c = (struct chunk){.arena = arena, .part = *part, .asked_capacity = 2 * part->count};
    c->objects = arena_array(arena, part->count, sizeof *c->objects);
    c->slots = arena_array(arena, part->count, sizeof *c->slots);
    c->asked = arena_array(arena, c->asked_capacity, sizeof *c->asked);
    c->asked_count = part->count;
    for (size_t i = 0; i < part->count; i++) {
        c->asked[i] = w->order.ids[part->first + i];
        c->slots[i] = (struct slot){c->asked[i], i};
    }
    qsort(c->slots, part->count, sizeof *c->slots, by_id);
}

/* NULL: it is none of the chunk's objects. */
static struct export_object *object_of(struct chunk *c, int32_t id) {
    const struct slot wanted = {.id = id};

    if (!c->last || c->last->id != id)
        c->last = bsearch(&wanted, c->slots, c->part.count, sizeof wanted, by_id);
    return c->last ? &c->objects[c->last->place] : NULL;
}

/* Whose the rows are, and how many each object has. */
static struct export_object **owners_of(struct chunk *c, const PGresult *result, size_t **counts) {
    size_t rows = pg_rows(result);
    struct export_object **owners = arena_array(c->arena, rows, sizeof(struct export_object *));

    *counts = arena_array(c->arena, c->part.count, sizeof **counts);
    for (size_t row = 0; row < rows; row++) {
        owners[row] = object_of(c, pg_get_int32(result, row, OWNER));
        assert(owners[row]);
        (*counts)[owners[row] - c->objects]++;
    }
    return owners;
}

static void refer(struct walk *w, struct chunk *c, int32_t id, struct pending_name reference) {
    bool is_new;

    reference.name = export_names_get(w->names, id, &is_new);
    c->references = arena_grow(c->arena, c->references, c->reference_count, &c->reference_capacity,
                               sizeof *c->references);
    c->references[c->reference_count++] = reference;
    if (!is_new)
        return;
    c->asked = arena_grow(c->arena, c->asked, c->asked_count, &c->asked_capacity, sizeof *c->asked);
    c->asked[c->asked_count++] = id;
}

static void take_attrs(struct walk *w, struct chunk *c, const PGresult *result) {
    size_t *counts;
    struct export_object **owners = owners_of(c, result, &counts);

    for (size_t row = 0; row < pg_rows(result); row++) {
        struct export_object *o = owners[row];
        const char *key = pg_get_text(result, row, ATTR_KEY);
        struct attr *attr;

        if (!o->attrs)
            o->attrs = arena_array(c->arena, counts[o - c->objects], sizeof *o->attrs);
        attr = &o->attrs[o->attr_count++];
        *attr = (struct attr){.key = key ? key : "",
                              .subkey = pg_get_text(result, row, ATTR_SUBKEY),
                              .has_number = !pg_is_null(result, row, ATTR_NUMBER),
                              .number = pg_get_int32(result, row, ATTR_NUMBER),
                              .value = objects_borrow_value(c->arena, result, row, ATTR_DATATYPE)};
        if (attr->value.datatype == DATATYPE_RELATION && attr->value.related_id != 0)
            refer(w, c, attr->value.related_id, (struct pending_name){.value = &attr->value});
    }
}

static void take_places(struct walk *w, struct chunk *c, const PGresult *result) {
    size_t *counts;
    struct export_object **owners = owners_of(c, result, &counts);

    for (size_t row = 0; row < pg_rows(result); row++) {
        struct export_object *o = owners[row];
        struct export_place *place;

        if (!o->places)
            o->places = arena_array(c->arena, counts[o - c->objects], sizeof *o->places);
        place = &o->places[o->place_count++];
        *place = (struct export_place){.subkey = pg_get_text(result, row, PLACE_SUBKEY),
                                       .has_number = !pg_is_null(result, row, PLACE_NUMBER),
                                       .number = pg_get_int32(result, row, PLACE_NUMBER)};
        refer(w, c, pg_get_int32(result, row, PLACE_CONTAINER),
              (struct pending_name){.place = place});
    }
}

/* The chunk's own objects, and what others are called. */
static void take_objects(struct walk *w, struct chunk *c, const PGresult *result) {
    bool others = c->asked_count > c->part.count;

    for (size_t row = 0; row < pg_rows(result); row++) {
        int32_t id = pg_get_int32(result, row, OBJECT_ID);
        struct export_object *o = object_of(c, id);
        const char *name = pg_get_text(result, row, OBJECT_NAME);
        const char *driver = pg_get_text(result, row, OBJECT_DRIVER);

        if (o)
            o->ref = (struct ref){.id = id, .name = name, .driver = driver};
        if (others)
            export_names_fill(w->names, id, name, driver);
    }
    for (size_t i = 0; i < c->reference_count; i++) {
        struct pending_name *r = &c->references[i];

        if (r->place) {
            r->place->container = r->name->name;
        } else {
            r->value->related_name = r->name->name;
            r->value->related_driver = r->name->driver;
        }
    }
}

/* --- the pipeline --- */

/* What hangs on the objects of the next chunk, if there is one. */
static struct part ask_rows(struct walk *w) {
    size_t left = w->order.count - w->asked;
    struct part part = {.first = w->asked, .count = left < w->size ? left : w->size};
    struct pg_arg ids;

    if (part.count == 0)
        return part;
    ids = pg_ints(w->order.ids + part.first, NULL, part.count);
    pg_send(w->store, STMT(EXPORT_ATTRS), &ids, 1);
    pg_send(w->store, STMT(EXPORT_PLACES), &ids, 1);
    pg_flush(w->store);
    w->asked += part.count;
    return part;
}

typedef void (*taker)(struct walk *w, struct chunk *c, const PGresult *result);

static enum rc take_next(struct walk *w, struct chunk *c, taker take, size_t *bytes) {
    PGresult *result;
    enum rc rc = pg_next(w->store, &result);

    if (rc != RC_OK)
        return rc;
    pg_keep(c->arena, result);
    *bytes += PQresultMemorySize(result);
    take(w, c, result);
    return RC_OK;
}

/* Then it is known what more has to be asked for. */
static enum rc read_rows(struct walk *w, struct chunk *c, const struct part *part) {
    size_t bytes = 0;
    enum rc rc;

    start_chunk(w, c, part);
    export_names_turn(w->names);
    rc = take_next(w, c, take_attrs, &bytes);
    if (rc == RC_OK)
        rc = take_next(w, c, take_places, &bytes);
    if (rc != RC_OK)
        return rc;
    pg_send(w->store, STMT(EXPORT_OBJECTS), PG_ARGS(pg_ints(c->asked, NULL, c->asked_count)));
    pg_flush(w->store);
    w->size = bytes > CHUNK_BYTES ? w->size / 2 + 1 : 2 * w->size;
    if (w->size > CHUNK)
        w->size = CHUNK;
    return RC_OK;
}

/* A membership in what is no object is none. */
static void drop_lost_places(struct export_object *o) {
    size_t kept = 0;

    for (size_t i = 0; i < o->place_count; i++)
        if (o->places[i].container)
            o->places[kept++] = o->places[i];
    o->place_count = kept;
}

static bool give_object(const struct walk *w, struct export_object *o) {
    drop_lost_places(o);
    if (o->attr_count > 1)
        qsort(o->attrs, o->attr_count, sizeof *o->attrs, by_content);
    if (o->place_count > 1)
        qsort(o->places, o->place_count, sizeof *o->places, by_container);
    return w->sink->object(w->sink->context, o);
}

static enum rc give_chunk(struct walk *w, struct chunk *c) {
    size_t bytes = 0;
    enum rc rc = take_next(w, c, take_objects, &bytes);

    for (size_t i = 0; rc == RC_OK && i < c->part.count; i++) {
        if (!give_object(w, &c->objects[i]))
            return pg_abandon(w->store);
        if (i % LOOK_EVERY == 0)
            pg_read_ahead(w->store);
    }
    return rc;
}

/* While the objects of a chunk are given out, the server looks for the rows of those after it, and
 * for the names of the next one. */
static enum rc give_objects(struct walk *w, struct chunk chunks[2]) {
    struct part next = ask_rows(w), after = ask_rows(w);
    bool is_due = false;
    enum rc rc = RC_OK;

    for (size_t i = 0; rc == RC_OK && (next.count > 0 || is_due); i++) {
        bool was_due = is_due;

        is_due = next.count > 0;
        if (is_due)
            rc = read_rows(w, &chunks[i % 2], &next);
        next = after;
        if (rc == RC_OK)
            after = ask_rows(w);
        if (rc == RC_OK && was_due)
            rc = give_chunk(w, &chunks[(i + 1) % 2]);
    }
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
    struct chunk chunks[2] = {{.arena = arena_new()}, {.arena = arena_new()}};
    struct arena *ids = arena_new();
    struct export_head head;
    enum rc rc = read_head(w->store, arena, &head);

    if (rc == RC_OK && !w->sink->head(w->sink->context, &head))
        rc = RC_GONE;
    if (rc == RC_OK)
        rc = export_order_find(w->store, ids, selection, &w->order);
    if (rc == RC_OK)
        rc = give_objects(w, chunks);
    arena_free(&ids);
    arena_free(&chunks[0].arena);
    arena_free(&chunks[1].arena);
    return rc;
}

enum rc store_export(struct store *store, struct arena *arena,
                     const struct export_selection *selection, const struct export_sink *sink) {
    struct walk w = {
        .store = store, .sink = sink, .size = FIRST_CHUNK, .names = export_names_new()};
    bool own = pg_begin_own_snapshot(store);
    enum rc rc = pg_end_own_snapshot(store, own, export_all(&w, arena, selection));

    export_names_free(&w.names);
    return rc;
}
