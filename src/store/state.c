/* state.c: the state of an object: a hash of what its rows say. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "model/driver.h"
#include "store/objects.h"

enum { STATE_BYTES = 12 };

/* A row, and what it is sorted by: the database gives rows in any order. */
struct place {
    int32_t tag;
    int32_t attr;
    size_t row;
};

static int compare_places(const void *a, const void *b) {
    const struct place *x = a, *y = b;

    if (x->tag != y->tag)
        return x->tag - y->tag;
    return (x->attr > y->attr) - (x->attr < y->attr);
}

/* With its length, so that two fields can't be taken for two others; null has one of its own. */
static void add_field(const PGresult *result, size_t row, int column) {
    size_t n = (size_t)PQgetlength(result, (int)row, column); /* 0: null, or empty */
    bool null = n == 0 && pg_is_null(result, row, column);
    unsigned char length[] = {null, (unsigned char)(n >> 24), (unsigned char)(n >> 16),
                              (unsigned char)(n >> 8), (unsigned char)n};

    digest_add(length, sizeof length);
    digest_add(PQgetvalue(result, (int)row, column), n);
}

/* What an object of this driver is shown with. */
static void add_driver(const PGresult *result, size_t row) {
    const struct driver *driver =
        driver_of(pg_get_text(result, row, COLUMN_DRIVER), pg_get_text(result, row, COLUMN_TYPE));
    const unsigned char members[] = {driver->has_ips, driver->allocator != ALLOCATOR_NONE};

    digest_add(members, sizeof members);
}

static void add_row(const PGresult *result, size_t row) {
    for (int column = COLUMN_OWNER; column <= COLUMN_TYPE; column++)
        add_field(result, row, column);
    if (pg_get_int32(result, row, COLUMN_TAG) == TAG_ENTITY)
        add_driver(result, row);
}

static size_t find_places(const PGresult *result, int32_t owner, struct place *places) {
    size_t count = 0;

    for (size_t row = 0; row < pg_rows(result); row++)
        if (pg_get_int32(result, row, COLUMN_OWNER) == owner)
            places[count++] = (struct place){pg_get_int32(result, row, COLUMN_TAG),
                                             pg_get_int32(result, row, COLUMN_ATTR), row};
    return count;
}

bool objects_state(const PGresult *result, int32_t owner, char state[STORE_STATE_SIZE]) {
    struct place *places = malloc(pg_rows(result) * sizeof *places + 1);
    unsigned char hash[DIGEST_BYTES];
    size_t count;
    bool ok;

    state[0] = '\0';
    if (!places)
        return false;
    count = find_places(result, owner, places);
    qsort(places, count, sizeof *places, compare_places);
    digest_begin();
    for (size_t i = 0; i < count; i++)
        add_row(result, places[i].row);
    free(places);
    ok = digest_end(hash);
    if (ok)
        digest_base64url(hash, STATE_BYTES, state);
    return ok;
}

enum rc store_state(struct store *store, struct arena *arena, int32_t id,
                    char state[STORE_STATE_SIZE]) {
    struct pg_arg args[3] = {[2] = pg_ints(&id, NULL, 1)};
    PGresult *result;
    enum rc rc;

    objects_managers(arena, &args[0], &args[1]);
    rc = pg_exec(store, &result, STMT(OBJECTS_BY_IDS), args, 3);
    if (rc != RC_OK)
        return rc;
    if (pg_rows(result) == 0)
        rc = RC_NOTFOUND;
    else if (!objects_state(result, id, state))
        rc = RC_BUG;
    PQclear(result);
    return rc;
}
