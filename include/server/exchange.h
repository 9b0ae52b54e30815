/* exchange.h: one request and its response, for the files that take part in it. */
#ifndef MUSTER_SERVER_EXCHANGE_H
#define MUSTER_SERVER_EXCHANGE_H

#include "api/context.h"
#include "server/as_of.h"
#include "server/intake.h"
#include "server/route.h"
#include "server/worker_state.h"

struct transaction;

struct exchange {
    struct worker_state *w;
    struct transport transport;
    /* memory that is used again for the next request */
    struct arena *arena;
    struct buf body;
    struct response response;
    struct buf scratch; /* of the response cache, for keys and entries */
    /* of this request */
    struct request request;
    enum body_result body_result;
    struct intake_stream stream; /* of a body that its handler reads */
    struct route_match match;
    struct context c;
    int64_t began;               /* clock_us() */
    unsigned roles[MOUNT_COUNT]; /* of the client */
    bool write_only;             /* the client may not read: what a write shows is left out */
    int status;
    bool responded;                  /* nothing is left to run */
    const char *idempotency_key;     /* NULL: none */
    bool replayed;                   /* the response was given before */
    bool wants_diff;                 /* what a write has changed is shown */
    struct transaction *transaction; /* its operations; NULL: it is none */
    struct as_of as_of;              /* the version that the inventory is read as of */
    int32_t min_version;             /* what is read is to have this version; 0: none is named */
    uint64_t standby_instance; /* read from a standby: of the primary that was asked; else 0 */
    bool asked;                /* the next attempt begins with a quick read's second step */
    /* of the response cache: where the response is stored, NULL: nowhere */
    const char *cache_key;
    size_t cache_key_length;
    size_t cache_unmodified_length; /* the same for 304: with If-None-Match */
    uint64_t cache_seq;             /* from before the database was asked */
    uint64_t cache_instance;        /* of the server that the seq speaks of */
    uint64_t cache_connection; /* by which the database is asked; 0: by one that is made for it */
};

/* For one request after the other; the worker's state is borrowed. A worker may have several
 * requests in flight, each with memory of its own. */
struct exchange *exchange_new(struct worker_state *w);
void exchange_free(struct exchange **x);

/* Takes the request's variables and prepares the response; its body is still to be read. */
void exchange_begin(struct exchange *x, const struct transport *transport);

/* Each line of the log from now on names this request: several may be in flight. */
void exchange_set_log_request(const struct exchange *x);

/* Sends what is left of the response, writes the access log line. False if the response must be
 * truncated (the transport closes without a proper end). `*body_drained` tells whether the request
 * body was read to its end (only then may a FastCGI connection be detached). */
bool exchange_end(struct exchange *x, bool *body_drained);

/* Instead of that, after another process has taken over: nothing is sent, nothing is logged. */
void exchange_forget(struct exchange *x);

/* GET, HEAD, or a read by POST. */
bool exchange_is_read(const struct exchange *x);

/* True if it asks for changes, which needs a point. */
bool exchange_is_feed(const struct exchange *x);

/* The caller, and the user whose documents the request is about where that is another. */
const char *exchange_caller(const struct exchange *x);

/* The line of a request in the access log. */
struct exchange_line {
    const char *method, *target; /* the target as it came */
    int status;
    size_t bytes; /* of the body */
    long us;      /* microseconds that it took */
    const char *who;
    bool broken; /* the response was truncated */
};
void exchange_log(const struct exchange_line *line);

#endif
