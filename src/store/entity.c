/* entity.c: objects are locked, created, deleted. */
#include <stdlib.h>
#include <string.h>

#include "store/objects.h"
#include "store/write.h"

enum rc store_lock(struct store *store, struct arena *arena, const char *const *names, size_t count,
                   enum lock lock, struct ref *out) {
    static const enum stmt stmts[] = {[LOCK_REFER] = STMT_LOCK_REFER,
                                      [LOCK_CHANGE] = STMT_LOCK_CHANGE,
                                      [LOCK_DELETE] = STMT_LOCK_DELETE};
    PGresult *result;
    enum rc rc;

    /* Who makes sure that these names exist must find them until his end. */
    if (lock == LOCK_DELETE)
        pg_queue(store, STMT_LOCK_NAMES, PG_ARGS(pg_texts(names, count)));
    rc = pg_exec(store, &result, stmts[lock], PG_ARGS(pg_texts(names, count)));
    if (rc != RC_OK)
        return rc;
    refs_take(arena, result, names, count, out);
    return RC_OK;
}

enum rc store_lock_one(struct store *store, struct arena *arena, const char *name, enum lock lock,
                       struct ref *out) {
    enum rc rc = store_lock(store, arena, &name, 1, lock, out);

    if (rc == RC_OK && out->id == 0)
        return RC_NOTFOUND;
    return rc;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* created[i]: is names[i] among the result's names? */
static void find_created(struct arena *arena, const PGresult *result, const char *const *names,
                         size_t count, bool *created) {
    size_t rows = pg_rows(result);
    const char **sorted = arena_array(arena, rows + 1, sizeof *sorted);

    for (size_t row = 0; row < rows; row++)
        sorted[row] = pg_get_text(result, row, 0);
    qsort(sorted, rows, sizeof *sorted, compare_names);
    for (size_t i = 0; i < count; i++)
        created[i] = bsearch(&names[i], sorted, rows, sizeof *sorted, compare_names) != NULL;
}

/* The columns of the attributes that a new object gets. */
struct columns {
    const char **keys, **subkeys, **datatypes, **texts;
    int64_t *numbers;
    bool *no_numbers;
};

static struct columns property_columns(struct arena *arena, const struct attr *attrs,
                                       size_t count) {
    struct columns c = {.keys = arena_array(arena, count + 1, sizeof *c.keys),
                        .subkeys = arena_array(arena, count + 1, sizeof *c.subkeys),
                        .datatypes = arena_array(arena, count + 1, sizeof *c.datatypes),
                        .texts = arena_array(arena, count + 1, sizeof *c.texts),
                        .numbers = arena_array(arena, count + 1, sizeof *c.numbers),
                        .no_numbers = arena_array(arena, count + 1, sizeof *c.no_numbers)};

    for (size_t i = 0; i < count; i++) {
        bool is_int = attrs[i].value.datatype == DATATYPE_INT;

        c.keys[i] = attrs[i].key;
        c.subkeys[i] = attrs[i].subkey;
        c.datatypes[i] = value_datatype_name(attrs[i].value.datatype);
        c.texts[i] = is_int ? NULL : attrs[i].value.text;
        c.numbers[i] = attrs[i].value.number;
        c.no_numbers[i] = !is_int;
    }
    return c;
}

enum rc store_create(struct store *store, struct arena *arena, const char *driver, const char *type,
                     const char *const *names, size_t count, const struct attr *attrs,
                     size_t attr_count, struct ref *out, bool *created) {
    struct columns c = property_columns(arena, attrs, attr_count);
    PGresult *result;
    enum rc rc;

    pg_queue(store, STMT_LOCK_NAMES, PG_ARGS(pg_texts(names, count)));
    rc = pg_exec(store, &result, STMT_CREATE,
                 PG_ARGS(pg_texts(names, count), pg_text(type), pg_text(driver), pg_version(store),
                         pg_texts(c.keys, attr_count), pg_texts(c.subkeys, attr_count),
                         pg_texts(c.datatypes, attr_count),
                         pg_bigints(c.numbers, c.no_numbers, attr_count),
                         pg_texts(c.texts, attr_count)));
    if (rc != RC_OK)
        return rc;
    pg_keep(arena, result);
    rc = store_refs_by_names(store, arena, names, count, out);
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        if (out[i].id == 0)
            rc = RC_RETRY; /* somebody without our locks deleted it in between */
    if (rc == RC_OK)
        find_created(arena, result, names, count, created);
    return rc;
}

enum rc store_delete_entity(struct store *store, int32_t id, const char *resource_key) {
    if (pg_versioning(store)) {
        pg_queue(store, STMT_DELETE_REFERENCES, PG_ARGS(pg_int(id), pg_text(resource_key)));
        pg_queue(store, STMT_DELETE_COUNTERS, PG_ARGS(pg_int(id)));
        return pg_exec(store, NULL, STMT_DELETE_ENTITY, PG_ARGS(pg_int(id)));
    }
    pg_queue(store, STMT_ERASE_REFERENCES, PG_ARGS(pg_int(id), pg_text(resource_key)));
    pg_queue(store, STMT_DELETE_COUNTERS, PG_ARGS(pg_int(id)));
    return pg_exec(store, NULL, STMT_ERASE_ENTITY, PG_ARGS(pg_int(id)));
}
