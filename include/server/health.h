/* health.h: handlers for those who look whether the server is well. */
#ifndef MUSTER_SERVER_HEALTH_H
#define MUSTER_SERVER_HEALTH_H

#include "api/context.h"

int health_live(struct context *c);
int health_ready(struct context *c);
int health_metrics(struct context *c);

#endif
