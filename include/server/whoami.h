/* whoami.h: handler of /__whoami__ (contract/web.md). */
#ifndef MUSTER_SERVER_WHOAMI_H
#define MUSTER_SERVER_WHOAMI_H

#include "api/context.h"

/* Who the client is, who says so, and which roles it has on which part. */
int whoami_show(struct context *c);

#endif
