/* device_ports.h: handlers of /entity/DRIVER/NAME/ports. */
#ifndef MUSTER_API_DEVICE_PORTS_H
#define MUSTER_API_DEVICE_PORTS_H

#include "api/context.h"

int device_ports_show(struct context *c);
int device_ports_action(struct context *c);

#endif
