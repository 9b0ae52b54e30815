/* feed_prefs.c: events of preferences. */
#include "store/feed_span.h"

enum { PREFERENCE_SEQ, PREFERENCE_CONTAINER, PREFERENCE_REVISION };

static void read_rows(struct arena *arena, PGresult *r, struct feed_preferences *out) {
    pg_keep(arena, r);
    out->count = pg_rows(r);
    out->items = arena_array(arena, out->count + 1, sizeof *out->items);
    for (size_t i = 0; i < out->count; i++)
        out->items[i] =
            (struct feed_preference){.seq = pg_get_int(r, i, PREFERENCE_SEQ),
                                     .container = pg_get_text(r, i, PREFERENCE_CONTAINER),
                                     .deleted = pg_is_null(r, i, PREFERENCE_REVISION),
                                     .revision = pg_get_int(r, i, PREFERENCE_REVISION)};
}

enum rc store_feed_preferences(struct store *store, struct arena *arena, const char *user,
                               const struct feed_cursor *from, size_t limit,
                               struct feed_preferences *out) {
    PGresult *result;
    enum rc rc;

    *out = (struct feed_preferences){.items = NULL};
    feed_span_send(store, from);
    pg_send(store, STMT(FEED_PREFERENCES),
            PG_ARGS(pg_text(user), pg_bigint(from->point), feed_span_to(from), pg_bigint(from->seq),
                    pg_bigint((int64_t)limit + 1)));
    rc = feed_span_take(store, arena, from, &out->page);
    if (rc == RC_OK)
        rc = pg_next(store, &result);
    if (rc != RC_OK)
        return rc;
    read_rows(arena, result, out);
    if (out->page.state == FEED_LOST)
        out->count = 0;
    if (out->count > limit)
        feed_span_stop(&out->page, from, out->items[--out->count - 1].seq);
    return RC_OK;
}

enum rc store_feed_users(struct store *store, struct arena *arena, const struct feed_cursor *from,
                         const struct feed_cursor *to, const char *const **users, size_t *count) {
    PGresult *r;
    enum rc rc =
        pg_exec(store, &r, STMT(FEED_USERS), PG_ARGS(pg_bigint(from->point), pg_bigint(to->point)));

    if (rc != RC_OK)
        return rc;
    pg_keep(arena, r);
    *count = pg_rows(r);
    *users = pg_get_texts(arena, r, 0);
    return RC_OK;
}
