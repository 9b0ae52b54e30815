/* changes_answer.h: a response of /changes from what was read: for the handler, and for the waiter,
 * which responds later (server/waiter.h). */
#ifndef MUSTER_API_CHANGES_ANSWER_H
#define MUSTER_API_CHANGES_ANSWER_H

#include "api/changes_event.h"

struct changes_answer {
    const struct feed_event **events; /* room for `limit` of them */
    size_t count, limit;
    struct feed_cursor from; /* where the last batch began */
    struct feed_page page;   /* where it ends */
};

/* None yet, of at most `limit`. */
struct changes_answer changes_answer_new(struct arena *arena, size_t limit);

/* Adds the events of a batch that pass, until there are enough. */
void changes_answer_add(struct changes_answer *answer, const struct changes_wanted *wanted,
                        const struct feed_cursor *from, const struct feed_events *events);

/* Responds with them. In a stream they must be of one batch, and more can follow. Returns the
 * status. */
int changes_answer_send(struct context *c, const struct changes_wanted *wanted,
                        const struct changes_answer *answer);

#endif
