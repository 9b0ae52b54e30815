/* dispatch.h: one request from its transport to its answer; the function a newcomer reads first. */
#ifndef MUSTER_SERVER_DISPATCH_H
#define MUSTER_SERVER_DISPATCH_H

#include <stdint.h>

#include "base/settings.h"
#include "http/response.h"
#include "store/store.h"
#include "json/writer.h"

/* Where a request comes from and where its answer goes: FastCGI or CGI. */
struct transport {
    const char *(*variable)(void *context, const char *name); /* CGI variable or NULL */
    long (*read)(void *context, char *bytes,
                 size_t n); /* body; 0: end; -1: client gone or too slow */
    struct transport_out out;
    int client_fd; /* polled for a hang-up, -1: none */
    void *context;
    size_t (*variable_count)(void *context, const char *name); /* for struct request; may be NULL */
};

/* What outlives a request in a worker. */
struct worker_state {
    const struct settings *settings;
    struct store *store;
    struct arena *arena;
    struct json_writer *json;
    struct response response;
    struct buf body;
    char id_prefix[12]; /* of the request ids made here, different in each process */
    uint64_t requests;
};

/* Only after the fork. The settings are borrowed. */
void worker_state_init(struct worker_state *w, const struct settings *settings);
void worker_state_release(struct worker_state *w);

/* Serves one request: parse, route, transaction, handler, answer, access log line, reset. Returns
 * false if the answer must be broken off (the transport closes without a proper end).
 * `*body_drained` tells whether the request body was read to its end (only then may a FastCGI
 * connection be detached). */
bool dispatch(struct worker_state *w, const struct transport *transport, bool *body_drained);

#endif
