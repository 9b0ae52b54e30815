/* list.c: lists of any length in flat memory: identities row by row, whole objects in chunks. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/compare.h"
#include "store/objects.h"
#include "store/query_sql.h"

/* The first chunk is small, so that the first byte leaves soon (limits.md). */
#define FIRST_CHUNK 100
#define CHUNK       1000
#define MAX_ARGS    13

/* --- a listing as a statement */

struct query {
    const struct stmt_row *row;
    struct pg_arg *args;
    size_t count;
};

enum { ARG_LIMIT, ARG_OFFSET, ARG_TOTAL, ARG_AFTER };

static void add(struct query *q, struct pg_arg arg) {
    assert(q->count < MAX_ARGS);
    q->args[q->count++] = arg;
}

/* The statement whose index fits the filters. */
static void query_entities(struct query *q, const struct listing *l) {
    if (l->name_count > 0) {
        q->row = STMT(LIST_NAMES);
        add(q, pg_texts(l->names, l->name_count));
        add(q, pg_texts(l->types, l->type_count));
        add(q, pg_texts(l->drivers, l->driver_count));
    } else if (l->driver_count == 1 && l->type_count == 0) {
        q->row = STMT(LIST_DRIVER);
        add(q, pg_text(l->drivers[0]));
    } else if (l->driver_count > 0) {
        q->row = STMT(LIST_DRIVERS);
        add(q, pg_texts(l->drivers, l->driver_count));
        add(q, pg_texts(l->types, l->type_count));
    } else if (l->type_count == 1) {
        q->row = STMT(LIST_TYPE);
        add(q, pg_text(l->types[0]));
    } else if (l->type_count > 1) {
        q->row = STMT(LIST_TYPES);
        add(q, pg_texts(l->types, l->type_count));
    } else {
        q->row = STMT(LIST_ALL);
    }
}

static void query_by_value(struct query *q, struct arena *arena, const char *value) {
    const char *slash = *value == '/' ? strchr(value + 1, '/') : NULL;

    add(q, pg_text(value));
    add(q, compare_number(arena, value));
    add(q, compare_date(arena, value));
    add(q,
        slash ? pg_text(arena_strndup(arena, value + 1, (size_t)(slash - value - 1))) : pg_null());
    add(q, slash ? pg_text(slash + 1) : pg_null());
    add(q, compare_json(arena, value));
}

static void query_by_attr(struct query *q, struct arena *arena, const struct listing *l) {
    q->row = l->value ? STMT(LIST_BY_VALUE) : STMT(LIST_BY_KEY);
    add(q, pg_text(l->key));
    add(q, pg_text(l->subkey));
    if (l->value)
        query_by_value(q, arena, l->value);
}

/* Up to so many are walked through one by one, and for a page each object is looked for in each. */
enum { FEW_POOLS = 2, SOME_POOLS = 10 };

static void query_from_pools(struct query *q, const struct listing *l) {
    q->row = l->pool_count > FEW_POOLS ? STMT(LIST_FROM_MANY) : STMT(LIST_FROM_POOLS);
    add(q, pg_texts(l->names, l->name_count));
    add(q, pg_texts(l->types, l->type_count));
    add(q, pg_texts(l->drivers, l->driver_count));
    add(q, pg_ints(l->pools, NULL, l->pool_count));
    add(q, pg_bool(l->children));
}

static void query_containers(struct query *q, const struct listing *l) {
    q->row = STMT(LIST_CONTAINERS);
    add(q, pg_texts(l->types, l->type_count));
    add(q, pg_texts(l->drivers, l->driver_count));
    add(q, pg_int(l->member));
    add(q, pg_bool(l->ancestors));
}

/* A page after an id has a statement of its own, with the same parameters, where the indexes for it
 * are there. */
static const struct stmt_row *page_row(const struct listing *l, const struct stmt_row *row) {
    if (row == STMT(LIST_BY_KEY))
        return STMT(PAGE_BY_KEY);
    if (row == STMT(LIST_BY_VALUE))
        return STMT(PAGE_BY_VALUE);
    return l->kind == LIST_FROM_POOLS && l->pool_count <= SOME_POOLS ? STMT(PAGE_FROM_POOLS) : row;
}

/* A question is a statement of its own. */
static enum query_form form_of(const struct listing *l, bool total) {
    return total ? QUERY_WITH_TOTAL : l->page.keyset ? QUERY_QUICK_PAGE : QUERY_PAGE;
}

