/* resourcemanager.h: handlers of /resourcemanager and /resource (contract/inventory.md section 5).
 */
#ifndef MUSTER_API_RESOURCEMANAGER_H
#define MUSTER_API_RESOURCEMANAGER_H

#include "api/context.h"

int resourcemanager_list(struct context *c);
int resourcemanager_create(struct context *c);
int resourcemanager_show(struct context *c);

/* What an allocation does ahead of its transaction: it takes a number. */
int resourcemanager_ask(struct context *c);
int resourcemanager_allocate(struct context *c);
int resourcemanager_deallocate(struct context *c);

#endif
