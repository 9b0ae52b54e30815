/* history.c: what versions changed: rows to objects with their attributes before and after. */
#include "store/history.h"

#include <string.h>

#include "store/exec.h"
#include "store/objects.h"

/* Behind those of enum object_column. */
enum {
    COLUMN_VERSION = COLUMN_TYPE + 1,
    COLUMN_MORE,
    COLUMN_WAS,
    COLUMN_IS,
    COLUMN_OLD_NAME,
    COLUMN_OLD_DRIVER,
    COLUMN_NEW_NAME,
    COLUMN_NEW_DRIVER
};

/* What the column TAG says here. */
enum { TAG_ITSELF, TAG_REMOVED, TAG_ADDED, TAG_REFERENCE };

/* An object while its rows come in. */
struct gathering {
    struct arena *arena;
    struct history_object object; /* ref.id 0: none yet */
    struct ref old;
    bool was, is, referenced;
    size_t room;
    size_t slot; /* the first attribute with the key, subkey and number of the last one */
    size_t free; /* from it on, all before have a value after */
    history_row row;
    void *context;
    bool keep;               /* all objects stay in the arena */
    size_t attrs, max_attrs; /* of all objects; 0: any number */
    bool stopped;
    int32_t last; /* see struct history_list */
    int64_t more;
};

/* --- one object */

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_slot(const struct history_attr *a, const struct attr *b) {
    return strcmp(a->key, b->key) == 0 && same_text(a->subkey, b->subkey) &&
           a->has_number == b->has_number && a->number == b->number;
}

static struct history_attr *append(struct gathering *g) {
    struct history_object *o = &g->object;

    o->attrs = arena_grow(g->arena, o->attrs, o->attr_count, &g->room, sizeof *o->attrs);
    g->attrs++;
    return &o->attrs[o->attr_count++];
}

/* The attribute that this row is the other side of, or a new one. Removed rows come first. */
static struct history_attr *find_attr(struct gathering *g, const struct attr *attr, bool added) {
    struct history_object *o = &g->object;
    struct history_attr *found;

    if (o->attr_count == 0 || !same_slot(&o->attrs[g->slot], attr))
        g->slot = g->free = o->attr_count;
    while (added && g->free < o->attr_count && o->attrs[g->free].is)
        g->free++;
    if (added && g->free < o->attr_count)
        return &o->attrs[g->free];
    found = append(g);
    *found = (struct history_attr){.key = attr->key,
                                   .subkey = attr->subkey,
                                   .has_number = attr->has_number,
                                   .number = attr->number};
    return found;
}

static bool is_full(const struct gathering *g) {
    return g->max_attrs > 0 && g->attrs >= g->max_attrs;
}

/* Both sides of the last attribute are kept. What comes next is not even read: memory is limited.
 */
static void add_attr(struct gathering *g, const PGresult *result, size_t row, bool added) {
    struct history_object *o = &g->object;
    struct history_attr *found;
    struct attr attr;

    o->cut = o->cut || (o->attr_count == 0 && is_full(g));
    if (o->cut)
        return;
    attr = objects_read_attr(g->arena, result, row);
    o->cut = is_full(g) && !same_slot(&o->attrs[g->slot], &attr);
    if (o->cut)
        return;
    found = find_attr(g, &attr, added);
    if (added) {
        found->is = true;
        found->after = attr.value;
    } else {
        found->was = true;
        found->before = attr.value;
    }
}

static const char *copy(struct gathering *g, const PGresult *result, size_t row, int column) {
    return arena_strdup(g->arena, pg_get_text(result, row, column));
}

static void begin(struct gathering *g, const PGresult *result, size_t row) {
    int32_t id = pg_get_int32(result, row, COLUMN_OWNER);

    g->object = (struct history_object){.version = pg_get_int32(result, row, COLUMN_VERSION),
                                        .more = pg_get_int(result, row, COLUMN_MORE),
                                        .ref = {.id = id,
                                                .name = copy(g, result, row, COLUMN_NEW_NAME),
                                                .driver = copy(g, result, row, COLUMN_NEW_DRIVER)}};
    g->old = (struct ref){.id = id,
                          .name = copy(g, result, row, COLUMN_OLD_NAME),
                          .driver = copy(g, result, row, COLUMN_OLD_DRIVER)};
    g->was = pg_get_bool(result, row, COLUMN_WAS);
    g->is = pg_get_bool(result, row, COLUMN_IS);
    g->referenced = false;
    g->room = g->slot = 0;
    g->last = id;
    g->more = g->object.more;
}

static bool is_renamed(const struct gathering *g) {
    return !same_text(g->old.name, g->object.ref.name) ||
           !same_text(g->old.driver, g->object.ref.driver);
}

/* False: in the end nothing was changed. */
static bool classify(struct gathering *g) {
    struct history_object *o = &g->object;

    if (!g->was && g->is) {
        o->kind = HISTORY_CREATED;
    } else if (g->was && !g->is) {
        o->kind = HISTORY_DELETED;
        o->ref = g->old;
    } else if (g->was && is_renamed(g)) {
        o->kind = HISTORY_RENAMED;
        o->was = g->old;
    } else {
        o->kind = o->attr_count > 0 || o->cut ? HISTORY_CHANGED : HISTORY_REFERENCED;
        return o->attr_count > 0 || o->cut || g->referenced;
    }
    return true;
}

static void finish(struct gathering *g) {
    if (g->object.ref.id != 0 && !g->stopped && classify(g))
        g->stopped = !g->row(g->context, &g->object);
    g->object.ref.id = 0;
    if (!g->keep)
        arena_reset(g->arena);
}

/* --- rows */

