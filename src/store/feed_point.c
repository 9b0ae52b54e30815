/* feed_point.c: points of the feed: made, found, pruned; a database that was restored elsewhere. */
#include <string.h>

#include "store/feed.h"
#include "store/pg.h"

/* Another maker's point may be older than what this one is to show; the next one after it, whoever
 * makes it, was begun after it was committed, and so after the call. */
enum { ATTEMPTS = 5 };

/* Milliseconds after which there is another point, even if nobody reads. */
enum { MAX_AGE = 50000 };

enum {
    POINT_NUMBER,
    POINT_NONCE,
    POINT_MADE,
    POINT_WATCH,
    POINT_IS_REPLICATED,
    POINT_IS_BEHIND /* one is due, which was not made, or another maker was faster */
};

static const char *reason(const PGresult *r) {
    const char *watch = pg_get_text(r, 0, POINT_WATCH);

    if (*watch != '!' || pg_get_bool(r, 0, POINT_IS_REPLICATED))
        return NULL;
    if (strcmp(watch, "!subscription") == 0)
        return "a subscription writes to the tables, which fires no triggers";
    return "triggers are missing or not always on; muster --init-db makes them again";
}

static enum rc take(struct arena *arena, PGresult *r, struct feed_status *out) {
    pg_keep(arena, r);
    if (pg_rows(r) == 0) /* --init-db did not come to its end */
        return RC_UNREADY;
    out->latest = (struct feed_cursor){.point = pg_get_int(r, 0, POINT_NUMBER),
                                       .nonce = (uint32_t)pg_get_int(r, 0, POINT_NONCE)};
    out->made = pg_get_text(r, 0, POINT_MADE);
    out->blind = reason(r);
    out->behind = pg_get_bool(r, 0, POINT_IS_BEHIND) && !pg_get_bool(r, 0, POINT_IS_REPLICATED);
    return RC_OK;
}

enum rc store_feed_latest(struct store *store, struct arena *arena, struct feed_status *out) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(FEED_LATEST), PG_NONE);

    *out = (struct feed_status){0};
    return rc == RC_OK ? take(arena, result, out) : rc;
}

/* If the latest is older than `age` milliseconds. */
static enum rc make(struct store *store, struct arena *arena, int64_t age,
                    struct feed_status *out) {
    PGresult *result;
    enum rc rc = pg_exec_write(store, &result, STMT(FEED_MAKE), PG_ARGS(pg_bigint(age)));

    if (rc == RC_UNKNOWN) /* it can be made again */
        return RC_BROKEN;
    return rc == RC_OK ? take(arena, result, out) : rc;
}

enum rc store_feed_make(struct store *store, struct arena *arena, struct feed_status *out) {
    enum rc rc = store_connect(store);

    *out = (struct feed_status){.behind = true};
    for (int i = 0; rc == RC_OK && out->behind && i < ATTEMPTS; i++) {
        if (store_is_standby(store))
            return store_feed_latest(store, arena, out);
        rc = make(store, arena, 0, out);
    }
    out->behind = false;
    if (rc == RC_READONLY || (rc == RC_OK && out->blind))
        return store_feed_latest(store, arena, out);
    return rc;
}

/* --- pruning */

static enum rc prune(struct store *store, const struct stmt_row *row, const struct pg_arg *args,
                     size_t count, bool *more) {
    PGresult *result;
    enum rc rc = pg_exec_write(store, &result, row, args, count);

    if (rc == RC_OK)
        *more = *more || pg_affected(result) == FEED_PRUNE_ROWS;
    PQclear(result);
    return rc;
}

enum rc store_feed_prune(struct store *store, struct arena *arena, int64_t keep, bool *more) {
    struct feed_status status;
    enum rc rc = make(store, arena, MAX_AGE, &status);

    *more = false;
    if (rc != RC_OK || status.blind)
        return rc;
    rc = prune(store, STMT(FEED_PRUNE_POINTS), PG_ARGS(pg_bigint(keep), pg_bigint(FEED_PRUNE_ROWS)),
               more);
    if (rc == RC_OK)
        rc = prune(store, STMT(FEED_PRUNE_CHANGES), PG_ARGS(pg_bigint(FEED_PRUNE_ROWS)), more);
    return rc;
}
