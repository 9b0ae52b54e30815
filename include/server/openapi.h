/* openapi.h: GET /__openapi__: the description of the interface, made from the table of routes. */
#ifndef MUSTER_SERVER_OPENAPI_H
#define MUSTER_SERVER_OPENAPI_H

#include "api/context.h"
#include "server/route.h"

/* The table that is described; before the first request. */
void openapi_open(const struct route *table, size_t count);

/* OpenAPI 3.0.3, or 3.1.0 with version=3.1. The first request of each form in a process makes it.
 */
int openapi_show(struct context *c);

#endif
