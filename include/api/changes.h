/* changes.h: handler of /changes (contract/changes.md). */
#ifndef MUSTER_API_CHANGES_H
#define MUSTER_API_CHANGES_H

#include "api/context.h"

int changes_list(struct context *c);

#endif
