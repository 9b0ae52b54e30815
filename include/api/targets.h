/* targets.h: handler of /targets (contract/integrations.md). */
#ifndef MUSTER_API_TARGETS_H
#define MUSTER_API_TARGETS_H

#include "api/context.h"

int targets_list(struct context *c);

#endif
