/* attr.c: attributes are added and deleted, many with one statement. */
#include <string.h>

#include "store/objects.h"
#include "store/write.h"

enum rc store_int_range(struct store *store, int64_t *minimum, int64_t *maximum) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(INT_IS_WIDE), PG_NONE);
    bool wide;

    if (rc != RC_OK)
        return rc;
    wide = pg_rows(result) > 0 && pg_get_bool(result, 0, 0);
    *minimum = wide ? INT64_MIN : INT32_MIN;
    *maximum = wide ? INT64_MAX : INT32_MAX;
    PQclear(result);
    return RC_OK;
}

/* Attributes as the columns of unnest(). */
struct columns {
    const char **keys, **subkeys, **datatypes, **strings, **datetimes;
    int32_t *numbers, *relations;
    int64_t *ints;
    bool *no_numbers, *no_relations, *no_ints;
};

static void fill_row(struct columns *c, size_t i, const struct attr *attr) {
    enum value_datatype datatype = attr->value.datatype;

    c->keys[i] = attr->key;
    c->subkeys[i] = attr->subkey;
    c->numbers[i] = attr->number;
    c->no_numbers[i] = !attr->has_number;
    c->datatypes[i] = value_datatype_name(datatype);
    c->ints[i] = attr->value.number;
    c->no_ints[i] = datatype != DATATYPE_INT;
    c->strings[i] =
        datatype == DATATYPE_STRING || datatype == DATATYPE_JSON ? attr->value.text : NULL;
    c->datetimes[i] = datatype == DATATYPE_DATETIME ? attr->value.text : NULL;
    c->relations[i] = attr->value.related_id;
    c->no_relations[i] = datatype != DATATYPE_RELATION;
}

static struct columns attr_columns(struct arena *arena, const struct attr *attrs, size_t count) {
    struct columns c = {.keys = arena_array(arena, count, sizeof *c.keys),
                        .subkeys = arena_array(arena, count, sizeof *c.subkeys),
                        .datatypes = arena_array(arena, count, sizeof *c.datatypes),
                        .strings = arena_array(arena, count, sizeof *c.strings),
                        .datetimes = arena_array(arena, count, sizeof *c.datetimes),
                        .numbers = arena_array(arena, count, sizeof *c.numbers),
                        .relations = arena_array(arena, count, sizeof *c.relations),
                        .ints = arena_array(arena, count, sizeof *c.ints),
                        .no_numbers = arena_array(arena, count, sizeof *c.no_numbers),
                        .no_relations = arena_array(arena, count, sizeof *c.no_relations),
                        .no_ints = arena_array(arena, count, sizeof *c.no_ints)};

    for (size_t i = 0; i < count; i++)
        fill_row(&c, i, &attrs[i]);
    return c;
}

void store_add_attrs(struct store *store, int32_t entity, const struct attr *attrs, size_t count) {
    struct arena *arena;
    struct columns c;

    if (count == 0)
        return;
    arena = arena_new();
    c = attr_columns(arena, attrs, count);
    pg_queue(store, STMT(ADD_ATTRS),
             PG_ARGS(pg_int(entity), pg_version(store), pg_texts(c.keys, count),
                     pg_texts(c.subkeys, count), pg_ints(c.numbers, c.no_numbers, count),
                     pg_texts(c.datatypes, count), pg_bigints(c.ints, c.no_ints, count),
                     pg_texts(c.strings, count), pg_texts(c.datetimes, count),
                     pg_ints(c.relations, c.no_relations, count)));
    arena_free(&arena);
}

/* Of an object alone: nothing is said of others, and it is not bookkeeping. */
static bool is_plain(const struct attr *attr) {
    return attr->value.datatype != DATATYPE_RELATION && attr->key[0] != '_';
}

static bool are_plain(const struct attr *const *gone, size_t gone_count, const struct attr *added,
                      size_t added_count) {
    for (size_t i = 0; i < gone_count; i++)
        if (!is_plain(gone[i]))
            return false;
    for (size_t i = 0; i < added_count; i++)
        if (!is_plain(&added[i]))
            return false;
    return true;
}

