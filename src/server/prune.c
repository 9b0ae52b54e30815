/* prune.c: what the database keeps of changes is deleted when it is old. */
#include "server/prune.h"

#include "base/clock.h"
#include "server/write_limit.h"
#include "store/feed.h"

enum { PRUNE_MS = 60000 };

/* The response caches of all workers have heard of changes by then (seconds). */
enum { MIN_KEEP = 60 };

void prune_changes(struct worker_state *w) {
    int64_t now = clock_ms(), keep = w->settings->feed_keep;
    bool more = false;

    if (now < w->prune_at)
        return;
    if (w->prune_at > 0 && store_connected(w->store) && !store_is_standby(w->store) &&
        write_limit_try(w->settings)) {
        if (store_feed_prune(w->store, w->scratch, keep > MIN_KEEP ? keep : MIN_KEEP, &more) !=
            RC_OK)
            more = false;
        write_limit_end();
        arena_reset(w->scratch);
    }
    w->prune_at = more ? now : now + PRUNE_MS;
}
