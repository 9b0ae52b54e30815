/* references.c: the attributes that refer to an object. */
#include "store/pg.h"

enum {
    REFERENCE_TOTAL,
    REFERENCE_ID,
    REFERENCE_KEY,
    REFERENCE_SUBKEY,
    REFERENCE_NUMBER,
    REFERENCE_OWNER,
    REFERENCE_NAME,
    REFERENCE_DRIVER,
    REFERENCE_TYPE
};

struct taker {
    struct list_extent *extent;
    store_reference_row row;
    void *context;
};

static bool give(const struct taker *t, const PGresult *result, size_t row) {
    const struct reference reference = {
        .owner = {.id = pg_get_int32(result, row, REFERENCE_OWNER),
                  .name = pg_get_text(result, row, REFERENCE_NAME),
                  .driver = pg_get_text(result, row, REFERENCE_DRIVER),
                  .type = pg_get_text(result, row, REFERENCE_TYPE)},
        .key = pg_get_text(result, row, REFERENCE_KEY),
        .subkey = pg_get_text(result, row, REFERENCE_SUBKEY),
        .has_number = !pg_is_null(result, row, REFERENCE_NUMBER),
        .number = pg_get_int32(result, row, REFERENCE_NUMBER)};

    return t->row(t->context, &reference);
}

static bool take(void *context, const PGresult *result) {
    const struct taker *t = context;

    if (pg_is_null(result, 0, REFERENCE_TOTAL))
        return give(t, result, 0);
    t->extent->total = pg_get_int(result, 0, REFERENCE_TOTAL);
    return true;
}

/* A page after an id is small enough to be read whole before its first row is returned. */
static enum rc take_page(struct store *store, int64_t limit, const struct taker *t) {
    PGresult *result;
    enum rc rc = pg_next(store, &result);
    size_t rows;

    if (rc != RC_OK)
        return rc;
    rows = pg_page_rows(result, 0, limit, REFERENCE_ID, &t->extent->next);
    for (size_t row = 0; row < rows && rc == RC_OK; row++)
        if (!give(t, result, row))
            rc = RC_GONE;
    PQclear(result);
    return rc;
}

enum rc store_list_references(struct store *store, const struct references *wanted,
                              struct list_extent *extent, store_reference_row row, void *context) {
    struct taker taker = {extent, row, context};

    /* one more than a page tells whether there is another */
    pg_send(store, STMT(REFERENCES),
            PG_ARGS(wanted->page.limit > 0 ? pg_bigint(wanted->page.limit + wanted->page.keyset)
                                           : pg_null(),
                    pg_bigint(wanted->page.offset),
                    pg_bool(wanted->page.limit > 0 && !wanted->page.keyset),
                    pg_int(wanted->page.keyset ? wanted->page.after : 0), pg_int(wanted->object),
                    pg_text(wanted->key), pg_text(wanted->subkey)));
    return wanted->page.keyset ? take_page(store, wanted->page.limit, &taker)
                               : pg_stream(store, take, &taker);
}
