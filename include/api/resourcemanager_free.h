/* resourcemanager_free.h: handler of /resourcemanager/DRIVER/NAME/free. */
#ifndef MUSTER_API_RESOURCEMANAGER_FREE_H
#define MUSTER_API_RESOURCEMANAGER_FREE_H

#include "api/context.h"

/* Which addresses a manager can still give, in how large a range. */
int resourcemanager_free(struct context *c);

#endif
