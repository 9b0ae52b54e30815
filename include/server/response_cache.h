/* response_cache.h: responses that are served from the cache (cache.h) once the database has told
 * that they are current. */
#ifndef MUSTER_SERVER_RESPONSE_CACHE_H
#define MUSTER_SERVER_RESPONSE_CACHE_H

#include "server/exchange.h"

/* Sets the key, if this is a request whose response may be cached. True if one is cached now. */
bool response_cache_find(struct exchange *x);

/* To be called before the database is asked for the response. */
void response_cache_note_seq(struct exchange *x);

/* Stores the response, if its handler said what it depends on and it was held back whole. */
void response_cache_store(struct exchange *x);

/* Responds from the cache, after response_cache_refresh; false: there is no valid entry any more.
 */
bool response_cache_serve(struct exchange *x);

/* Asks the database what was changed, once for all requests in flight. False: it can't tell now,
 * and nothing may be served from the cache. */
bool response_cache_refresh(struct worker_state *w);

#endif
