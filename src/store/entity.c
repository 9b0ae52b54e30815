/* entity.c: objects are locked, created, deleted. */
#include "store/objects.h"
#include "store/write.h"

enum rc store_lock(struct store *store, struct arena *arena, const char *const *names, size_t count,
                   enum lock lock, struct ref *out) {
    static const struct stmt_row *const rows[] = {[LOCK_REFER] = STMT(LOCK_REFER),
                                                  [LOCK_CHANGE] = STMT(LOCK_CHANGE),
                                                  [LOCK_DELETE] = STMT(LOCK_DELETE)};
    PGresult *result;
    enum rc rc;

    /* A transaction that ensures that these names exist must find them until its end. */
    if (lock == LOCK_DELETE)
        pg_queue(store, STMT(LOCK_NAMES), PG_ARGS(pg_texts(names, count)));
    rc = pg_exec(store, &result, rows[lock], PG_ARGS(pg_texts(names, count)));
    if (rc != RC_OK)
        return rc;
    objects_take_refs(arena, result, names, count, out);
    return RC_OK;
}

enum rc store_lock_one(struct store *store, struct arena *arena, const char *name, enum lock lock,
                       struct ref *out) {
    enum rc rc = store_lock(store, arena, &name, 1, lock, out);

    if (rc == RC_OK && out->id == 0)
        return RC_NOTFOUND;
    return rc;
}

enum rc store_lock_ahead(struct store *store, struct arena *arena, const struct lock_ahead *items,
                         size_t count) {
    const char **names = arena_array(arena, count, sizeof *names);
    const char **entities = arena_array(arena, count, sizeof *entities);
    int32_t *locks = arena_array(arena, count, sizeof *locks);
    size_t name_count = 0, entity_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (items[i].lock == LOCK_DELETE || items[i].lock == LOCK_NAME)
            names[name_count++] = items[i].name;
        if (items[i].lock == LOCK_NAME)
            continue;
        entities[entity_count] = items[i].name;
        locks[entity_count++] = (int32_t)items[i].lock;
    }
    if (name_count > 0)
        pg_queue(store, STMT(LOCK_NAMES), PG_ARGS(pg_texts(names, name_count)));
    if (entity_count > 0)
        return pg_exec(
            store, NULL, STMT(LOCK_AHEAD),
            PG_ARGS(pg_texts(entities, entity_count), pg_ints(locks, NULL, entity_count)));
    return RC_OK;
}

/* The columns of the attributes that a new object gets. */
struct columns {
    const char **keys, **subkeys, **datatypes, **texts;
    int64_t *numbers;
    bool *no_numbers;
};

static struct columns property_columns(struct arena *arena, const struct attrs *attrs) {
    size_t count = attrs->count;
    struct columns c = {.keys = arena_array(arena, count + 1, sizeof *c.keys),
                        .subkeys = arena_array(arena, count + 1, sizeof *c.subkeys),
                        .datatypes = arena_array(arena, count + 1, sizeof *c.datatypes),
                        .texts = arena_array(arena, count + 1, sizeof *c.texts),
                        .numbers = arena_array(arena, count + 1, sizeof *c.numbers),
                        .no_numbers = arena_array(arena, count + 1, sizeof *c.no_numbers)};

    for (size_t i = 0; i < count; i++) {
        const struct attr *attr = &attrs->items[i];

        c.keys[i] = attr->key;
        c.subkeys[i] = attr->subkey;
        c.datatypes[i] = value_datatype_name(attr->value.datatype);
        c.no_numbers[i] = attr->value.datatype != DATATYPE_INT;
        c.numbers[i] = attr->value.number;
        c.texts[i] = c.no_numbers[i] ? attr->value.text : NULL;
    }
    return c;
}

/* out[i].id 0: names[i] exists. */
static enum rc create_missing(struct store *store, struct arena *arena, const struct creation *new,
                              struct ref *out) {
    struct columns c = property_columns(arena, &new->attrs);
    size_t count = new->attrs.count;
    PGresult *result;
    enum rc rc =
        pg_exec(store, &result, STMT(CREATE),
                PG_ARGS(pg_texts(new->names, new->count), pg_text(new->driver->type),
                        pg_text(new->driver->name), pg_version(store), pg_texts(c.keys, count),
                        pg_texts(c.subkeys, count), pg_texts(c.datatypes, count),
                        pg_bigints(c.numbers, c.no_numbers, count), pg_texts(c.texts, count)));

    if (rc == RC_OK)
        objects_take_refs(arena, result, new->names, new->count, out);
    return rc;
}

enum rc store_create(struct store *store, struct arena *arena, const struct creation *creation,
                     struct ref *out, bool *created) {
    const char *const *names = creation->names;
    size_t count = creation->count;
    struct ref *fresh = arena_array(arena, count, sizeof *fresh);
    bool missing = false;
    enum rc rc;

    pg_queue(store, STMT(LOCK_NAMES), PG_ARGS(pg_texts(names, count)));
    rc = store_refs_by_names(store, arena, names, count, out, NULL);
    for (size_t i = 0; rc == RC_OK && i < count; i++) {
        created[i] = out[i].id == 0;
        missing = missing || created[i];
    }
    if (rc != RC_OK || !missing)
        return rc;
    rc = create_missing(store, arena, creation, fresh);
    for (size_t i = 0; rc == RC_OK && i < count; i++) {
        if (created[i]) {
            out[i] = fresh[i];
            rc = fresh[i].id == 0 ? RC_RETRY : RC_OK; /* made meanwhile without our locks */
        }
    }
    return rc;
}

enum rc store_convert(struct store *store, int32_t id, const struct ref *to) {
    return pg_exec(store, NULL, STMT(CONVERT_ENTITY),
                   PG_ARGS(pg_int(id), pg_text(to->name), pg_text(to->driver), pg_text(to->type)));
}

enum rc store_delete_entity(struct store *store, int32_t id, const char *resource_key) {
    bool keep = pg_versioning(store);

    if (resource_key)
        pg_queue(store, STMT(LOCK_OWNERS), PG_ARGS(pg_int(id), pg_text(resource_key)));
    pg_queue(store, keep ? STMT(DELETE_REFERENCES) : STMT(ERASE_REFERENCES),
             PG_ARGS(pg_int(id), pg_text(resource_key)));
    pg_queue(store, STMT(DELETE_COUNTERS), PG_ARGS(pg_int(id)));
    return pg_exec(store, NULL, keep ? STMT(DELETE_ENTITY) : STMT(ERASE_ENTITY),
                   PG_ARGS(pg_int(id)));
}
