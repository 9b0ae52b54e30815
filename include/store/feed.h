/* feed.h: the committed changes, each once, in an order in which they can be applied
 * (contract/changes.md).
 *
 * A point is a snapshot that was taken on the primary and written down. The batch between two
 * points is what the later one shows and the earlier one does not: whole transactions, ordered by a
 * number that each change took while its rows were locked. A cursor is a point, or a place in a
 * batch.
 *
 * The loop of a reader:
 *
 *     store_feed_make(store, arena, &status);               // a point that shows what is committed
 *     store_begin_snapshot(store);
 *     store_feed_read(store, arena, &wanted, &events);      // events.page.next is the next cursor
 *     store_commit(store);
 *
 * All texts and arrays are in the arena of the call. */
#ifndef MUSTER_STORE_FEED_H
#define MUSTER_STORE_FEED_H

#include "query/query.h"
#include "store/store.h"

/* Events on a page at most. */
#define FEED_MAX_PAGE 1000

/* --- cursors */

struct feed_cursor {
    int64_t point; /* all that this point shows was read */
    uint32_t
        nonce;   /* of this point, or of `to`: of two points with the same number, one was lost */
    int64_t to;  /* 0; else so far of the batch up to this point */
    int64_t seq; /* as was numbered up to here */
};

/* "1851-5f3a11c2", or "1851-5f3a11c2.1853.88709" inside a batch. False: it is neither. */
bool feed_cursor_parse(const char *text, struct feed_cursor *out);
const char *feed_cursor_text(struct arena *arena, const struct feed_cursor *cursor);

/* Where a reader is after the change with this number, of a batch that follows `from` and ends at
 * `end`, or was cut off there. */
struct feed_cursor feed_cursor_inside(const struct feed_cursor *from, const struct feed_cursor *end,
                                      int64_t seq);

/* --- points */

struct feed_status {
    struct feed_cursor latest; /* the latest point */
    const char *made;          /* when it was made, "2026-11-26T15:07:43.120Z" */
    const char *blind;         /* why changes are not reported here; else NULL */
    bool behind; /* more was committed before the call, and a new point may be made for it */
};

/* Makes a point if something was committed since the latest one, and says which is the latest: it
 * shows what was committed before the call. On a standby and a logical subscriber none is made;
 * they serve the points that are replicated. Outside a transaction. The commit of a point is waited
 * for, as that of any write; with nothing new it is one statement that writes nothing. RC_UNREADY
 * without
 * --init-db. */
enum rc store_feed_make(struct store *store, struct arena *arena, struct feed_status *out);

/* The latest point that somebody has made; `behind` says whether it is too old. */
enum rc store_feed_latest(struct store *store, struct arena *arena, struct feed_status *out);

/* --- events of the inventory */

/* What happened to an object in a transaction: the first that applies. */
enum feed_change { FEED_DELETED, FEED_CREATED, FEED_RENAMED, FEED_CHANGED, FEED_REFERENCED };

struct feed_attr {
    bool added; /* else removed */
    struct attr attr;
};

/* What the object was in, at any depth, before or after the change. */
struct feed_container {
    int32_t id;
    bool before;
    bool after;
};

struct feed_event {
    int64_t seq;
    enum feed_change change;
    struct ref ref;   /* as it is called now; id is always there, name NULL: not known */
    const char *was;  /* "/driver/name" before a renaming; else NULL */
    int32_t version;  /* 0: written without one */
    const char *time; /* of the version, as `made` above; NULL: not known */
    const char *user; /* of the version, or NULL */
    const char *description;
    struct feed_attr *attrs; /* added ones first, by id; hidden ones but "_contains" are left out */
    size_t attr_count;
    struct feed_container *containers;
    size_t container_count;
    bool erased;        /* its row is gone: it is not known what it was */
    bool before, after; /* whether it fitted a question (store_feed_fit) */
};

struct feed_wanted {
    struct feed_cursor from;
    size_t limit;    /* events, 1 to FEED_MAX_PAGE */
    bool attrs;      /* their attributes */
    bool containers; /* what the objects were in */
};

enum feed_state {
    FEED_OK,
    FEED_LOST /* from here the changes are not known any more: read everything, then follow */
};