static struct query make_query_of(struct store *store, struct arena *arena, const struct listing *l,
                                  enum query_form form) {
    const bool total = form == QUERY_WITH_TOTAL;
    struct query q = {.args = arena_array(arena, MAX_ARGS, sizeof *q.args)};

    /* one more than a page tells whether there is another */
    add(&q, l->page.limit > 0 ? pg_bigint(l->page.limit + l->page.keyset) : pg_null());
    add(&q, pg_bigint(l->page.offset));
    add(&q, pg_bool(total));
    add(&q, pg_int(l->page.keyset ? l->page.after : 0));
    switch (l->kind) {
    case LIST_ENTITIES: query_entities(&q, l); break;
    case LIST_BY_ATTR: query_by_attr(&q, arena, l); break;
    case LIST_FROM_POOLS: query_from_pools(&q, l); break;
    case LIST_CONTAINERS: query_containers(&q, l); break;
    case LIST_QUERY:
        q.row = query_sql_compile(store, arena, l->question, form, &q.args, &q.count);
        break;
    }
    if (l->page.keyset && pg_is_current(store) && pg_has_extensions(store))
        q.row = page_row(l, q.row);
    return q;
}

static struct query make_query(struct store *store, struct arena *arena, const struct listing *l,
                               bool total) {
    return make_query_of(store, arena, l, form_of(l, total));
}

/* --- identities */

enum { LIST_TOTAL, LIST_ID, LIST_NAME, LIST_DRIVER, LIST_TYPE };

struct refs_out {
    struct arena *arena;
    struct list_extent *extent;
    store_ref_row row;
    void *context;
};

static struct ref read_ref(const PGresult *result, size_t row) {
    return (struct ref){.id = pg_get_int32(result, row, LIST_ID),
                        .name = pg_get_text(result, row, LIST_NAME),
                        .driver = pg_get_text(result, row, LIST_DRIVER),
                        .type = pg_get_text(result, row, LIST_TYPE)};
}

/* The row ahead of the objects; false: it is one of an object. */
static bool read_head(struct arena *arena, const PGresult *result, struct list_extent *extent) {
    if (!pg_is_null(result, 0, LIST_ID))
        return false;
    if (!pg_is_null(result, 0, LIST_TOTAL))
        extent->total = pg_get_int(result, 0, LIST_TOTAL);
    if (!extent->snapshot) /* chunks have one */
        extent->snapshot = arena_strdup(arena, pg_get_text(result, 0, LIST_NAME));
    return true;
}

static bool give_ref(void *context, const PGresult *result) {
    struct refs_out *out = context;
    struct ref ref;

    if (read_head(out->arena, result, out->extent))
        return true;
    ref = read_ref(result, 0);
    return out->row(out->context, &ref);
}

/* Of a result that is read whole: how many rows are ahead of the objects. */
static size_t count_heads(struct arena *arena, const PGresult *result, struct list_extent *extent) {
    return pg_rows(result) > 0 && read_head(arena, result, extent);
}

/* With a page by an offset comes how many objects there are. */
static bool wants_total(const struct listing *l) {
    return l->page.limit > 0 && !l->page.keyset;
}

/* Of a driver or type that is known without counting them. */
static bool has_count(struct store *store, const struct listing *l) {
    return l->kind == LIST_ENTITIES && l->name_count == 0 && wants_total(l) &&
           pg_is_current(store) && pg_has_extensions(store);
}

static void ask_count(struct store *store, const struct listing *l) {
    pg_send(store, STMT(COUNT_OBJECTS),
            PG_ARGS(pg_texts(l->drivers, l->driver_count), pg_texts(l->types, l->type_count)));
}

static enum rc receive_count(struct store *store, struct list_extent *extent) {
    PGresult *result;
    enum rc rc = pg_next(store, &result);

    if (rc != RC_OK)
        return rc;
    extent->total = pg_get_int(result, 0, 0);
    PQclear(result);
    return RC_OK;
}

static bool has_too_many(const PGresult *result) {
    return pg_rows(result) > 0 && !pg_is_null(result, 0, LIST_TOTAL) &&
           pg_get_int(result, 0, LIST_TOTAL) == QUERY_TOO_MANY;
}

/* A page after an id: small enough to be read whole before its first row is returned. */
static enum rc read_page(struct store *store, struct arena *arena, const struct listing *l,
                         const struct query *q, PGresult **result) {
    enum rc rc = pg_exec(store, result, q->row, q->args, q->count);
    struct query other;

    if (rc != RC_OK || !has_too_many(*result))
        return rc;
    PQclear(*result);
    other = make_query_of(store, arena, l, QUERY_PAGE);
    return pg_exec(store, result, other.row, other.args, other.count);
}

