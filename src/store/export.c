/* export.c: whole objects, containers before what they contain: first that order
 * (store/export_order.c), which also says what they are called and are in, then their attributes in
 * chunks. */
#include "store/export.h"

#include <stdlib.h>
#include <string.h>

#include "store/export_order.h"
#include "store/objects.h"

/* Objects. The first chunk is small, so that the first byte leaves soon (limits.md); each is twice
 * as large as the one before it, and half as large where that took more than so many bytes. */
#define FIRST_CHUNK 100
#define CHUNK       500
#define CHUNK_BYTES (2u << 20)

/* Objects between two looks for what the server has sent: else it waits while lines are written. */
#define LOOK_EVERY 64

/* Chunks that were asked for beside the one that is given out. */
#define AHEAD 2

/* Which of the order. */
struct part {
    size_t first, count;
};

struct slot {
    int32_t id;
    size_t place; /* in the part */
};

struct chunk {
    struct arena *arena;
    struct part part;
    struct slot *slots;      /* by id */
    const struct slot *last; /* rows of one object come together */
    struct export_object *objects;
};

struct walk {
    struct store *store;
    const struct export_sink *sink;
    struct export_order order;
    struct arena *scratch;
    size_t asked; /* objects that belong to a chunk already */
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

enum { ATTR_OWNER, ATTR_KEY, ATTR_SUBKEY, ATTR_NUMBER, ATTR_DATATYPE };

static int by_id(const void *a, const void *b) {
    int32_t x = ((const struct slot *)a)->id, y = ((const struct slot *)b)->id;

    return (x > y) - (x < y);
}

static struct ref ref_of(const struct export_objects *objects, int32_t number) {
    return (struct ref){.id = export_objects_id(objects, number),
                        .name = export_objects_name(objects, number),
                        .driver = export_objects_driver(objects, number)};
}

static void start_chunk(const struct walk *w, struct chunk *c, const struct part *part) {
    struct arena *arena = c->arena;

    arena_reset(arena);
    *c = (struct chunk){.arena = arena, .part = *part};
    c->objects = arena_array(arena, part->count, sizeof *c->objects);
    c->slots = arena_array(arena, part->count, sizeof *c->slots);
    for (size_t i = 0; i < part->count; i++) {
        c->objects[i].ref = ref_of(w->order.objects, w->order.numbers[part->first + i]);
        c->slots[i] = (struct slot){c->objects[i].ref.id, i};
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

/* Whose the rows are, NULL: of none that there is; counts how many each object has. */
static struct export_object **owners_of(struct chunk *c, const PGresult *result) {
    size_t rows = pg_rows(result);
    struct export_object **owners = arena_array(c->arena, rows, sizeof(struct export_object *));

    for (size_t row = 0; row < rows; row++) {
        owners[row] = object_of(c, pg_get_int32(result, row, ATTR_OWNER));
        if (owners[row])
            owners[row]->attr_count++;
    }
    return owners;
}

/* What is no object has no name. */
static void name_related(const struct export_objects *objects, struct value *value) {
    int32_t number = export_objects_find(objects, value->related_id);

    if (number == EXPORT_NONE)
        return;
    value->related_name = export_objects_name(objects, number);
    value->related_driver = export_objects_driver(objects, number);
}

static void take_attr(const struct walk *w, struct chunk *c, const PGresult *result, size_t row,
                      struct attr *attr) {
    const char *key = pg_get_text(result, row, ATTR_KEY);

    *attr = (struct attr){.key = key ? key : "",
                          .subkey = pg_get_text(result, row, ATTR_SUBKEY),
                          .has_number = !pg_is_null(result, row, ATTR_NUMBER),
                          .number = pg_get_int32(result, row, ATTR_NUMBER),
                          .value = objects_borrow_value(c->arena, result, row, ATTR_DATATYPE)};
    if (attr->value.datatype == DATATYPE_RELATION)
        name_related(w->order.objects, &attr->value);
}

static void take_attrs(const struct walk *w, struct chunk *c, const PGresult *result) {
    struct export_object **owners = owners_of(c, result);

    for (size_t i = 0; i < c->part.count; i++) {
        c->objects[i].attrs =
            arena_array(c->arena, c->objects[i].attr_count, sizeof *c->objects[i].attrs);
        c->objects[i].attr_count = 0;
    }
    for (size_t row = 0; row < pg_rows(result); row++)
        if (owners[row])
            take_attr(w, c, result, row, &owners[row]->attrs[owners[row]->attr_count++]);
}

static void take_places(const struct walk *w, struct chunk *c, size_t i) {
    const struct export_places *places = &w->order.places;
    int32_t number = w->order.numbers[c->part.first + i];
    uint32_t first = places->first[number];
    struct export_object *o = &c->objects[i];

    o->place_count = places->first[number + 1] - first;
    o->places = arena_array(c->arena, o->place_count, sizeof *o->places);
    for (size_t k = 0; k < o->place_count; k++) {
        const struct export_membership *m = &places->items[first + k];
        const struct export_group *group = &places->groups[m->group];

        o->places[k] =
            (struct export_place){.container = export_objects_name(w->order.objects, group->outer),
                                  .subkey = group->subkey,
                                  .has_number = m->has_number,
                                  .number = m->number};
    }
}

/* --- the pipeline --- */

/* Are these all the objects from *first to *last? Objects that were made in the order of their
 * names often are; then the server does not go down its index for each of them. */
static bool is_range(const struct walk *w, const int32_t *ids, size_t count, int32_t *first,
                     int32_t *last) {
    size_t found = 0;

    *first = *last = ids[0];
    for (size_t i = 1; i < count; i++) {
        *first = ids[i] < *first ? ids[i] : *first;
        *last = ids[i] > *last ? ids[i] : *last;
    }
    if ((size_t)(*last - *first) > 2 * count)
        return false;
    for (int32_t id = *first; id < *last; id++)
        found += export_objects_find(w->order.objects, id) != EXPORT_NONE;
    return found + 1 == count;
}

static void send_ids(struct walk *w, const int32_t *ids, size_t count) {
    int32_t first, last;

    if (pg_is_current(w->store) && is_range(w, ids, count, &first, &last))
        pg_send(w->store, STMT(EXPORT_ATTRS_BETWEEN), PG_ARGS(pg_int(first), pg_int(last)));
    else
        pg_send(w->store, STMT(EXPORT_ATTRS), PG_ARGS(pg_ints(ids, NULL, count)));
    pg_flush(w->store);
}

/* The attributes of the next chunk, if there is one. */
static struct part ask_rows(struct walk *w) {
    size_t left = w->order.count - w->asked;
    struct part part = {.first = w->asked, .count = left < w->size ? left : w->size};
    int32_t *ids;

    if (part.count == 0)
        return part;
    arena_reset(w->scratch);
    ids = arena_array(w->scratch, part.count, sizeof *ids);
    for (size_t i = 0; i < part.count; i++)
        ids[i] = export_objects_id(w->order.objects, w->order.numbers[part.first + i]);
    send_ids(w, ids, part.count);
    w->asked += part.count;
    return part;
}

static enum rc read_rows(struct walk *w, struct chunk *c, const struct part *part) {
    PGresult *result;
    enum rc rc = pg_next(w->store, &result);

    if (rc != RC_OK)
        return rc;
    start_chunk(w, c, part);
    pg_keep(c->arena, result);
    take_attrs(w, c, result);
    w->size = PQresultMemorySize(result) > CHUNK_BYTES ? w->size / 2 + 1 : 2 * w->size;
    if (w->size > CHUNK)
        w->size = CHUNK;
    return RC_OK;
}

static bool give_object(const struct walk *w, struct export_object *o) {
    if (o->attr_count > 1)
        qsort(o->attrs, o->attr_count, sizeof *o->attrs, by_content);
    if (o->place_count > 1)
        qsort(o->places, o->place_count, sizeof *o->places, by_container);
    return w->sink->object(w->sink->context, o);
}

static enum rc give_chunk(struct walk *w, struct chunk *c) {
    for (size_t i = 0; i < c->part.count; i++) {
        take_places(w, c, i);
        if (!give_object(w, &c->objects[i]))
            return pg_abandon(w->store);
        if (i % LOOK_EVERY == 0)
            pg_read_ahead(w->store);
    }
    return RC_OK;
}

/* While the objects of a chunk are given out, the server looks for the rows of those after it. */
static enum rc give_objects(struct walk *w, struct chunk *chunk) {
    struct part parts[AHEAD];
    enum rc rc = RC_OK;

    for (size_t i = 0; i < AHEAD; i++)
        parts[i] = ask_rows(w);
    for (size_t i = 0; rc == RC_OK && parts[i % AHEAD].count > 0; i++) {
        rc = read_rows(w, chunk, &parts[i % AHEAD]);
        if (rc != RC_OK)
            break;
        parts[i % AHEAD] = ask_rows(w);
        rc = give_chunk(w, chunk);
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

/* What is found lives in an arena of its own: the caller's may be there for longer. */
static enum rc export_found(struct walk *w, const struct export_selection *selection) {
    struct arena *found = arena_new();
    struct chunk chunk = {.arena = arena_new()};
    enum rc rc = export_order_find(w->store, found, selection, &w->order);

    w->scratch = arena_new();
    if (rc == RC_OK)
        rc = give_objects(w, &chunk);
    export_order_release(&w->order);
    arena_free(&w->scratch);
    arena_free(&chunk.arena);
    arena_free(&found);
    return rc;
}

static enum rc export_all(struct walk *w, struct arena *arena,
                          const struct export_selection *selection) {
    struct export_head head;
    enum rc rc = read_head(w->store, arena, &head);

    if (rc == RC_OK && !w->sink->head(w->sink->context, &head))
        rc = RC_GONE;
    return rc == RC_OK ? export_found(w, selection) : rc;
}

enum rc store_export(struct store *store, struct arena *arena,
                     const struct export_selection *selection, const struct export_sink *sink) {
    struct walk w = {.store = store, .sink = sink, .size = FIRST_CHUNK};
    bool own = pg_begin_own_snapshot(store);

    return pg_end_own_snapshot(store, own, export_all(&w, arena, selection));
}
