/* alloc.c: what allocation needs of the database: claims, free addresses and names, counters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/objects.h"
#include "store/write.h"

/* Numbers taken from the counters and not used yet, by key, the first to be used first: a refused
 * allocation leaves its number for the next one. */
#define MAX_KEY       256
#define MAX_KEYS      64
#define RESERVE_TRIES 3

/* How many are taken at once where each lasts for less than so many milliseconds. */
#define MAX_BLOCK 16
#define SOON      50

enum { IP_ADDRESS, IP_MET, IP_NUMBER };

static struct reserved {
    char key[MAX_KEY + 1];
    int32_t *numbers;
    size_t count, capacity;
    uint64_t connection;
    int64_t at; /* when the last ones were taken, and how many */
    size_t block;
    bool missed; /* there was none when one was wanted */
} reserved[MAX_KEYS];

/* Those of a key, found or made; when all are in use some are forgotten. */
static struct reserved *find_reserved(const char *key) {
    struct reserved *r = reserved;

    while (r < reserved + MAX_KEYS - 1 && *r->key && strcmp(r->key, key) != 0)
        r++;
    if (strcmp(r->key, key) != 0) {
        snprintf(r->key, sizeof r->key, "%s", key);
        r->count = 0;
        r->block = 0;
    }
    return r;
}

static void add_number(struct reserved *r, int32_t number) {
    if (r->count == r->capacity) {
        r->capacity = r->capacity * 2 + 4;
        r->numbers = realloc(r->numbers, r->capacity * sizeof *r->numbers);
        if (!r->numbers)
            log_fatal("out of memory");
    }
    r->numbers[r->count++] = number;
}

/* Takes the next numbers. Two first users of a counter may race: the loser takes nothing, and finds
 * the winner's row the next time. */
static enum rc reserve(struct store *store, struct reserved *r, size_t count) {
    PGresult *result;
    enum rc rc = pg_has_extensions(store)
                     ? pg_exec(store, &result, STMT(RESERVE_BESIDE),
                               PG_ARGS(pg_text(r->key), pg_int((int32_t)count)))
                     : pg_exec(store, &result, STMT(RESERVE_NUMBER), PG_ARGS(pg_text(r->key)));
    size_t taken = pg_has_extensions(store) ? count : 1;

    if (rc != RC_OK)
        return rc;
    if (pg_rows(result) > 0) {
        for (size_t i = 0; i < taken; i++)
            add_number(r, pg_get_int32(result, 0, 0) + (int32_t)i);
        r->connection = pg_connection(store);
    }
    PQclear(result);
    return RC_OK;
}

/* More at once the sooner they are used up, so that many allocations rarely ask for numbers, and a
 * few have those that follow each other. */
static size_t next_block(struct reserved *r) {
    int64_t now = clock_ms();
    bool soon = r->block > 0 && now - r->at < SOON * (int64_t)r->block;

    r->at = now;
    r->block = !soon ? 1 : r->block < MAX_BLOCK ? r->block * 2 : MAX_BLOCK;
    return r->block;
}

enum rc store_reserve_numbers(struct store *store, const char *key, size_t count) {
    struct reserved *r = find_reserved(key);
    enum rc rc = RC_OK;
    size_t block;

    if (r->connection != pg_connection(store))
        r->count = 0;
    if (r->count >= count)
        return RC_OK;
    block = next_block(r);
    for (size_t t = r->count; t < count + RESERVE_TRIES - 1 && rc == RC_OK && r->count < count; t++)
        rc = reserve(store, r, count - r->count > block ? count - r->count : block);
    if (rc == RC_OK && r->count < count)
        return RC_RETRY;
    return rc;
}

enum rc store_reserve_missed(struct store *store, size_t count) {
    enum rc rc = RC_OK;

    for (struct reserved *r = reserved; r < reserved + MAX_KEYS && rc == RC_OK; r++)
        if (r->missed)
            rc = store_reserve_numbers(store, r->key, count);
    return rc;
}

bool store_reserved_number(struct store *store, const char *key, int32_t *number) {
    struct reserved *r = find_reserved(key);

    r->missed = r->count == 0 || r->connection != pg_connection(store);
    if (!r->missed)
        *number = r->numbers[0];
    return !r->missed;
}

void store_number_used(const char *key) {
    struct reserved *r = find_reserved(key);

    if (r->count > 0)
        memmove(r->numbers, r->numbers + 1, --r->count * sizeof *r->numbers);
}

/* One bigint of a statement's first row; RC_NOTFOUND without a row. */
static enum rc one_number(struct store *store, const struct stmt_row *row,
                          const struct pg_arg *args, size_t count, int64_t *out) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, row, args, count);

    return pg_take_int(rc, result, RC_NOTFOUND, out);
}

/* The results of two statements; of neither if one failed. */
static enum rc next_two(struct store *store, PGresult **first, PGresult **second) {
    enum rc rc = pg_next(store, first);

