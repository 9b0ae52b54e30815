/* dispatch.h: a request from its transport to its response; the function to read first. */
#ifndef MUSTER_SERVER_DISPATCH_H
#define MUSTER_SERVER_DISPATCH_H

#include "server/exchange.h"

/* The whole way of one request. Returns as exchange_end. */
bool dispatch(struct exchange *x, const struct transport *transport, bool *body_drained);

/* True if the request needs no database: dispatch then asks none. Its parameters were received, of
 * its body nothing is read. */
bool dispatch_is_alone(struct exchange *x, const struct transport *transport);

/* Responds with 503: nothing is done, and nothing was checked. Returns as dispatch. */
bool dispatch_refuse(struct exchange *x, const struct transport *transport, bool *body_drained);

/* --- the same step by step, for a worker that takes several requests at once */

enum dispatch_next {
    DISPATCH_RUN,   /* dispatch_run */
    DISPATCH_QUICK, /* the same, and one quick read is all that it takes */
    DISPATCH_CACHED /* after response_cache_refresh, response_cache_serve; if either fails,
                       dispatch_run */
};

/* Reads the request and makes every check before its handler. */
enum dispatch_next dispatch_begin(struct exchange *x, const struct transport *transport);

/* True if one quick read is all that is left, also after a cached response was not current. */
bool dispatch_is_quick(const struct exchange *x);

/* The first step of a quick read: what store_prefetch is to send; dispatch_run does the second.
 * False: it has responded without a read. */
bool dispatch_ask(struct exchange *x, struct store_prefetch *out);

/* Runs the handler, unless something has responded already. Then exchange_end. */
void dispatch_run(struct exchange *x);

#endif
