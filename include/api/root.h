/* root.h: handlers of the paths that belong to no mount (contract/inventory.md section 2). Each
 * returns its status. */
#ifndef MUSTER_API_ROOT_H
#define MUSTER_API_ROOT_H

#include "api/context.h"

int root_favicon(struct context *c);
int root_version(struct context *c);
int root_meta(struct context *c);
int root_typelist(struct context *c);

#endif
