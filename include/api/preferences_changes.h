/* preferences_changes.h: which of a user's containers were changed (contract/changes.md B5). */
#ifndef MUSTER_API_PREFERENCES_CHANGES_H
#define MUSTER_API_PREFERENCES_CHANGES_H

#include "api/context.h"
#include "store/feed.h"

/* Responds to GET /preferences/?changes. */
int preferences_changes(struct context *c);

/* Its last part, for the waiter (server/waiter.h): responds with what follows `from`, or sends the
 * next part of a stream. Returns the status. */
int preferences_changes_send(struct context *c, const struct feed_cursor *from,
                             const struct feed_preferences *found);

#endif
