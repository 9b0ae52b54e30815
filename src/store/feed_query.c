/* feed_query.c: which objects of the feed's events fit a question, before and after. */
#include <stdlib.h>

#include "store/feed.h"
#include "store/query_sql.h"

struct feed_query {
    const struct stmt_row *row;
    struct pg_arg *args; /* ids, versions, and those of the question */
    size_t count;
};

/* As of a version. */
struct place {
    int64_t version;
    int32_t id;
};

struct feed_query *store_feed_compile(struct arena *arena, const struct query_node *question) {
    struct feed_query *query = arena_alloc(arena, sizeof *query);

    query->row = query_sql_fits(arena, question, &query->args, &query->count);
    return query;
}

/* What was written without a version is there as of any. */
static struct place place_after(const struct feed_event *event) {
    return (struct place){event->version > 0 ? event->version : INT32_MAX, event->ref.id};
}

static struct place place_before(const struct feed_event *event) {
    struct place place = place_after(event);

    place.version--;
    return place;
}

static int by_place(const void *a, const void *b) {
    const struct place *x = a, *y = b;

    if (x->version != y->version)
        return x->version < y->version ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The places that fit, in order. */
static enum rc find(struct store *store, struct arena *arena, const struct feed_query *query,
                    const struct place *places, size_t count, struct place **out, size_t *found) {
    int32_t *ids = arena_array(arena, count + 1, sizeof *ids);
    int64_t *versions = arena_array(arena, count + 1, sizeof *versions);
    PGresult *result;
    enum rc rc;

    for (size_t i = 0; i < count; i++) {
        ids[i] = places[i].id;
        versions[i] = places[i].version;
    }
    query->args[0] = pg_ints(ids, NULL, count);
    query->args[1] = pg_bigints(versions, NULL, count);
    rc = pg_exec(store, &result, query->row, query->args, query->count);
    if (rc != RC_OK)
        return rc;
    *found = pg_rows(result);
    *out = arena_array(arena, *found + 1, sizeof **out);
    for (size_t i = 0; i < *found; i++)
        (*out)[i] = (struct place){pg_get_int(result, i, 0), pg_get_int32(result, i, 1)};
    PQclear(result);
    return RC_OK;
}

static bool fits(const struct place *found, size_t count, struct place place) {
    return count > 0 && bsearch(&place, found, count, sizeof place, by_place) != NULL;
}

enum rc store_feed_fit(struct store *store, struct arena *arena, const struct feed_filter *filter,
                       struct feed_events *events) {
    struct place *places, *found = NULL;
    size_t count = 0, found_count = 0;
    enum rc rc = RC_OK;

    if (!filter->query)
        return RC_OK;
    places = arena_array(arena, 2 * events->count + 1, sizeof *places);
    for (size_t i = 0; i < events->count; i++) {
        const struct feed_event *event = &events->items[i];

        if (!event->erased && feed_filter_may_pass(filter, event)) {
            places[count++] = place_before(event);
            places[count++] = place_after(event);
        }
    }
    if (count > 0)
        rc = find(store, arena, filter->query, places, count, &found, &found_count);
    for (size_t i = 0; i < events->count; i++) {
        struct feed_event *event = &events->items[i];

        event->before = event->erased || fits(found, found_count, place_before(event));
        event->after = event->erased || fits(found, found_count, place_after(event));
    }
    return rc;
}
