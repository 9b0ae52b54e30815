/* read.c: objects and attributes by name or id, one statement each. */
#include <stdlib.h>
#include <string.h>

#include "store/objects.h"
#include "store/prefetch.h"
#include "store/write.h"

/* --- identities */

enum { REF_ID, REF_NAME, REF_DRIVER, REF_TYPE };

static struct ref ref_of(const PGresult *result, size_t row) {
    return (struct ref){.id = pg_get_int32(result, row, REF_ID),
                        .name = pg_get_text(result, row, REF_NAME),
                        .driver = pg_get_text(result, row, REF_DRIVER),
                        .type = pg_get_text(result, row, REF_TYPE)};
}

static int by_name(const void *a, const void *b) {
    const struct ref *x = *(const struct ref *const *)a, *y = *(const struct ref *const *)b;
    int order = strcmp(x->name, y->name);

    return order ? order : (x->id > y->id) - (x->id < y->id);
}

/* Pointers to what was found, by name, of several with one name only the one with the lowest id. */
static const struct ref **index_by_name(struct arena *arena, const struct ref *first, size_t stride,
                                        size_t count, size_t *kept) {
    const struct ref **index = arena_array(arena, count + 1, sizeof *index);

    for (size_t i = 0; i < count; i++)
        index[i] = (const struct ref *)(const void *)((const char *)first + i * stride);
    qsort(index, count, sizeof *index, by_name);
    *kept = 0;
    for (size_t i = 0; i < count; i++)
        if (*kept == 0 || strcmp(index[*kept - 1]->name, index[i]->name) != 0)
            index[(*kept)++] = index[i];
    return index;
}

static int name_against_ref(const void *name, const void *ref) {
    return strcmp(name, (*(const struct ref *const *)ref)->name);
}

static const struct ref *find_name(const struct ref *const *index, size_t count, const char *name) {
    const struct ref *const *at =
        count ? bsearch(name, index, count, sizeof *index, name_against_ref) : NULL;

    return at ? *at : NULL;
}

void objects_take_refs(struct arena *arena, PGresult *result, const char *const *names,
                       size_t count, struct ref *out) {
    size_t first = pg_rows(result) > 0 && pg_is_null(result, 0, REF_ID);
    size_t found = pg_rows(result) - first;
    struct ref *refs = arena_array(arena, found + 1, sizeof *refs);
    const struct ref **index;

    pg_keep(arena, result);
    for (size_t i = 0; i < found; i++)
        refs[i] = ref_of(result, first + i);
    index = index_by_name(arena, refs, sizeof *refs, found, &found);
    for (size_t i = 0; i < count; i++) {
        const struct ref *ref = find_name(index, found, names[i]);

        out[i] = ref ? *ref : (struct ref){.id = 0};
    }
}

/* Of the row ahead of what was found, if there is one: as of a version there is not. */
static void take_snapshot(const PGresult *result, int id, int column, const char **snapshot) {
    if (snapshot)
        *snapshot = pg_rows(result) > 0 && pg_is_null(result, 0, id)
                        ? pg_get_text(result, 0, column)
                        : NULL;
}

enum rc store_refs_by_names(struct store *store, struct arena *arena, const char *const *names,
                            size_t count, struct ref *out, const char **snapshot) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(REFS_BY_NAMES), PG_ARGS(pg_texts(names, count)));

    if (rc != RC_OK)
        return rc;
    objects_take_refs(arena, result, names, count, out);
    take_snapshot(result, REF_ID, REF_NAME, snapshot);
    return RC_OK;
}

struct store_read *store_ask_ref(struct arena *arena, const char *name) {
    return prefetch_read(arena, STMT(REF_BY_NAME), PG_ARGS(pg_text(name)));
}

enum rc store_take_ref(struct store *store, struct store_read *read, struct ref *out) {
    PGresult *result;
    enum rc rc = prefetch_take_rows(store, read, &result);

    if (rc == RC_OK)
        *out = ref_of(result, 0);
    return rc;
}

enum rc store_ref_by_name(struct store *store, struct arena *arena, const char *name,
                          struct ref *out) {
    return store_take_ref(store, store_ask_ref(arena, name), out);
}

/* --- whole objects */

struct store_read *store_ask_object(struct arena *arena, const char *name, bool contents) {
    struct pg_arg args[3] = {[2] = pg_text(name)};

    objects_managers(arena, &args[0], &args[1]);
    return prefetch_read(arena, contents ? STMT(OBJECT_BY_NAME) : STMT(OBJECT_ALONE), args, 3);
}

/* More members than are to be read? Then its attributes are missing (OBJECT_UNLESS_CROWDED). */
static bool is_crowded(const struct store_read *read, const PGresult *result) {
    if (read->row != STMT(OBJECT_ALONE))
        return false;
    for (size_t row = 0; row < pg_rows(result); row++)
        if (pg_get_int32(result, row, COLUMN_TAG) == TAG_ENTITY &&
            !pg_is_null(result, row, COLUMN_NUMBER))
            return true;
    return false;
}

