/* rack.h: handler of /entity/DRIVER/NAME/units. */
#ifndef MUSTER_API_RACK_H
#define MUSTER_API_RACK_H

#include "api/context.h"

/* Which units a rack has, what is in them, and which are free. */
int rack_units(struct context *c);

#endif
