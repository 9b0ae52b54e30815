/* history.h: what versions changed (contract/history.md A4). */
#ifndef MUSTER_STORE_HISTORY_H
#define MUSTER_STORE_HISTORY_H

#include "store/store.h"

/* What became of an object. */
enum history_kind {
    HISTORY_CREATED,
    HISTORY_DELETED,
    HISTORY_RENAMED, /* or of another driver now; its attributes may have been changed, too */
    HISTORY_CHANGED,
    HISTORY_REFERENCED /* only what others say of it was changed: as what they refer to or contain
                        */
};

/* One attribute before and after: of the key, subkey and number of both values. */
struct history_attr {
    const char *key;
    const char *subkey; /* NULL: none */
    bool has_number;
    int32_t number;
    bool was, is; /* was it there before, is it there after? */
    struct value before, after;
};

/* attrs: by key, subkey and number, then in the order of their rows. Bookkeeping (keys that begin
 * with '_', but for _contains) is left out. */
struct history_object {
    int32_t version; /* the later end of the span in which this was changed */
    struct ref ref;  /* as it is called after, or was before its deletion */
    struct ref was;  /* HISTORY_RENAMED: what it was called; else id 0 */
    enum history_kind kind;
    struct history_attr *attrs;
    size_t attr_count;
    bool cut;     /* it has more changed attributes: query->max_attrs was reached */
    int64_t more; /* objects that were changed in this span, but are beyond the limit */
};

/* Between two versions: what those after `after` did, up to `to`, together. */
struct history_span {
    int32_t after, to;
};

/* What is wanted of spans. */
struct history_query {
    const struct history_span *spans;
    size_t count;
    int32_t after;      /* only objects with a greater id */
    int64_t limit;      /* of objects in each span; 0: all */
    size_t max_attrs;   /* of all objects together; 0: all */
    const int32_t *ids; /* these objects come first */
    size_t id_count;
    bool only_ids; /* and alone; for one span */
};

/* Takes the next object; false: stop (the call then returns RC_GONE). The object lives during the
 * call. */
typedef bool (*history_row)(void *context, const struct history_object *object);

/* What the versions of each span changed, all together: the last span first, in it by id of the
 * object. One statement, streamed: memory is that of one object. */
enum rc history_changes(struct store *store, const struct history_query *query, history_row row,
                        void *context);

/* The same, all at once, in the arena. */
struct history_list {
    struct history_object *objects;
    size_t count;
    int32_t version; /* of the last of them, 0: there are none */
    int32_t last;    /* the id of the last object that was looked at */
    int64_t more;    /* how many there are after that */
};
enum rc history_collect(struct store *store, struct arena *arena, const struct history_query *query,
                        struct history_list *out);

/* A page of one span, by id: at most query->limit (> 0) objects after query->after, in the arena.
 * Of out->more only whether it is 0 is said, unless the query names its ids. Two statements. */
enum rc history_page(struct store *store, struct arena *arena, const struct history_query *query,
                     struct history_list *out);

/* What the open write transaction has changed so far, of at most `limit` objects with as many times
 * ten attributes together (0: of all); nothing if it has made no version (as without versioning).
 * Sees the transaction's own rows, so before the commit. */
enum rc history_of_transaction(struct store *store, struct arena *arena, int64_t limit,
                               struct history_list *out);

/* --- versions */

struct history_version {
    int32_t version;
    const char *time;        /* when its number was taken, ISO in UTC; NULL: unknown */
    const char *user;        /* NULL: unknown */
    const char *description; /* NULL: none */
};

struct history_filter {
    int32_t above, below; /* both exclusive */
    const char *user;     /* NULL: any */
    bool of_objects;      /* only versions that changed one of these or what refers to it */
    const int32_t *ids;
    size_t id_count;
    int32_t limit;
};

/* The latest first, at most `limit`, in the arena. */
enum rc history_versions(struct store *store, struct arena *arena,
                         const struct history_filter *filter, struct history_version **out,
                         size_t *count);

/* The ids of all objects that ever had this name, in the arena. */
enum rc history_ids(struct store *store, struct arena *arena, const char *name, int32_t **ids,
                    size_t *count);

/* Nothing is known of what versions up to `oldest` did, and what was written up to `exact` may not
 * be all. */
struct history_floor {
    int32_t oldest, exact;
};
enum rc history_floor(struct store *store, struct history_floor *out);

#endif
