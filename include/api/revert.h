/* revert.h: the handler of POST /revert (contract/history.md A4). */
#ifndef MUSTER_API_REVERT_H
#define MUSTER_API_REVERT_H

#include "api/context.h"

int revert_post(struct context *c);

#endif
