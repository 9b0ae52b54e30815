/* cache.h: rendered responses in memory that all workers share, served only after a check that they
 * are current.
 *
 * The database reports which keys (objects, users) were changed between a known snapshot and now;
 * `seq` counts the reports that were applied. An entry has the seq from before its query began and
 * what it depends on: it is valid as long as none of that was marked changed with a higher seq.
 * Before an entry is served, a check (shared_check.h) has asked the database for the changes up to
 * a snapshot taken after the request arrived, and applied them: so no response is older than its
 * request. */
#ifndef MUSTER_SERVER_CACHE_H
#define MUSTER_SERVER_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/context.h"
#include "base/buf.h"
#include "server/shared_check.h"

#define CACHE_SNAPSHOT 1024

struct cache;

/* Up to where changes were applied. An empty snapshot: unknown, everything counts as changed. */
struct cache_state {
    uint64_t seq;
    uint64_t instance; /* of the database server that the snapshot is of; 0: of any */
    bool unchanged;    /* the last check found nothing new */
    char snapshot[CACHE_SNAPSHOT];
};

/* Shared memory of about `bytes`, to be made before the workers are forked; NULL if there is no
 * memory (logged). */
struct cache *cache_new(size_t bytes);
void cache_free(struct cache **cache);

/* By which workers share their checks. */
struct shared_check *cache_check(struct cache *cache);

/* The seq now, and of which database server it speaks: only what was read there may be stored with
 * it. `instance` may be NULL. */
uint64_t cache_seq(struct cache *cache, uint64_t *instance);

/* The state now, before a check. */
void cache_get_state(struct cache *cache, struct cache_state *out);

/* Forgets everything if the state is still of this server: responses come from another one now. */
void cache_leave_server(struct cache *cache, uint64_t instance);

/* After a check that began from `from`: what was changed up to `snapshot` of this server (if it is
 * too long: unknown). `everything`: all entries. */
void cache_apply(struct cache *cache, const struct cache_state *from, const char *snapshot,
                 uint64_t instance, const int64_t *changed, size_t count, bool everything);

/* True if there is a valid entry under this key. With `out` it is appended there (whole, or not at
 * all). */
bool cache_find(struct cache *cache, const char *key, size_t key_length, struct buf *out);

/* Stores a response whose query began after `seq` (cache_seq) was read, and drops the oldest
 * entries for it. A response that is too large or out of date already is not stored. */
void cache_store(struct cache *cache, const char *key, size_t key_length, uint64_t seq,
                 const struct context_dependencies *dependencies, const char *response,
                 size_t length);

#endif
