/* parking.h: a request that waits goes from the worker to the waiter. */
#ifndef MUSTER_SERVER_PARKING_H
#define MUSTER_SERVER_PARKING_H

#include "server/exchange.h"
#include "server/fcgi.h"

/* To be called when a request was run, instead of exchange_end and fcgi_finish: true if it waits
 * now, its connection with the waiter, and the worker is rid of it. Else the response is to be
 * sent: the handler's, as the request does not wait (or `waiter` is -1), or a refusal. */
bool parking_try(struct exchange *x, struct fcgi *fcgi, int waiter);

/* How many clients may wait at once: the setting, or as many as there can be descriptors. */
size_t parking_limit(const struct settings *settings);

#endif