static bool take_row(void *context, const PGresult *result) {
    struct gathering *g = context;

    if (g->object.ref.id != pg_get_int32(result, 0, COLUMN_OWNER) ||
        g->object.version != pg_get_int32(result, 0, COLUMN_VERSION)) {
        finish(g);
        begin(g, result, 0);
    }
    switch (pg_get_int32(result, 0, COLUMN_TAG)) {
    case TAG_REMOVED: add_attr(g, result, 0, false); break;
    case TAG_ADDED: add_attr(g, result, 0, true); break;
    case TAG_REFERENCE: g->referenced = true; break;
    default: break;
    }
    return !g->stopped;
}

static void send(struct store *store, const struct history_query *q) {
    struct arena *scratch = arena_new();
    int32_t *after = arena_array(scratch, q->count + 1, sizeof *after);
    int32_t *to = arena_array(scratch, q->count + 1, sizeof *to);
    bool own = q->count == 0; /* a span of nulls: what this transaction does */

    for (size_t i = 0; i < q->count; i++) {
        after[i] = q->spans[i].after;
        to[i] = q->spans[i].to;
    }
    pg_send(store, q->only_ids ? STMT(HISTORY_CHANGES_OF_OBJECTS) : STMT(HISTORY_CHANGES),
            PG_ARGS(pg_ints(after, own ? &own : NULL, own ? 1 : q->count),
                    pg_ints(to, own ? &own : NULL, own ? 1 : q->count), pg_int(q->after),
                    pg_int(q->limit > 0 ? (int32_t)q->limit : INT32_MAX),
                    pg_ints(q->ids, NULL, q->id_count)));
    arena_free(&scratch);
}

static enum rc gather(struct store *store, const struct history_query *query, struct gathering *g) {
    enum rc rc;

    send(store, query);
    rc = pg_stream(store, take_row, g);
    if (rc == RC_OK)
        finish(g);
    return rc == RC_OK && g->stopped ? pg_abandon(store) : rc;
}

enum rc history_changes(struct store *store, const struct history_query *query, history_row row,
                        void *context) {
    struct gathering g = {.arena = arena_new(), .row = row, .context = context};
    enum rc rc = query->count > 0 ? gather(store, query, &g) : RC_OK;

    arena_free(&g.arena);
    return rc;
}

/* --- all at once */

struct collection {
    struct arena *arena;
    struct history_list *list;
    size_t room;
};

static bool collect(void *context, const struct history_object *object) {
    struct collection *c = context;
    struct history_list *list = c->list;

    list->objects =
        arena_grow(c->arena, list->objects, list->count, &c->room, sizeof *list->objects);
    list->version = object->version;
    list->objects[list->count++] = *object;
    return true;
}

enum rc history_collect(struct store *store, struct arena *arena, const struct history_query *query,
                        struct history_list *out) {
    struct collection c = {.arena = arena, .list = out};
    struct gathering g = {
        .arena = arena, .row = collect, .context = &c, .keep = true, .max_attrs = query->max_attrs};
    enum rc rc;

    *out = (struct history_list){.count = 0};
    rc = gather(store, query, &g);
    out->last = g.last;
    out->more = g.more;
    return rc;
}

enum rc history_of_transaction(struct store *store, struct arena *arena, int64_t limit,
                               struct history_list *out) {
    const struct history_query own = {.limit = limit, .max_attrs = 10 * (size_t)limit};

    *out = (struct history_list){.count = 0};
    if (store->version == 0 || !pg_versioning(store))
        return RC_OK;
    return history_collect(store, arena, &own, out);
}

/* --- versions */

enum { VERSION_NUMBER, VERSION_TIME, VERSION_USER, VERSION_DESCRIPTION };

enum rc history_versions(struct store *store, struct arena *arena, const struct history_filter *f,
                         struct history_version **out, size_t *count) {
    const struct pg_arg args[] = {pg_int(f->above), pg_int(f->below), pg_text(f->user),
                                  pg_int(f->limit), pg_ints(f->ids, NULL, f->id_count)};
    const struct stmt_row *row = f->user ? STMT(HISTORY_VERSIONS_OF_USER) : STMT(HISTORY_VERSIONS);
    PGresult *result;
    enum rc rc = f->of_objects ? pg_exec(store, &result, STMT(HISTORY_VERSIONS_OF_OBJECTS), args, 5)
                               : pg_exec(store, &result, row, args, 4);

    *count = 0;
    if (rc != RC_OK)
        return rc;
    pg_keep(arena, result);
    *count = pg_rows(result);
    *out = arena_array(arena, *count + 1, sizeof **out);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] =
            (struct history_version){.version = pg_get_int32(result, i, VERSION_NUMBER),
                                     .time = pg_get_text(result, i, VERSION_TIME),
                                     .user = pg_get_text(result, i, VERSION_USER),
                                     .description = pg_get_text(result, i, VERSION_DESCRIPTION)};
    return RC_OK;
}

enum rc history_ids(struct store *store, struct arena *arena, const char *name, int32_t **ids,
                    size_t *count) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(HISTORY_IDS), PG_ARGS(pg_text(name)));

    *count = 0;
    if (rc != RC_OK)
        return rc;
    *count = pg_rows(result);
    *ids = pg_get_int32s(arena, result, 0);
    PQclear(result);
    return RC_OK;
}

enum rc history_floor(struct store *store, struct history_floor *out) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(HISTORY_FLOOR), PG_NONE);

    *out = (struct history_floor){0};
    if (rc == RC_OK && pg_rows(result) == 0)
        rc = RC_UNREADY;
    if (rc == RC_OK)
        *out = (struct history_floor){pg_get_int32(result, 0, 0), pg_get_int32(result, 0, 1)};
    PQclear(result);
    return rc;
}
