/* cache.h: rendered answers in memory that all workers share, served only after a check that they
 * are current.
 *
 * The idea: the database tells which keys (objects, users) were changed between a snapshot that we
 * know and now. `seq` counts what was applied of it. An answer remembers the seq that was there
 * before its query began and what it depends on: it is valid as long as none of that was marked
 * changed with a higher seq. Before an answer is served, a check (shared_check.h) has asked the
 * database for the changes up to a snapshot taken after the request came, and applied them: so no
 * answer is older than its request. */
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

/* Up to where changes are applied. An empty snapshot: nothing is known, everything counts as
 * changed. */
struct cache_state {
    uint64_t seq;
    bool unchanged; /* the last check found nothing new */
    char snapshot[CACHE_SNAPSHOT];
};

/* Shared memory of about `bytes`, to be made before the workers are forked; NULL when it can't be
 * had (logged). There is one for a server's life. */
struct cache *cache_new(size_t bytes);
void cache_free(struct cache **cache);

/* By which workers share their checks. */
struct shared_check *cache_check(struct cache *cache);

/* Where the count of changes stands. */
uint64_t cache_seq(struct cache *cache);

/* The state now. Before a check. */
void cache_get_state(struct cache *cache, struct cache_state *out);

/* After a check that began from `from`: what was changed up to `snapshot` (too long a text:
 * unknown). `everything`: all answers. */
void cache_apply(struct cache *cache, const struct cache_state *from, const char *snapshot,
                 const int64_t *changed, size_t count, bool everything);

/* Is there a valid answer under this key? With `out` it is appended there (whole, or not at all).
 */
bool cache_find(struct cache *cache, const char *key, size_t key_length, struct buf *out);

/* Keeps an answer whose query began after `seq` (cache_seq) was read. The oldest ones make room.
 * Too large ones and those that are out of date already are not kept. */
void cache_store(struct cache *cache, const char *key, size_t key_length, uint64_t seq,
                 const struct context_dependencies *dependencies, const char *answer,
                 size_t length);

#endif
