/* feed.c: events of the feed: the batch that follows a cursor, page by page. */
#include "store/feed.h"

#include <string.h>

#include "store/feed_span.h"
#include "store/objects.h"

/* After those of objects.h. */
enum {
    EVENT_SEQ = COLUMN_TYPE + 1,
    EVENT_CHANGE,
    EVENT_NAME,
    EVENT_DRIVER,
    EVENT_TYPE,
    EVENT_ERASED,
    EVENT_WAS,
    EVENT_VERSION,
    EVENT_TIME,
    EVENT_USER,
    EVENT_DESCRIPTION,
    EVENT_ADDED
};

/* Of an object whose row was deleted there is "/driver/name" only. */
static void read_erased(struct arena *arena, const char *path, struct ref *ref) {
    size_t driver = path ? strcspn(path + 1, "/") : 0;

    if (!path)
        return;
    ref->driver = arena_strndup(arena, path + 1, driver);
    ref->name = path + driver + 2;
}

static void read_event(struct arena *arena, const PGresult *r, size_t row, struct feed_event *out) {
    int32_t change = pg_get_int32(r, row, EVENT_CHANGE);

    *out = (struct feed_event){.seq = pg_get_int(r, row, EVENT_SEQ),
                               .change = (enum feed_change)change,
                               .ref = {.id = pg_get_int32(r, row, COLUMN_OWNER),
                                       .name = pg_get_text(r, row, EVENT_NAME),
                                       .driver = pg_get_text(r, row, EVENT_DRIVER),
                                       .type = pg_get_text(r, row, EVENT_TYPE)},
                               .was = pg_get_text(r, row, EVENT_WAS),
                               .version = pg_get_int32(r, row, EVENT_VERSION),
                               .time = pg_get_text(r, row, EVENT_TIME),
                               .user = pg_get_text(r, row, EVENT_USER),
                               .description = pg_get_text(r, row, EVENT_DESCRIPTION)};
    out->erased = !out->ref.name;
    if (out->erased)
        read_erased(arena, pg_get_text(r, row, EVENT_ERASED), &out->ref);
}

/* Rows of the event that begins at `row`. */
static size_t rows_of(const PGresult *r, size_t row) {
    int64_t seq = pg_get_int(r, row, EVENT_SEQ);
    size_t end = row + 1;

    while (end < pg_rows(r) && pg_get_int(r, end, EVENT_SEQ) == seq)
        end++;
    return end - row;
}

static void read_attrs(struct arena *arena, const PGresult *r, size_t row, size_t count,
                       struct feed_event *out) {
    if (pg_is_null(r, row, COLUMN_ATTR))
        return;
    out->attrs = arena_array(arena, count, sizeof *out->attrs);
    out->attr_count = count;
    for (size_t i = 0; i < count; i++) {
        out->attrs[i].added = pg_get_bool(r, row + i, EVENT_ADDED);
        out->attrs[i].attr = objects_read_attr(arena, r, row + i);
    }
}

static void read_events(struct arena *arena, PGresult *r, struct feed_events *out) {
    size_t rows = pg_rows(r), count = 0;

    pg_keep(arena, r);
    for (size_t row = 0; row < rows; row += rows_of(r, row))
        count++;
    out->items = arena_array(arena, count + 1, sizeof *out->items);
    for (size_t row = 0; row < rows;) {
        struct feed_event *event = &out->items[out->count++];
        size_t n = rows_of(r, row);

        read_event(arena, r, row, event);
        read_attrs(arena, r, row, n, event);
        row += n;
    }
}

/* Rows: the number of the event from 1 on, container, before, after; in the order of the events. */
static void take_containers(struct arena *arena, PGresult *r, struct feed_events *events) {
    size_t rows = pg_rows(r);
    struct feed_container *all = arena_array(arena, rows + 1, sizeof *all);

    for (size_t i = 0; i < rows; i++) {
        struct feed_event *event = &events->items[pg_get_int(r, i, 0) - 1];

        all[i] = (struct feed_container){.id = pg_get_int32(r, i, 1),
                                         .before = pg_get_bool(r, i, 2),
                                         .after = pg_get_bool(r, i, 3)};
        if (event->container_count++ == 0)
            event->containers = &all[i];
    }
    PQclear(r);
}

static enum rc read_containers(struct store *store, struct arena *arena,
                               struct feed_events *events) {
    size_t n = events->count;
    int32_t *ids = arena_array(arena, n + 1, sizeof *ids);
    int32_t *versions = arena_array(arena, n + 1, sizeof *versions);
    bool *unknown = arena_array(arena, n + 1, sizeof *unknown);
    PGresult *result;
    enum rc rc;

    for (size_t i = 0; i < n; i++) {
        ids[i] = events->items[i].ref.id;
        versions[i] = events->items[i].version;
        unknown[i] = versions[i] == 0;
    }
    rc = pg_exec(store, &result, STMT(FEED_CONTAINERS),
                 PG_ARGS(pg_ints(ids, NULL, n), pg_ints(versions, unknown, n)));
    if (rc == RC_OK)
        take_containers(arena, result, events);
    return rc;
}

enum rc store_feed_read(struct store *store, struct arena *arena, const struct feed_wanted *wanted,
                        struct feed_events *out) {
    const struct feed_cursor *from = &wanted->from;
    const struct stmt_row *row = wanted->attrs ? STMT(FEED_EVENTS) : STMT(FEED_EVENTS_ALONE);
    PGresult *result;
    enum rc rc;

    *out = (struct feed_events){.items = NULL};
    feed_span_send(store, from);
    pg_send(store, row,
            PG_ARGS(pg_bigint(from->point), feed_span_to(from), pg_bigint(from->seq),
                    pg_bigint((int64_t)wanted->limit + 1)));
    rc = feed_span_take(store, arena, from, &out->page);
    if (rc == RC_OK)
        rc = pg_next(store, &result);
    if (rc != RC_OK)
        return rc;
    read_events(arena, result, out);
    if (out->page.state == FEED_LOST)
        out->count = 0;
    if (out->count > wanted->limit)
        feed_span_stop(&out->page, from, out->items[--out->count - 1].seq);
    return wanted->containers && out->count > 0 ? read_containers(store, arena, out) : RC_OK;
}

/* --- filters' pools */

static bool is_known(const PGresult *r, const char *name) {
    for (size_t i = 0; i < pg_rows(r); i++)
        if (strcmp(pg_get_text(r, i, 0), name) == 0)
            return true;
    return false;
}

enum rc store_feed_pools(struct store *store, struct arena *arena, const char *const *names,
                         size_t count, const int32_t **ids, size_t *id_count,
                         const char **unknown) {
    PGresult *r;
    enum rc rc = pg_exec(store, &r, STMT(FEED_POOLS), PG_ARGS(pg_texts(names, count)));

    if (rc != RC_OK)
        return rc;
    pg_keep(arena, r);
    for (size_t i = 0; i < count; i++) {
        *unknown = names[i];
        if (!is_known(r, names[i]))
            return RC_NOTFOUND;
    }
    *id_count = pg_rows(r);
    *ids = pg_get_int32s(arena, r, 1);
    return RC_OK;
}