static enum rc keyset_refs(struct store *store, const struct listing *l, const struct query *q,
                           const struct refs_out *out) {
    PGresult *result;
    enum rc rc = read_page(store, out->arena, l, q, &result);
    size_t rows, first;

    if (rc != RC_OK)
        return rc;
    first = count_heads(out->arena, result, out->extent);
    rows = pg_page_rows(result, first, l->page.limit, LIST_ID, &out->extent->next);
    for (size_t row = first; row < first + rows && rc == RC_OK; row++) {
        struct ref ref = read_ref(result, row);

        if (!out->row(out->context, &ref))
            rc = RC_GONE;
    }
    PQclear(result);
    return rc;
}

/* Count and page, of one snapshot and in one packet. */
static enum rc counted_refs(struct store *store, const struct listing *l, const struct query *q,
                            struct refs_out *out) {
    bool own = pg_begin_own_snapshot(store);
    enum rc rc;

    ask_count(store, l);
    pg_send(store, q->row, q->args, q->count);
    rc = receive_count(store, out->extent);
    if (rc == RC_OK)
        rc = pg_stream(store, give_ref, out);
    return pg_end_own_snapshot(store, own, rc);
}

enum rc store_list_refs(struct store *store, struct arena *arena, const struct listing *listing,
                        struct list_extent *extent, store_ref_row row, void *context) {
    bool counted = has_count(store, listing);
    struct query q = make_query(store, arena, listing, wants_total(listing) && !counted);
    struct refs_out out = {arena, extent, row, context};

    assert(!listing->page.keyset ||
           (listing->page.limit > 0 && listing->page.limit <= LIST_KEYSET_LIMIT));
    if (listing->page.keyset)
        return keyset_refs(store, listing, &q, &out);
    if (counted)
        return counted_refs(store, listing, &q, &out);
    pg_send(store, q.row, q.args, q.count);
    return pg_stream(store, give_ref, &out);
}

/* --- whole objects */

/* A list in chunks. Their ids are asked for a thousand at a time after the last ones, or were all
 * found by one statement before the first. While the rows of one chunk are given out, the next one
 * is in the pipeline already, and in front of it the ids of the one after that. */
struct walk {
    struct store *store;
    struct query query;
    bool by_keyset;
    int32_t *ids;
    size_t count, capacity;
    size_t at;             /* the first that belongs to no chunk yet */
    size_t ahead;          /* how many are in the chunk that was asked for last */
    size_t given;          /* of the one being given out */
    struct arena *arena;   /* of one object */
    struct arena *lasting; /* of the call */
    struct assembly assembly;
    PGresult *versions; /* of the chunk that is given out, where they are asked for */
    const struct listing *listing;
    bool counted;
    struct list_extent *extent;
    store_object_row row;
    void *context;
};

/* The ids are the one thing that grows with a list: four bytes each. */
static void keep_id(struct walk *w, int32_t id) {
    if (w->count == w->capacity) {
        w->capacity = w->capacity ? 2 * w->capacity : CHUNK;
        w->ids = realloc(w->ids, w->capacity * sizeof *w->ids);
        if (!w->ids)
            log_fatal("out of memory");
    }
    w->ids[w->count++] = id;
}

static bool take_id(void *context, const PGresult *result) {
    struct walk *w = context;

    if (!read_head(w->lasting, result, w->extent))
        keep_id(w, pg_get_int32(result, 0, LIST_ID));
    return true;
}

static void ask_ids(struct walk *w, int64_t limit) {
    w->query.args[ARG_LIMIT] = pg_bigint(limit);
    w->query.args[ARG_AFTER] = pg_int(w->count ? w->ids[w->count - 1] : 0);
    pg_send(w->store, w->query.row, w->query.args, w->query.count);
}

static enum rc receive_ids(struct walk *w) {
    PGresult *result;
    enum rc rc = pg_next(w->store, &result);

    if (rc != RC_OK)
        return rc;
    w->at = w->count = 0;
    for (size_t row = count_heads(w->lasting, result, w->extent); row < pg_rows(result); row++)
        keep_id(w, pg_get_int32(result, row, LIST_ID));
    PQclear(result);
    return RC_OK;
}

static enum rc page_ids(struct walk *w) {
    PGresult *result;
    enum rc rc = read_page(w->store, w->lasting, w->listing, &w->query, &result);
    size_t rows, first;

    if (rc != RC_OK)
        return rc;
    first = count_heads(w->lasting, result, w->extent);
    rows = pg_page_rows(result, first, w->listing->page.limit, LIST_ID, &w->extent->next);
    for (size_t row = first; row < first + rows; row++)
        keep_id(w, pg_get_int32(result, row, LIST_ID));
    PQclear(result);
    return RC_OK;
}

