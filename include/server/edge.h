/* edge.h: the headers that every answer carries, whatever is answered. */
#ifndef MUSTER_SERVER_EDGE_H
#define MUSTER_SERVER_EDGE_H

#include "server/exchange.h"

/* Those of the configuration, the request's id, and for a page of another origin what lets the
 * browser hand the answer over (Fetch standard, "CORS protocol"). Before anything is answered. */
void edge_headers(struct exchange *x);

/* Adds to the answer of an OPTIONS what a browser asks before it sends anything but a plain
 * request: the methods of this path, and the request headers that cors_headers lists. Nothing if it
 * is no such question, or not from an origin that is allowed. */
void edge_preflight(struct exchange *x);

#endif
