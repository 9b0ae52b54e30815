/* preferences_search.h: which containers GET /preferences/ lists. */
#ifndef MUSTER_API_PREFERENCES_SEARCH_H
#define MUSTER_API_PREFERENCES_SEARCH_H

#include "api/context.h"

/* Reads what the documents must contain, as JSON text; NULL: anything. 0, or the status of the
 * response that was sent instead. */
int preferences_read_search(struct context *c, const char **search);

#endif
