/* objects.c: rows to objects: what belongs to them, in the order that is promised. */
#include "store/objects.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/driver.h"

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

/* The statement's rules 0 to 5 are these. */
_Static_assert(INSERT_ANY == 0 && INSERT_POOL == 1 && INSERT_UNIQUE_POOL == 2 &&
                   INSERT_EXCLUSIVE_POOL == 3 && INSERT_LOCATION == 4 && INSERT_RACK == 5,
               "the report's statements count on it");

void objects_rules(struct arena *arena, struct pg_arg args[2]) {
    size_t count = driver_count();
    const char **names = arena_array(arena, count + 1, sizeof *names);
    int32_t *numbers = arena_array(arena, count + 1, sizeof *numbers);

    for (size_t i = 0; i < count; i++) {
        names[i] = driver_at(i)->name;
        numbers[i] = (int32_t)driver_at(i)->insert_rule;
    }
    args[0] = pg_texts(names, count);
    args[1] = pg_ints(numbers, NULL, count);
}

/* A container, and the membership that tells its place. */
struct parent {
    struct ref ref;
    int32_t attr;
};

/* --- order */

static int compare_ints(int32_t a, int32_t b) {
    return (a > b) - (a < b);
}

static int by_key(const void *a, const void *b) {
    const struct attr *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : compare_ints(x->id, y->id);
}

static int by_id(const void *a, const void *b) {
    return compare_ints(((const struct ref *)a)->id, ((const struct ref *)b)->id);
}

static int by_container(const void *a, const void *b) {
    const struct parent *x = a, *y = b;
    int order = compare_ints(x->ref.id, y->ref.id);

    return order ? order : compare_ints(x->attr, y->attr);
}

static int by_insertion(const void *a, const void *b) {
    return compare_ints(((const struct parent *)a)->attr, ((const struct parent *)b)->attr);
}

/* --- a row's fields */

static const char *text_of(const struct assembly *a, const PGresult *result, size_t row,
                           int column) {
    const char *text = pg_get_text(result, row, column);

    return text && a->copy ? arena_strdup(a->arena, text) : text;
}

static const char *or_else(const char *text, const char *other) {
    return text ? text : other;
}

static struct ref ref_of(const struct assembly *a, const PGresult *result, size_t row,
                         int id_column) {
    return (struct ref){.id = pg_get_int32(result, row, id_column),
                        .name = text_of(a, result, row, COLUMN_NAME),
                        .driver = text_of(a, result, row, COLUMN_DRIVER),
                        .type = text_of(a, result, row, COLUMN_TYPE)};
}

/* The columns that have a value, beginning with that of its datatype. */
enum {
    VALUE_DATATYPE,
    VALUE_INT = COLUMN_INT - COLUMN_DATATYPE,
    VALUE_STRING = COLUMN_STRING - COLUMN_DATATYPE,
    VALUE_DATETIME = COLUMN_DATETIME - COLUMN_DATATYPE,
    VALUE_RELATION = COLUMN_RELATION - COLUMN_DATATYPE
};

/* A row with an unknown datatype is shown as the text that it holds. */
static const char *any_text(const struct assembly *a, const PGresult *result, size_t row,
                            int first) {
    static const int columns[] = {VALUE_STRING, VALUE_INT, VALUE_DATETIME};

    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (!pg_is_null(result, row, first + columns[i]))
            return text_of(a, result, row, first + columns[i]);
    return "";
}

static void read_value(const struct assembly *a, const PGresult *result, size_t row, int first,
                       const struct ref *related, struct value *value) {
    const char *name = or_else(pg_get_text(result, row, first), "");
    const char *text;

    if (!value_datatype_parse(name, &value->datatype)) {
        value->datatype = DATATYPE_STRING;
        value->text = any_text(a, result, row, first);
        return;
    }
    switch (value->datatype) {
    case DATATYPE_INT: value->number = pg_get_int(result, row, first + VALUE_INT); break;
    case DATATYPE_STRING: value->text = text_of(a, result, row, first + VALUE_STRING); break;
    case DATATYPE_JSON:
        value->text = or_else(text_of(a, result, row, first + VALUE_STRING), "null");
        break;
    case DATATYPE_DATETIME:
        text = pg_get_text(result, row, first + VALUE_DATETIME);
        value->text = text ? datetime_from_pg(a->arena, text) : NULL;
        break;
    case DATATYPE_RELATION:
        value->related_id = related->id;
        value->related_driver = related->driver;
        value->related_name = related->name;
        break;
    case DATATYPE_COUNT: assert(!"no datatype"); break;
    }
}

/* --- rows */

static void add_content(struct assembly *a, const struct ref *member) {
    struct object *o = &a->object;

    o->contents =
        arena_grow(a->arena, o->contents, o->content_count, &a->content_room, sizeof *o->contents);
    o->contents[o->content_count++] = *member;
}

/* What it refers to goes to *related. */
static struct attr read_attr(const struct assembly *a, const PGresult *result, size_t row,
                             struct ref *related) {
    struct attr attr = {.id = pg_get_int32(result, row, COLUMN_ATTR),
                        .key = or_else(text_of(a, result, row, COLUMN_KEY), ""),
                        .subkey = text_of(a, result, row, COLUMN_SUBKEY),
                        .has_number = !pg_is_null(result, row, COLUMN_NUMBER),
                        .number = pg_get_int32(result, row, COLUMN_NUMBER)};

    *related = ref_of(a, result, row, COLUMN_RELATION);
    read_value(a, result, row, COLUMN_DATATYPE, related, &attr.value);
    return attr;
}