    if (rc == RC_OK) {
        rc = pg_next(store, second);
        if (rc != RC_OK)
            PQclear(*first);
    }
    return rc;
}

/* The number is asked for after the claim was granted: what was committed before is seen then. */
static void send_number_taken(struct store *store, const char *key, int32_t number) {
    pg_send(store, STMT(NUMBER_TAKEN), PG_ARGS(pg_text(key), pg_int(number)));
}

static enum rc check_ip(const PGresult *ip, const PGresult *used, bool *number_taken) {
    *number_taken = false;
    if (pg_is_null(ip, 0, IP_ADDRESS))
        return pg_get_bool(ip, 0, IP_MET) ? RC_RETRY : RC_NOTFOUND;
    *number_taken = !pg_get_bool(ip, 0, IP_NUMBER) || pg_get_bool(used, 0, 0);
    return *number_taken ? RC_RETRY : RC_OK;
}

enum rc store_claim_ip(struct store *store, const struct ip_range *range, const char *key,
                       int32_t number, int64_t *out) {
    PGresult *ip, *used;
    bool number_taken;
    enum rc rc;

    pg_send(store, STMT(TAKE_IP),
            PG_ARGS(pg_bigint(range->from), pg_bigint(range->last), pg_bigint(range->without),
                    pg_text(key), pg_int(number)));
    send_number_taken(store, key, number);
    rc = next_two(store, &ip, &used);
    if (rc != RC_OK)
        return rc;
    rc = check_ip(ip, used, &number_taken);
    if (rc == RC_OK)
        *out = pg_get_int(ip, 0, IP_ADDRESS);
    if (number_taken)
        store_number_used(key);
    PQclear(ip);
    PQclear(used);
    return rc;
}

static void send_holder(struct store *store, const struct resource *r) {
    bool is_int = r->value.datatype == DATATYPE_INT;

    pg_send(store, is_int ? STMT(HOLDER_OF_INT) : STMT(HOLDER_OF_TEXT),
            PG_ARGS(pg_text(r->key), is_int ? pg_bigint(r->value.number) : pg_text(r->value.text),
                    pg_int(r->manager)));
}

/* Null where its number says it. */
static struct pg_arg text_of(const struct value *value) {
    return value->datatype == DATATYPE_INT ? pg_null() : pg_text(value->text);
}

enum rc store_claim(struct store *store, const struct resource *resource, bool wait,
                    struct claim *out) {
    const struct value *value = &resource->value;
    PGresult *lock, *held;
    enum rc rc;

    pg_send(store, wait ? STMT(CLAIM) : STMT(TRY_CLAIM),
            PG_ARGS(pg_text(resource->key), text_of(value), pg_bigint(value->number)));
    send_holder(store, resource);
    rc = next_two(store, &lock, &held);
    if (rc != RC_OK)
        return rc;
    out->holder = pg_rows(held) > 0 ? pg_get_int32(held, 0, 0) : 0;
    out->state = out->holder != 0 ? CLAIM_HELD : CLAIM_OURS;
    if (!wait && !pg_get_bool(lock, 0, 0))
        out->state = CLAIM_BUSY;
    PQclear(lock);
    PQclear(held);
    return RC_OK;
}

enum rc store_claim_number(struct store *store, const struct resource *resource, int32_t number,
                           bool *taken) {
    PGresult *lock, *used;
    enum rc rc;

    *taken = false;
    if (!pg_has_extensions(store))
        return RC_OK;
    pg_send(store, STMT(CLAIM_NUMBER),
            PG_ARGS(pg_text(resource->key), text_of(&resource->value),
                    pg_bigint(resource->value.number), pg_int(number)));
    send_number_taken(store, resource->key, number);
    rc = next_two(store, &lock, &used);
    if (rc != RC_OK)
        return rc;
    *taken = !pg_get_bool(lock, 0, 0) || pg_get_bool(used, 0, 0);
    PQclear(lock);
    PQclear(used);
    if (*taken)
        store_number_used(resource->key);
    return RC_OK;
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

enum rc store_lock_manager(struct store *store, struct arena *arena, const char *const *names,
                           size_t count, struct ref *refs, struct object *manager) {
    PGresult *locked, *attrs;
    enum rc rc;

    pg_send(store, STMT(LOCK_CHANGE), PG_ARGS(pg_texts(names, count)));
    pg_send(store, STMT(PLAIN_ATTRS), PG_ARGS(pg_text(names[0])));
    rc = next_two(store, &locked, &attrs);
    if (rc != RC_OK)
        return rc;
    objects_take_refs(arena, locked, names, count, refs);
    *manager = (struct object){.ref = refs[0]};
    manager->attrs = arena_array(arena, pg_rows(attrs), sizeof *manager->attrs);
    for (size_t i = 0; i < pg_rows(attrs); i++)
        manager->attrs[manager->attr_count++] = objects_read_attr(arena, attrs, i);
    PQclear(attrs);
    return RC_OK;
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