void store_replace_attrs(struct store *store, int32_t entity, const struct attr *const *gone,
                         size_t gone_count, const struct attr *added, size_t added_count) {
    struct arena *arena;
    struct columns c;
    int32_t *ids;

    if (added_count == 0)
        return;
    arena = arena_new();
    ids = arena_array(arena, gone_count, sizeof *ids);
    for (size_t i = 0; i < gone_count; i++)
        ids[i] = gone[i]->id;
    if (pg_versioning(store) && pg_has_extensions(store) &&
        are_plain(gone, gone_count, added, added_count)) {
        c = attr_columns(arena, added, added_count);
        pg_queue(
            store, STMT(REPLACE_ATTRS),
            PG_ARGS(pg_int(entity), pg_ints(ids, NULL, gone_count), pg_texts(c.keys, added_count),
                    pg_texts(c.subkeys, added_count), pg_ints(c.numbers, c.no_numbers, added_count),
                    pg_texts(c.datatypes, added_count), pg_bigints(c.ints, c.no_ints, added_count),
                    pg_texts(c.strings, added_count), pg_texts(c.datetimes, added_count)));
    } else {
        store_delete_attrs(store, ids, gone_count);
        store_add_attrs(store, entity, added, added_count);
    }
    arena_free(&arena);
}

void store_move_last(struct store *store, int32_t manager, int64_t last) {
    pg_queue(store, STMT(MOVE_LAST), PG_ARGS(pg_int(manager), pg_bigint(last)));
}

enum rc store_set_last(struct store *store, int32_t manager, int64_t last) {
    return pg_exec(store, NULL, STMT(SET_LAST),
                   PG_ARGS(pg_int(manager), pg_bigint(last), pg_version(store)));
}

void store_give(struct store *store, const struct giving *giving, const struct attr *rows,
                size_t count) {
    struct arena *arena;
    struct columns c;

    if (!pg_versioning(store) || !pg_has_extensions(store)) {
        if (giving->moves_last)
            store_move_last(store, giving->manager, giving->last);
        store_add_attrs(store, giving->object, rows, count);
        return;
    }
    arena = arena_new();
    c = attr_columns(arena, rows, count);
    pg_queue(store, STMT(GIVE),
             PG_ARGS(pg_int(giving->object), pg_int(giving->manager),
                     giving->moves_last ? pg_bigint(giving->last) : pg_null(), pg_text(rows[0].key),
                     pg_int(rows[0].number), pg_texts(c.subkeys, count),
                     pg_texts(c.datatypes, count), pg_bigints(c.ints, c.no_ints, count),
                     pg_texts(c.strings, count)));
    arena_free(&arena);
}

enum rc store_next_numbers(struct store *store, int32_t entity, const char *key, int32_t count,
                           int32_t *first) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(NEXT_NUMBERS),
                         PG_ARGS(pg_int(entity), pg_text(key), pg_int(count)));
    int64_t number = 0;

    rc = pg_take_int(rc, result, RC_RETRY, &number);
    *first = (int32_t)number;
    return rc;
}

void store_delete_attrs(struct store *store, const int32_t *ids, size_t count) {
    const struct stmt_row *row = pg_versioning(store) ? STMT(DELETE_ATTRS) : STMT(ERASE_ATTRS);

    if (count > 0)
        pg_queue(store, row, PG_ARGS(pg_ints(ids, NULL, count)));
}

enum rc store_delete_found(struct store *store, const struct stmt_row *row,
                           const struct pg_arg *args, size_t count, size_t *found) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, row, args, count);
    struct arena *arena;

    if (rc != RC_OK)
        return rc;
    *found = pg_rows(result);
    arena = arena_new();
    store_delete_attrs(store, pg_get_int32s(arena, result, 0), *found);
    PQclear(result);
    arena_free(&arena);
    return RC_OK;
}
