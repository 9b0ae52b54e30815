/* cors.h: the headers that every response has, and CORS. */
#ifndef MUSTER_SERVER_CORS_H
#define MUSTER_SERVER_CORS_H

#include "server/exchange.h"

/* Sets the headers of the configuration, the request's id, and for a page of another origin what
 * lets the browser hand the response over (Fetch standard, "CORS protocol"). To be called before
 * anything else is set. */
void cors_headers(struct exchange *x);

/* Adds to the response to an OPTIONS request what a browser asks before it sends anything but a
 * plain request: the methods of this path, and the request headers that the setting cors_headers
 * lists. Adds nothing if the request is not a preflight, or not from an allowed origin. */
void cors_preflight(struct exchange *x);

#endif
