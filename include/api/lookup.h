/* lookup.h: handlers of /by-name, /by-names, /by-attr and /from-pools (contract/inventory.md
 * section 2). */
#ifndef MUSTER_API_LOOKUP_H
#define MUSTER_API_LOOKUP_H

#include "api/context.h"

int lookup_ask_by_name(struct context *c); /* before lookup_by_name */
int lookup_by_name(struct context *c);
int lookup_by_names(struct context *c);
int lookup_by_attr(struct context *c);
int lookup_from_pools(struct context *c);

#endif