/* Where a page ends. */
struct feed_page {
    enum feed_state state;
    struct feed_cursor next;   /* FEED_LOST: the latest point */
    struct feed_cursor oldest; /* that can be read from */
    const char *made;          /* when the point of this batch was made */
    bool more;                 /* there are more events of this batch, or later points */
};

struct feed_events {
    struct feed_page page;
    struct feed_event *items;
    size_t count;
};

/* Events after `from`, of one batch, which ends at a later point: as many transactions as
 * FEED_MAX_TRANSACTIONS, or a single point's. Inside a snapshot that was begun after
 * store_feed_make. One round trip; with `containers` two. */
#define FEED_MAX_TRANSACTIONS 5000
enum rc store_feed_read(struct store *store, struct arena *arena, const struct feed_wanted *wanted,
                        struct feed_events *out);

/* The page after `from` gives no more than what was numbered up to `seq`. */
void feed_span_stop(struct feed_page *page, const struct feed_cursor *from, int64_t seq);

/* --- which events are wanted */

/* Of each kind any; an empty list is no filter. */
struct feed_filter {
    const char *const *drivers;
    size_t driver_count;
    const char *const *objects; /* names, or "/driver/name" */
    size_t object_count;
    const char *const *keys; /* of attributes that were added or removed */
    size_t key_count;
    const int32_t *pools; /* ids (store_feed_pools) of what the object was in before or after */
    size_t pool_count;
    struct feed_query *query; /* what the object fits before or after; NULL: no filter */
};

/* A question, compiled once for any number of batches. Valid as long as the arena. */
struct feed_query *store_feed_compile(struct arena *arena, const struct query_node *question);

/* Finds out which objects of the events fitted the filter's question at the version before, and at
 * the event's; of those that the rest of the filter passes. An object of which no row is left fits
 * both. Inside the snapshot of store_feed_read; RC_OK at once where there is no question. */
enum rc store_feed_fit(struct store *store, struct arena *arena, const struct feed_filter *filter,
                       struct feed_events *events);

/* What a filter needs to be read, beside what is shown. */
bool feed_filter_needs_attrs(const struct feed_filter *filter);
bool feed_filter_needs_containers(const struct feed_filter *filter);

/* Compares in memory; needs what the two above say, and store_feed_fit. */
bool feed_filter_passes(const struct feed_filter *filter, const struct feed_event *event);

/* The same but for the question. */
bool feed_filter_may_pass(const struct feed_filter *filter, const struct feed_event *event);

/* True if the change took the object out of the filter's pools, or the question does not find it
 * any more. */
bool feed_filter_left(const struct feed_filter *filter, const struct feed_event *event);

/* The ids of all objects, also deleted ones, that have one of these names. RC_NOTFOUND: one of the
 * names (*unknown) was never there. */
enum rc store_feed_pools(struct store *store, struct arena *arena, const char *const *names,
                         size_t count, const int32_t **ids, size_t *id_count, const char **unknown);

/* --- events of preferences */

struct feed_preference {
    int64_t seq;
    const char *container;
    bool deleted;
    int64_t revision; /* as it is now; 0: deleted */
};

struct feed_preferences {
    struct feed_page page;
    struct feed_preference *items; /* of each container the last change of the batch */
    size_t count;
};

/* As store_feed_read, of one user's documents. */
enum rc store_feed_preferences(struct store *store, struct arena *arena, const char *user,
                               const struct feed_cursor *from, size_t limit,
                               struct feed_preferences *out);

/* The users whose preferences were changed in the batch between two points, each once: whoever
 * waits for one of them reads. */
enum rc store_feed_users(struct store *store, struct arena *arena, const struct feed_cursor *from,
                         const struct feed_cursor *to, const char *const **users, size_t *count);

/* --- pruning */

/* Makes a point where there is none of the last minute, deletes points that are older than `keep`
 * seconds and changes that no point needs; up to FEED_PRUNE_ROWS of either. *more: there are more
 * of them. Not on a standby; outside a transaction. */
#define FEED_PRUNE_ROWS 2000
enum rc store_feed_prune(struct store *store, struct arena *arena, int64_t keep, bool *more);

#endif