/* *whole: with all its members, so that its state is known. */
static enum rc take_rows(struct store *store, struct store_read *read, PGresult **result,
                         bool *whole) {
    enum rc rc = prefetch_take(store, read, result);

    *whole = read->row == STMT(OBJECT_BY_NAME) || read->row == STMT(OBJECT_ALONE);
    if (rc != RC_OK || !is_crowded(read, *result))
        return rc;
    *whole = false;
    PQclear(*result);
    return pg_exec(store, result, STMT(OBJECT_CROWDED), read->args, read->arg_count);
}

/* By id, of those with one name: the statements do not sort them. */
static const struct object *lowest(const struct object *objects, size_t count) {
    const struct object *found = objects;

    for (size_t i = 1; i < count; i++)
        if (objects[i].ref.id < found->ref.id)
            found = &objects[i];
    return found;
}

/* They were read for the state only. */
static void leave_members(struct object *object) {
    size_t count = 0;

    for (size_t i = 0; i < object->attr_count; i++)
        if (strcmp(object->attrs[i].key, "_contains") != 0)
            object->attrs[count++] = object->attrs[i];
    object->attr_count = count;
    object->content_count = 0;
}

enum rc store_take_object(struct store *store, struct store_read *read, struct object *out) {
    const struct object *objects;
    PGresult *result;
    size_t count;
    bool whole;
    enum rc rc = take_rows(store, read, &result, &whole);

    if (rc != RC_OK)
        return rc;
    objects = objects_of(read->arena, result, &count);
    if (count == 0)
        return RC_NOTFOUND;
    *out = *lowest(objects, count);
    if (whole && pg_is_current(store))
        (void)objects_state(result, out->ref.id, out->state);
    if (read->row == STMT(OBJECT_ALONE))
        leave_members(out);
    return RC_OK;
}

enum rc store_object_by_name(struct store *store, struct arena *arena, const char *name,
                             struct object *out) {
    return store_take_object(store, store_ask_object(arena, name, true), out);
}

enum rc store_objects_by_names(struct store *store, struct arena *arena, const char *const *names,
                               size_t count, struct object *out, const char **snapshot) {
    struct pg_arg args[3] = {[2] = pg_texts(names, count)};
    const struct ref **index;
    struct object *objects;
    PGresult *result;
    size_t found;
    enum rc rc;

    objects_managers(arena, &args[0], &args[1]);
    rc = pg_exec(store, &result, STMT(OBJECTS_BY_NAMES), args, 3);
    if (rc != RC_OK)
        return rc;
    objects = objects_of(arena, result, &found);
    take_snapshot(result, COLUMN_OWNER, COLUMN_STRING, snapshot);
    index = index_by_name(arena, &objects->ref, sizeof *objects, found, &found);
    for (size_t i = 0; i < count; i++) {
        const struct ref *ref = find_name(index, found, names[i]);

        /* ref is the first member, so that it stands for its object */
        out[i] =
            ref ? *(const struct object *)(const void *)ref : (struct object){.ref = {.id = 0}};
    }
    return RC_OK;
}

/* --- attributes */

struct store_read *store_ask_attrs(struct arena *arena, const char *name,
                                   const struct attr_filter *filter) {
    return store_ask_object(arena, name, filter->key && strcmp(filter->key, "_contains") == 0);
}

static bool is_text(const char *wanted, const char *text) {
    return !wanted || (text && strcmp(wanted, text) == 0);
}

static bool fits(const struct attr *attr, const struct attr_filter *filter) {
    return is_text(filter->key, attr->key) && is_text(filter->subkey, attr->subkey) &&
           (!filter->has_number || (attr->has_number && attr->number == filter->number));
}

enum rc store_take_attrs(struct store *store, struct store_read *read,
                         const struct attr_filter *filter, struct object *out) {
    enum rc rc = store_take_object(store, read, out);
    size_t count = 0;

    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < out->attr_count; i++)
        if (fits(&out->attrs[i], filter))
            out->attrs[count++] = out->attrs[i];
    out->attr_count = count;
    return RC_OK;
}

/* Only the attributes, without a state. How much a manager has allocated is not counted. */
static struct store_read *ask_matching(struct arena *arena, const char *name,
                                       const struct attr_filter *filter) {
    struct pg_arg args[6] = {[0] = pg_texts(NULL, 0),
                             [1] = pg_texts(NULL, 0),
                             [2] = pg_text(name),
                             [3] = pg_text(filter->subkey),
                             [4] = filter->has_number ? pg_int(filter->number) : pg_null(),
                             [5] = pg_text(filter->key)};

    if (filter->key)
        return prefetch_read(arena, STMT(ATTRS_BY_NAME_KEY), args, 6);
    return prefetch_read(arena, filter->members ? STMT(ATTRS_AND_MEMBERS) : STMT(ATTRS_BY_NAME),
                         args, 5);
}

enum rc store_attrs_by_name(struct store *store, struct arena *arena, const char *name,
                            const struct attr_filter *filter, struct object *out) {
    static const struct attr_filter any = {.key = NULL};

    return store_take_object(store, ask_matching(arena, name, filter ? filter : &any), out);
}

enum rc store_lock_attrs(struct store *store, struct arena *arena, const char *name,
                         const struct attr_filter *filter, struct object *out) {
    pg_queue(store, STMT(LOCK_CHANGE), PG_ARGS(pg_texts(&name, 1)));
    return store_attrs_by_name(store, arena, name, filter, out);
}
