/* alloc.c: what allocation needs of the database: claims, free addresses and names, counters. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "store/objects.h"
#include "store/write.h"

/* Numbers taken from the counters and not used yet, by key: a refused allocation leaves its number
 * for the next one. */
#define MAX_KEY       256
#define MAX_RESERVED  64
#define RESERVE_TRIES 3

static struct {
    char key[MAX_KEY + 1];
    int32_t number;
    bool kept;
    uint64_t connection;
} reserved[MAX_RESERVED];

/* Its place, found or taken; when all are in use a number is forgotten. */
static size_t reserved_index(const char *key) {
    size_t i = 0;

    while (i < MAX_RESERVED - 1 && *reserved[i].key && strcmp(reserved[i].key, key) != 0)
        i++;
    if (strcmp(reserved[i].key, key) != 0) {
        snprintf(reserved[i].key, sizeof reserved[i].key, "%s", key);
        reserved[i].kept = false;
    }
    return i;
}

enum rc store_reserve_number(struct store *store, const char *key, int32_t *number) {
    size_t i = reserved_index(key);
    enum rc rc = RC_OK;
    const struct stmt_row *reserve =
        pg_has_extensions(store) ? STMT(RESERVE_BESIDE) : STMT(RESERVE_NUMBER);

    reserved[i].kept = reserved[i].kept && store_number_holds(store, key);
    /* two first users of a counter may race: the loser finds the winner's row the next time */
    for (int t = 0; t < RESERVE_TRIES && rc == RC_OK && !reserved[i].kept; t++) {
        PGresult *result;

        rc = pg_exec(store, &result, reserve, PG_ARGS(pg_text(key)));
        if (rc != RC_OK)
            return rc;
        if (pg_rows(result) > 0) {
            reserved[i].number = pg_get_int32(result, 0, 0);
            reserved[i].kept = true;
            reserved[i].connection = pg_connection(store);
        }
        PQclear(result);
    }
    *number = reserved[i].number;
    return reserved[i].kept ? RC_OK : RC_RETRY;
}

void store_number_used(struct store *store, const char *key) {
    (void)store;
    reserved[reserved_index(key)].kept = false;
}

bool store_number_holds(const struct store *store, const char *key) {
    return reserved[reserved_index(key)].connection == pg_connection(store);
}

/* One bigint of a statement's first row; RC_NOTFOUND without a row. */
static enum rc one_number(struct store *store, const struct stmt_row *row,
                          const struct pg_arg *args, size_t count, int64_t *out) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, row, args, count);

    return pg_take_int(rc, result, RC_NOTFOUND, out);
}

enum rc store_next_ip(struct store *store, int64_t from, int64_t last, int64_t *out) {
    return one_number(store, STMT(NEXT_IP), PG_ARGS(pg_bigint(from), pg_bigint(last)), out);
}

static void send_holder(struct store *store, const struct resource *r) {
    bool is_int = r->value.datatype == DATATYPE_INT;

    pg_send(store, is_int ? STMT(HOLDER_OF_INT) : STMT(HOLDER_OF_TEXT),
            PG_ARGS(pg_text(r->key), is_int ? pg_bigint(r->value.number) : pg_text(r->value.text),
                    pg_int(r->manager)));
}

enum rc store_claim(struct store *store, const struct resource *resource, bool wait,
                    struct claim *out) {
    const struct value *value = &resource->value;
    PGresult *lock = NULL, *held = NULL;
    struct pg_arg text = value->datatype == DATATYPE_INT ? pg_null() : pg_text(value->text);
    enum rc rc;

    pg_send(store, wait ? STMT(CLAIM) : STMT(TRY_CLAIM),
            PG_ARGS(pg_text(resource->key), text, pg_bigint(value->number)));
    send_holder(store, resource);
    rc = pg_next(store, &lock);
    if (rc == RC_OK)
        rc = pg_next(store, &held);
    if (rc == RC_OK) {
        out->holder = pg_rows(held) > 0 ? pg_get_int32(held, 0, 0) : 0;
        out->state = out->holder != 0 ? CLAIM_HELD : CLAIM_OURS;
        if (!wait && !pg_get_bool(lock, 0, 0))
            out->state = CLAIM_BUSY;
    }
    PQclear(lock);
    PQclear(held);
    return rc;
}

