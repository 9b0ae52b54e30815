/* preferences_changes.h: which of a user's containers were changed (contract/changes.md B5). */
#ifndef MUSTER_API_PREFERENCES_CHANGES_H
#define MUSTER_API_PREFERENCES_CHANGES_H

#include "api/context.h"

/* Responds to GET /preferences/?changes. */
int preferences_changes(struct context *c);

#endif
