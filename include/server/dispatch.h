/* dispatch.h: one request from its transport to its answer; the function a newcomer reads first. */
#ifndef MUSTER_SERVER_DISPATCH_H
#define MUSTER_SERVER_DISPATCH_H

#include <stdint.h>

#include "http/response.h"
#include "server/settings.h"
#include "store/store.h"
#include "json/writer.h"

/* Where a request comes from and where its answer goes: FastCGI or CGI. */
struct transport {
    const char *(*variable)(void *context, const char *name); /* CGI variable or NULL */
    long (*read)(void *context, char *bytes,
                 size_t n); /* body; 0: end; -1: client gone or too slow */
    struct response_out out;
    int client_fd; /* polled for a hang-up, -1: none */
    void *context;
    size_t (*variable_count)(void *context, const char *name); /* for struct request; may be NULL */
};

struct cache;

/* What outlives a request in a worker. */
struct worker_state {
    const struct settings *settings;
    struct cache *cache; /* NULL: no answers are kept; borrowed */
    struct store *store;
    struct json_writer *json;
    char id_prefix[12]; /* of the request ids made here, different in each process */
    uint64_t requests;
    struct arena *scratch;
    char token_used[17]; /* its use is to be written down (auth_note_use); "": none */
    int64_t token_pause; /* nothing is written down before (clock_ms()) */
    bool blind;          /* nobody tells what is changed: said in the log */
    /* pruning what the database keeps of changes */
    int64_t prune_at;
    bool changes_seen;
    char last_snapshot[32]; /* their beginnings: the oldest transaction */
    char prune_below[32];
};

/* Only after the fork. The settings are borrowed. */
void worker_state_init(struct worker_state *w, const struct settings *settings,
                       struct cache *cache);
void worker_state_release(struct worker_state *w);

/* One request on its way. A worker may have several in hand, each with memory of its own. */
struct exchange;

/* Memory for one request after the other; the worker's state is borrowed. */
struct exchange *exchange_new(struct worker_state *w);
void exchange_free(struct exchange **x);

/* Reads the request and climbs the ladder up to its handler. */
enum exchange_next {
    EXCHANGE_RUN,   /* what is left is exchange_run */
    EXCHANGE_QUICK, /* the same, and one quick read is all that it takes */
    EXCHANGE_KEPT   /* an answer is kept: after a worker_refresh, exchange_serve, else exchange_run
                     */
};
enum exchange_next exchange_begin(struct exchange *x, const struct transport *transport);

/* Asks the database what was changed, once for all requests in hand. False: it can't be told now,
 * nothing kept may be served. */
bool worker_refresh(struct worker_state *w);

/* Now and then has the database forget changes that every cache has heard of. */
void worker_prune(struct worker_state *w);

/* Answers with what is kept; false: it is not valid any more, exchange_run must. */
bool exchange_serve(struct exchange *x);

/* Is one quick read all that is left to do, also where a kept answer was not current? */
bool exchange_is_quick(const struct exchange *x);

/* The first step of a quick one: what is to be read, for store_prefetch, after which exchange_run
 * must be called. False: the response is there without it. */
bool exchange_ask(struct exchange *x, struct store_prefetch *out);

/* Responds by the handler, unless there is a response already. */
void exchange_run(struct exchange *x);

/* Sends what is left of the answer, writes the access log line. False if the answer must be broken
 * off (the transport closes without a proper end). `*body_drained` tells whether the request body
 * was read to its end (only then may a FastCGI connection be detached). */
bool exchange_end(struct exchange *x, bool *body_drained);

/* All of it for one request. */
bool dispatch(struct exchange *x, const struct transport *transport, bool *body_drained);

#endif
