/* worker_state.c: what a worker keeps from request to request. */
#include "server/worker_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

void worker_state_init(struct worker_state *w, const struct settings *settings, struct cache *cache,
                       struct cluster *cluster) {
    uint32_t random = 0;

    *w = (struct worker_state){.settings = settings, .cache = cache};
    w->store = store_new(&settings->store, cluster);
    w->scratch = arena_new();
    w->json = json_writer_new();
    if (*settings->shard != '\0')
        (void)shard_parse(w->scratch, settings->shard, &w->shard); /* checked with the settings */
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
        random = (uint32_t)getpid() ^ (uint32_t)time(NULL);
    snprintf(w->id_prefix, sizeof(w->id_prefix), "%08x-", random);
    srandom(random);
}

void worker_state_release(struct worker_state *w) {
    store_free(&w->store);
    store_free(&w->standby);
    json_writer_free(&w->json);
    arena_free(&w->scratch);
}
