/* health.h: handlers for monitoring: is the server alive, is it ready, what has it counted. */
#ifndef MUSTER_SERVER_HEALTH_H
#define MUSTER_SERVER_HEALTH_H

#include "api/context.h"

int health_live(struct context *c);
int health_ready(struct context *c);
int health_metrics(struct context *c);

#endif
