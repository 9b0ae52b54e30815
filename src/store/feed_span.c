/* feed_span.c: the batch that follows a cursor: is it there, and where does it end? */
#include "store/feed_span.h"

enum {
    SPAN_IS_KNOWN,
    SPAN_TO,
    SPAN_TO_NONCE,
    SPAN_LATEST,
    SPAN_LATEST_NONCE,
    SPAN_OLDEST,
    SPAN_OLDEST_NONCE,
    SPAN_MADE
};

static struct feed_cursor cursor_at(const PGresult *r, int column) {
    return (struct feed_cursor){.point = pg_get_int(r, 0, column),
                                .nonce = (uint32_t)pg_get_int(r, 0, column + 1)};
}

struct pg_arg feed_span_to(const struct feed_cursor *from) {
    return from->to > 0 ? pg_bigint(from->to) : pg_null();
}

void feed_span_send(struct store *store, const struct feed_cursor *from) {
    pg_send(store, STMT(FEED_SPAN),
            PG_ARGS(pg_bigint(from->point), feed_span_to(from), pg_int((int32_t)from->nonce)));
}

enum rc feed_span_take(struct store *store, struct arena *arena, const struct feed_cursor *from,
                       struct feed_page *out) {
    struct feed_cursor latest;
    PGresult *r;
    enum rc rc = pg_next(store, &r);

    if (rc != RC_OK)
        return rc;
    pg_keep(arena, r);
    if (pg_rows(r) == 0)
        return RC_UNREADY;
    latest = cursor_at(r, SPAN_LATEST);
    *out = (struct feed_page){.state = pg_get_bool(r, 0, SPAN_IS_KNOWN) ? FEED_OK : FEED_LOST,
                              .next = latest,
                              .oldest = cursor_at(r, SPAN_OLDEST),
                              .made = pg_get_text(r, 0, SPAN_MADE)};
    if (out->state == FEED_OK)
        out->next = pg_is_null(r, 0, SPAN_TO) ? *from : cursor_at(r, SPAN_TO);
    out->more = out->next.point < latest.point;
    return RC_OK;
}

void feed_span_stop(struct feed_page *page, const struct feed_cursor *from, int64_t seq) {
    page->next = feed_cursor_inside(from, &page->next, seq);
    page->more = true;
}
