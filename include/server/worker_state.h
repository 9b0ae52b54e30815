/* worker_state.h: what a worker keeps from request to request. */
#ifndef MUSTER_SERVER_WORKER_STATE_H
#define MUSTER_SERVER_WORKER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/settings.h"
#include "server/shard.h"
#include "store/store.h"
#include "json/writer.h"

struct cache;
struct cluster;

struct worker_state {
    const struct settings *settings;
    struct shard shard;  /* of the settings; count 0: the preferences of all users are here */
    struct cache *cache; /* of responses; NULL: there is none; borrowed */
    struct store *store;
    struct store *standby; /* to read from (standby.h); NULL: not yet */
    struct store_options standby_options;
    struct json_writer *json;
    char id_prefix[12]; /* of the request ids made here, different in each process */
    uint64_t requests;
    struct arena *scratch;
    char token_used[17]; /* its use is to be recorded (auth_note_use); "": none */
    int64_t token_pause; /* no use is recorded before (clock_ms()) */
    bool triggers_off;   /* so the response cache is off, which was logged */
    int64_t prune_at;    /* what the database keeps of changes is not pruned before (clock_ms()) */
    int64_t keys_at;     /* the same of responses for Idempotency-Key */
    bool keys_used;
};

/* Only after the fork. All is borrowed; `cluster` as for store_new. */
void worker_state_init(struct worker_state *w, const struct settings *settings, struct cache *cache,
                       struct cluster *cluster);
void worker_state_release(struct worker_state *w);

#endif
