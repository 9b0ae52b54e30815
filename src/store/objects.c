/* objects.c: rows to objects: whose they are, what they hold, in the order that is promised. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/driver.h"
#include "store/objects.h"

void objects_managers(struct arena *arena, struct pg_arg *drivers, struct pg_arg *keys) {
    size_t count = 0, all = driver_count();
    const char **names = arena_array(arena, all + 1, sizeof *names);
    const char **resources = arena_array(arena, all + 1, sizeof *resources);

    for (size_t i = 0; i < all; i++) {
        const struct driver *driver = driver_at(i);

        if (!driver->resource_key)
            continue;
        names[count] = driver->name;
        resources[count++] = driver->resource_key;
    }
    *drivers = pg_texts(names, count);
    *keys = pg_texts(resources, count);
}

/* --- order */

static int compare_ints(int32_t a, int32_t b) {
    return (a > b) - (a < b);
}

static int by_number(const void *a, const void *b) {
    return compare_ints(*(const int32_t *)a, *(const int32_t *)b);
}

static int by_key(const void *a, const void *b) {
    const struct attr *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : compare_ints(x->id, y->id);
}

static int by_ref_id(const void *a, const void *b) {
    return compare_ints(((const struct ref *)a)->id, ((const struct ref *)b)->id);
}

static size_t unique_refs(struct ref *refs, size_t count) {
    size_t kept = 0;

    qsort(refs, count, sizeof *refs, by_ref_id);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || refs[kept - 1].id != refs[i].id)
            refs[kept++] = refs[i];
    return kept;
}

/* --- whose */

/* The owners' ids, each once, in order. Rows of one owner mostly come together. */
static int32_t *owners(struct arena *arena, const PGresult *result, size_t *count) {
    size_t rows = pg_rows(result), n = 0, kept = 0;
    int32_t *ids = arena_array(arena, rows + 1, sizeof *ids);

    for (size_t row = 0; row < rows; row++) {
        int32_t id = pg_get_int32(result, row, COLUMN_OWNER);

        if (n == 0 || ids[n - 1] != id)
            ids[n++] = id;
    }
    qsort(ids, n, sizeof *ids, by_number);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    *count = kept;
    return ids;
}

/* --- rows to fields */

static struct ref related(const PGresult *result, size_t row) {
    return (struct ref){.id = pg_get_int32(result, row, COLUMN_RELATED),
                        .name = pg_get_text(result, row, COLUMN_RELATED_NAME),
                        .driver = pg_get_text(result, row, COLUMN_RELATED_DRIVER),
                        .type = pg_get_text(result, row, COLUMN_RELATED_TYPE)};
}

static const char *or_empty(const char *text) {
    return text ? text : "";
}

/* A row with a datatype that nobody knows is shown as the text that it holds. */
static const char *any_text(const PGresult *result, size_t row) {
    const char *text = pg_get_text(result, row, COLUMN_STRING);

    if (!text)
        text = pg_get_text(result, row, COLUMN_INT);
    if (!text)
        text = pg_get_text(result, row, COLUMN_DATETIME);
    return or_empty(text);
}

static struct value value_of(struct arena *arena, const PGresult *result, size_t row) {
    struct value value = {.datatype = DATATYPE_STRING};
    const char *text;

    if (!datatype_parse(or_empty(pg_get_text(result, row, COLUMN_DATATYPE)), &value.datatype)) {
        value.datatype = DATATYPE_STRING;
        value.text = any_text(result, row);
        return value;
    }
    switch (value.datatype) {
    case DATATYPE_INT: value.number = pg_get_int(result, row, COLUMN_INT); break;
    case DATATYPE_DATETIME:
        text = pg_get_text(result, row, COLUMN_DATETIME);
        value.text = text ? datetime_from_pg(arena, text) : "";
        break;
    case DATATYPE_RELATION:
        value.related_id = pg_get_int32(result, row, COLUMN_RELATION);
        value.related_driver = pg_get_text(result, row, COLUMN_RELATED_DRIVER);
        value.related_name = pg_get_text(result, row, COLUMN_RELATED_NAME);
        break;
    case DATATYPE_JSON:
        text = pg_get_text(result, row, COLUMN_STRING);
        value.text = text ? text : "null";
        break;
    case DATATYPE_STRING: value.text = or_empty(pg_get_text(result, row, COLUMN_STRING)); break;
    case DATATYPE_COUNT: assert(!"no datatype"); break;
    }
    return value;
}

static struct attr attr_of(struct arena *arena, const PGresult *result, size_t row) {
    return (struct attr){.id = pg_get_int32(result, row, COLUMN_ATTR),
                         .key = or_empty(pg_get_text(result, row, COLUMN_KEY)),
                         .subkey = pg_get_text(result, row, COLUMN_SUBKEY),
                         .has_number = !pg_is_null(result, row, COLUMN_NUMBER),
                         .number = pg_get_int32(result, row, COLUMN_NUMBER),
                         .value = value_of(arena, result, row)};
}

