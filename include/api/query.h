/* query.h: handler of /query (contract/query.md). */
#ifndef MUSTER_API_QUERY_H
#define MUSTER_API_QUERY_H

#include "api/context.h"

/* GET, and POST as a form for long questions: both only read. */
int query_show(struct context *c);

#endif
