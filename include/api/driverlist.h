/* driverlist.h: handler of /driverlist: the drivers and their classes, or what they are and how many
 * objects each has. */
#ifndef MUSTER_API_DRIVERLIST_H
#define MUSTER_API_DRIVERLIST_H

#include "api/context.h"

/* Expanded it also has drivers that only the database knows. */
int driverlist_show(struct context *c);

#endif
