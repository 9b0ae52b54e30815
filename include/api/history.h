/* history.h: handlers of /history and /diff (contract/history.md A4). */
#ifndef MUSTER_API_HISTORY_H
#define MUSTER_API_HISTORY_H

#include "api/context.h"

int history_show(struct context *c);
int history_diff(struct context *c);

#endif