static void add_attr(struct assembly *a, const PGresult *result, size_t row) {
    struct object *o = &a->object;
    struct ref related;
    struct attr attr = read_attr(a, result, row, &related);

    o->attrs = arena_grow(a->arena, o->attrs, o->attr_count, &a->attr_room, sizeof *o->attrs);
    o->attrs[o->attr_count++] = attr;
    if (related.name && strcmp(attr.key, "_contains") == 0)
        add_content(a, &related);
}

struct attr objects_read_attr(struct arena *arena, const PGresult *result, size_t row) {
    const struct assembly a = {.arena = arena, .copy = true};
    struct ref related;

    return read_attr(&a, result, row, &related);
}

struct value objects_borrow_value(struct arena *arena, const PGresult *result, size_t row,
                                  int first) {
    const struct assembly a = {.arena = arena, .copy = false};
    const struct ref related = {.id = pg_get_int32(result, row, first + VALUE_RELATION)};
    struct value value = {.related_id = 0};

    read_value(&a, result, row, first, &related, &value);
    return value;
}

/* A membership in a rack says which unit it is. */
static void add_unit(struct assembly *a, const PGresult *result, size_t row,
                     const struct ref *rack) {
    const char *subkey = pg_get_text(result, row, COLUMN_SUBKEY);
    struct object *o = &a->object;

    if (!subkey || strcmp(subkey, "ru") != 0 || pg_is_null(result, row, COLUMN_NUMBER))
        return;
    o->units = arena_grow(a->arena, o->units, o->unit_count, &a->unit_room, sizeof *o->units);
    o->units[o->unit_count++] = (struct rack_unit){*rack, pg_get_int32(result, row, COLUMN_NUMBER)};
}

static void add_parent(struct assembly *a, const PGresult *result, size_t row) {
    size_t count = a->object.parent_count;

    a->parents = arena_grow(a->arena, a->parents, count, &a->parent_room, sizeof *a->parents);
    a->parents[count] = (struct parent){ref_of(a, result, row, COLUMN_RELATION),
                                        pg_get_int32(result, row, COLUMN_ATTR)};
    a->object.parent_count++;
    add_unit(a, result, row, &a->parents[count].ref);
}

/* --- the assembly */

void objects_start(struct assembly *a, struct arena *arena, bool copy, size_t rows) {
    *a = (struct assembly){.arena = arena, .copy = copy, .attr_room = rows};
    a->object.attrs = rows ? arena_array(arena, rows, sizeof *a->object.attrs) : NULL;
}

bool objects_ends(const struct assembly *a, const PGresult *result, size_t row) {
    return a->object.ref.id != 0 && a->object.ref.id != pg_get_int32(result, row, COLUMN_OWNER);
}

void objects_add(struct assembly *a, const PGresult *result, size_t row) {
    int32_t tag = pg_get_int32(result, row, COLUMN_TAG);

    a->object.ref.id = pg_get_int32(result, row, COLUMN_OWNER);
    switch ((enum object_tag)tag) {
    case TAG_ENTITY:
        a->object.ref = ref_of(a, result, row, COLUMN_OWNER);
        a->object.allocated = pg_get_int(result, row, COLUMN_INT);
        break;
    case TAG_ATTR: add_attr(a, result, row); break;
    case TAG_CONTAINER: add_parent(a, result, row); break;
    }
}

/* A rack's member has a membership for each unit. */
static size_t unique_contents(struct ref *refs, size_t count) {
    size_t kept = 0;

    qsort(refs, count, sizeof *refs, by_id);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || refs[kept - 1].id != refs[i].id)
            refs[kept++] = refs[i];
    return kept;
}

static size_t unique_parents(struct parent *parents, size_t count) {
    size_t kept = 0;

    qsort(parents, count, sizeof *parents, by_container);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || parents[kept - 1].ref.id != parents[i].ref.id)
            parents[kept++] = parents[i];
    qsort(parents, kept, sizeof *parents, by_insertion);
    return kept;
}

const struct object *objects_finish(struct assembly *a) {
    struct object *o = &a->object;

    if (o->attr_count > 1)
        qsort(o->attrs, o->attr_count, sizeof *o->attrs, by_key);
    if (o->content_count > 1)
        o->content_count = unique_contents(o->contents, o->content_count);
    if (o->parent_count > 1)
        o->parent_count = unique_parents(a->parents, o->parent_count);
    o->parents = arena_array(a->arena, o->parent_count, sizeof *o->parents);
    for (size_t i = 0; i < o->parent_count; i++)
        o->parents[i] = a->parents[i].ref;
    return o;
}

static size_t count_owners(const PGresult *result) {
    size_t count = 0;
    int32_t last = 0;

    for (size_t row = 0; row < pg_rows(result); row++) {
        int32_t id = pg_get_int32(result, row, COLUMN_OWNER);

        count += id != last;
        last = id;
    }
    return count;
}

struct object *objects_of(struct arena *arena, PGresult *result, size_t *count) {
    size_t rows = pg_rows(result), owners = count_owners(result);
    size_t first = rows > 0 && pg_is_null(result, 0, COLUMN_OWNER);
    struct object *objects = arena_array(arena, owners + 1, sizeof *objects);
    struct assembly a;

    pg_keep(arena, result);
    *count = 0;
    objects_start(&a, arena, false, owners == 1 ? rows : 0);
    for (size_t row = first; row < rows; row++) {
        if (objects_ends(&a, result, row)) {
            objects[(*count)++] = *objects_finish(&a);
            objects_start(&a, arena, false, 0);
        }
        objects_add(&a, result, row);
    }
    if (rows > first)
        objects[(*count)++] = *objects_finish(&a);
    return objects;
}
