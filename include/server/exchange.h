/* exchange.h: one request on its way, for the files that take it along (dispatch.c, kept.c). */
#ifndef MUSTER_SERVER_EXCHANGE_H
#define MUSTER_SERVER_EXCHANGE_H

#include <time.h>

#include "api/context.h"
#include "server/intake.h"
#include "server/route.h"

struct exchange {
    struct worker_state *w;
    struct transport transport;
    /* kept from request to request */
    struct arena *arena;
    struct buf body;
    struct response response;
    struct buf kept; /* kept.c's, for keys and answers */
    /* of this one */
    struct request request;
    enum body_result body_result;
    struct route_match match;
    struct context c;
    int64_t began; /* clock_us() */
    bool answered; /* nothing is left to run */
    int status;
    const char *key; /* under which its answer is kept; NULL: it is not */
    size_t key_length;
    uint64_t kept_seq; /* from before the database was asked */
    bool asked;        /* by exchange_ask: the next attempt begins with the second step */
};

/* Sets the key, if this is a request whose answer may be kept. True if one is there now. */
bool kept_find(struct exchange *x);

/* What store_kept wants to know from before the handler ran. */
uint64_t kept_seq(const struct exchange *x);

/* Keeps the answer if the handler said what it depends on and it was held back whole. */
void kept_store(struct exchange *x, uint64_t seq);

#endif