/* A live membership of a live member. */
static bool is_content(const PGresult *result, size_t row) {
    const char *key = pg_get_text(result, row, COLUMN_KEY);

    return key && strcmp(key, "_contains") == 0 && !pg_is_null(result, row, COLUMN_RELATED);
}

/* --- rows to objects */

/* A container, and the membership that tells its place. */
struct parent {
    struct ref ref;
    int32_t attr;
};

static int by_container(const void *a, const void *b) {
    const struct parent *x = a, *y = b;
    int order = compare_ints(x->ref.id, y->ref.id);

    return order ? order : compare_ints(x->attr, y->attr);
}

static int by_insertion(const void *a, const void *b) {
    return compare_ints(((const struct parent *)a)->attr, ((const struct parent *)b)->attr);
}

struct slot {
    struct object *object;
    struct parent *parents;
};

struct assembly {
    struct arena *arena;
    const PGresult *result;
    int32_t *ids;
    struct slot *slots;
    size_t count;
    size_t last; /* where the row before belonged */
};

static struct slot *slot_of(struct assembly *a, size_t row) {
    int32_t id = pg_get_int32(a->result, row, COLUMN_OWNER);
    const int32_t *at;

    if (a->ids[a->last] != id) {
        at = bsearch(&id, a->ids, a->count, sizeof *a->ids, by_number);
        assert(at);
        a->last = (size_t)(at - a->ids);
    }
    return &a->slots[a->last];
}

static bool is_parent(const PGresult *result, size_t row) {
    return *PQgetvalue(result, (int)row, COLUMN_TAG) == '1';
}

static void count_row(struct assembly *a, size_t row) {
    struct object *object = slot_of(a, row)->object;

    if (is_parent(a->result, row))
        object->parent_count++;
    else if (!pg_is_null(a->result, row, COLUMN_ATTR))
        object->attr_count++;
    if (is_content(a->result, row))
        object->content_count++;
}

/* Room for what was counted; from here on the counts say how much of it is filled. */
static void make_room(struct assembly *a, struct slot *slot) {
    struct object *o = slot->object;

    o->attrs = arena_array(a->arena, o->attr_count, sizeof *o->attrs);
    o->contents = arena_array(a->arena, o->content_count, sizeof *o->contents);
    slot->parents = arena_array(a->arena, o->parent_count, sizeof *slot->parents);
    o->attr_count = o->content_count = o->parent_count = 0;
}

static void fill_row(struct assembly *a, size_t row) {
    struct slot *slot = slot_of(a, row);
    struct object *o = slot->object;

    if (is_parent(a->result, row)) {
        slot->parents[o->parent_count++] =
            (struct parent){related(a->result, row), pg_get_int32(a->result, row, COLUMN_ATTR)};
        return;
    }
    o->ref.name = pg_get_text(a->result, row, COLUMN_NAME);
    o->ref.driver = pg_get_text(a->result, row, COLUMN_DRIVER);
    o->ref.type = pg_get_text(a->result, row, COLUMN_TYPE);
    o->allocated = pg_get_int(a->result, row, COLUMN_ALLOCATED);
    if (!pg_is_null(a->result, row, COLUMN_ATTR))
        o->attrs[o->attr_count++] = attr_of(a->arena, a->result, row);
    if (is_content(a->result, row))
        o->contents[o->content_count++] = related(a->result, row);
}

static void put_in_order(struct assembly *a, struct slot *slot) {
    struct object *o = slot->object;
    size_t kept = 0;

    qsort(o->attrs, o->attr_count, sizeof *o->attrs, by_key);
    o->content_count = unique_refs(o->contents, o->content_count);
    qsort(slot->parents, o->parent_count, sizeof *slot->parents, by_container);
    for (size_t i = 0; i < o->parent_count; i++)
        if (kept == 0 || slot->parents[kept - 1].ref.id != slot->parents[i].ref.id)
            slot->parents[kept++] = slot->parents[i];
    qsort(slot->parents, kept, sizeof *slot->parents, by_insertion);
    o->parent_count = kept;
    o->parents = arena_array(a->arena, kept, sizeof *o->parents);
    for (size_t i = 0; i < kept; i++)
        o->parents[i] = slot->parents[i].ref;
}

struct object *objects_assemble(struct arena *arena, PGresult *result, size_t *count) {
    struct assembly a = {.arena = arena, .result = result};
    size_t rows = pg_rows(result);
    struct object *objects;

    pg_keep(arena, result);
    *count = 0;
    if (rows == 0)
        return NULL;
    a.ids = owners(arena, result, &a.count);
    a.slots = arena_array(arena, a.count, sizeof *a.slots);
    objects = arena_array(arena, a.count, sizeof *objects);
    for (size_t i = 0; i < a.count; i++) {
        a.slots[i].object = &objects[i];
        objects[i].ref.id = a.ids[i];
    }
    for (size_t row = 0; row < rows; row++)
        count_row(&a, row);
    for (size_t i = 0; i < a.count; i++)
        make_room(&a, &a.slots[i]);
    for (size_t row = 0; row < rows; row++)
        fill_row(&a, row);
    for (size_t i = 0; i < a.count; i++)
        put_in_order(&a, &a.slots[i]);
    *count = a.count;
    return objects;
}
