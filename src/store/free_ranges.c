/* free_ranges.c: which addresses of a range nobody holds. */
#include "store/pg.h"
#include "store/write.h"

struct taker {
    store_range_row row;
    void *context;
};

static bool take(void *context, const PGresult *result) {
    const struct taker *taker = context;

    return taker->row(taker->context, pg_get_int(result, 0, 0), pg_get_int(result, 0, 1));
}

enum rc store_free_ranges(struct store *store, int64_t first, int64_t last, int64_t gateway,
                          store_range_row row, void *context) {
    struct taker taker = {row, context};

    pg_send(store, STMT(FREE_RANGES),
            PG_ARGS(pg_bigint(first), pg_bigint(last), pg_bigint(gateway)));
    return pg_stream(store, take, &taker);
}
