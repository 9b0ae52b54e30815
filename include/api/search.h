/* search.h: handler of /search. */
#ifndef MUSTER_API_SEARCH_H
#define MUSTER_API_SEARCH_H

#include "api/context.h"

int search_show(struct context *c);

#endif