/* The first ids; those of a page, of pools, of a search all at once. */
static enum rc first_ids(struct walk *w) {
    enum rc rc = RC_OK;

    if (w->listing->page.keyset)
        return page_ids(w);
    if (w->by_keyset) {
        ask_ids(w, FIRST_CHUNK);
        return receive_ids(w);
    }
    if (w->counted)
        ask_count(w->store, w->listing);
    pg_send(w->store, w->query.row, w->query.args, w->query.count);
    if (w->counted)
        rc = receive_count(w->store, w->extent);
    return rc == RC_OK ? pg_stream(w->store, take_id, w) : rc;
}

/* Asks for the next chunk, if there is one, and for the ids of the one after it. */
static void ask_chunk(struct walk *w, size_t size) {
    struct arena *scratch = arena_new();
    struct pg_arg args[3];

    w->ahead = w->count - w->at < size ? w->count - w->at : size;
    if (w->ahead > 0) {
        objects_managers(scratch, &args[0], &args[1]);
        args[2] = pg_ints(w->ids + w->at, NULL, w->ahead);
        if (w->by_keyset)
            ask_ids(w, CHUNK);
        if (w->listing->versions)
            pg_send(w->store, STMT(OBJECT_VERSIONS), &args[2], 1);
        pg_send(w->store, STMT(OBJECTS_BY_IDS), args, 3);
        w->at += w->ahead;
        pg_flush(w->store);
    }
    arena_free(&scratch);
}

/* Both are by id, and of the same snapshot. */
static int32_t version_of(const struct walk *w, int32_t id) {
    size_t rows = w->versions ? pg_rows(w->versions) : 0, row = w->given;

    while (row < rows && pg_get_int32(w->versions, row, 0) != id)
        row++;
    return row < rows ? pg_get_int32(w->versions, row, 1) : 0;
}

static bool give_object(struct walk *w) {
    bool go_on;

    w->assembly.object.version = version_of(w, w->assembly.object.ref.id);
    go_on = w->row(w->context, objects_finish(&w->assembly));
    w->given++;
    arena_reset(w->arena);
    objects_start(&w->assembly, w->arena, true, 0);
    return go_on;
}

static bool take_row(void *context, const PGresult *result) {
    struct walk *w = context;

    if (objects_ends(&w->assembly, result, 0) && !give_object(w))
        return false;
    objects_add(&w->assembly, result, 0);
    return true;
}

static enum rc receive_versions(struct walk *w) {
    PQclear(w->versions);
    return pg_next(w->store, &w->versions);
}

static enum rc give_chunk(struct walk *w, size_t size) {
    enum rc rc;

    w->given = 0;
    objects_start(&w->assembly, w->arena, true, 0);
    rc = pg_stream(w->store, take_row, w);
    if (rc == RC_OK && w->assembly.object.ref.id != 0 && !give_object(w))
        rc = pg_abandon(w->store);
    assert(w->given <= size); /* the rows of one object come together */
    return rc;
}

static enum rc walk(struct walk *w) {
    enum rc rc = first_ids(w);

    if (rc == RC_OK)
        ask_chunk(w, FIRST_CHUNK);
    while (rc == RC_OK && w->ahead > 0) {
        size_t size = w->ahead;

        if (w->by_keyset)
            rc = receive_ids(w);
        if (rc == RC_OK && w->listing->versions)
            rc = receive_versions(w);
        if (rc == RC_OK) {
            ask_chunk(w, CHUNK);
            rc = give_chunk(w, size);
        }
    }
    return rc;
}

enum rc store_list_objects(struct store *store, struct arena *arena, const struct listing *listing,
                           struct list_extent *extent, store_object_row row, void *context) {
    bool counted = has_count(store, listing);
    struct walk w = {.store = store,
                     .query = make_query(store, arena, listing, wants_total(listing) && !counted),
                     .by_keyset = listing->kind == LIST_ENTITIES && listing->page.limit == 0 &&
                                  listing->page.offset == 0,
                     .arena = arena_new(),
                     .lasting = arena,
                     .listing = listing,
                     .counted = counted,
                     .extent = extent,
                     .row = row,
                     .context = context};
    bool own = pg_begin_own_snapshot(store);
    enum rc rc = pg_end_own_snapshot(store, own, walk(&w));

    PQclear(w.versions);
    free(w.ids);
    arena_free(&w.arena);
    return rc;
}