enum rc store_claim_number(struct store *store, const char *key, int32_t number, bool *taken) {
    PGresult *lock = NULL, *used = NULL;
    struct arena *scratch;
    enum rc rc;

    *taken = false;
    if (!pg_has_extensions(store))
        return RC_OK;
    scratch = arena_new();
    pg_send(store, STMT(TRY_CLAIM),
            PG_ARGS(pg_text(arena_printf(scratch, "%s#", key)), pg_null(), pg_bigint(number)));
    pg_send(store, STMT(NUMBER_TAKEN), PG_ARGS(pg_text(key), pg_int(number)));
    arena_free(&scratch);
    rc = pg_next(store, &lock);
    if (rc == RC_OK)
        rc = pg_next(store, &used);
    if (rc == RC_OK)
        *taken = !pg_get_bool(lock, 0, 0) || pg_get_bool(used, 0, 0);
    PQclear(lock);
    PQclear(used);
    if (*taken)
        store_number_used(store, key);
    return rc;
}

enum rc store_next_name(struct store *store, const struct name_series *series, const char *key,
                        int64_t *out) {
    struct pg_arg args[] = {pg_text(series->base), pg_bigint(series->from), pg_bigint(series->last),
                            pg_int(series->digits), pg_text(key)};

    return key ? one_number(store, STMT(NEXT_ATTR_NAME), args, 5, out)
               : one_number(store, STMT(NEXT_ENTITY_NAME), args, 4, out);
}

enum rc store_next_number(struct store *store, const struct resource *resource, int64_t from,
                          int64_t last, int64_t *out) {
    return one_number(store, STMT(NEXT_NUMBER),
                      PG_ARGS(pg_text(resource->key), pg_bigint(from), pg_bigint(last),
                              pg_int(resource->manager)),
                      out);
}

enum rc store_counter(struct store *store, int32_t entity, const char *key, int64_t *value) {
    return one_number(store, STMT(COUNTER), PG_ARGS(pg_int(entity), pg_text(key)), value);
}

enum rc store_set_counter(struct store *store, int32_t entity, const char *key, int64_t value) {
    int64_t one;
    enum rc rc = one_number(store, STMT(SET_COUNTER),
                            PG_ARGS(pg_int(entity), pg_text(key), pg_bigint(value)), &one);

    return rc == RC_NOTFOUND ? RC_RETRY : rc; /* another has just made it */
}

enum rc store_other_key(struct store *store, struct arena *arena, int32_t manager, const char *key,
                        const char **other) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(OTHER_KEY), PG_ARGS(pg_int(manager), pg_text(key)));

    *other = NULL;
    if (rc == RC_OK && pg_rows(result) > 0)
        *other = arena_strdup(arena, pg_get_text(result, 0, 0));
    PQclear(result);
    return rc;
}

enum rc store_set_last(struct store *store, int32_t entity, const char *key, int64_t value) {
    return pg_exec(store, NULL, STMT(SET_LAST),
                   PG_ARGS(pg_int(entity), pg_text(key), pg_bigint(value), pg_version(store)));
}

enum rc store_release(struct store *store, int32_t manager, int32_t entity, const char *key,
                      const struct value *value, bool *taken) {
    bool is_int = value && value->datatype == DATATYPE_INT;
    size_t found = 0;
    enum rc rc = store_delete_found(store, STMT(GIVEN),
                                    PG_ARGS(pg_int(manager), pg_int(entity), pg_text(key),
                                            is_int ? pg_bigint(value->number) : pg_null(),
                                            value && !is_int ? pg_text(value->text) : pg_null()),
                                    &found);

    *taken = found > 0;
    return rc;
}
