/* operating.h: handlers for those who look whether the server is well. */
#ifndef MUSTER_SERVER_OPERATING_H
#define MUSTER_SERVER_OPERATING_H

#include "api/context.h"

int operating_live(struct context *c);
int operating_ready(struct context *c);
int operating_metrics(struct context *c);

#endif
