/* changes_event.h: which events of the inventory a request wants, and events to JSON: for the
 * handler, and for whatever responds later. */
#ifndef MUSTER_API_CHANGES_EVENT_H
#define MUSTER_API_CHANGES_EVENT_H

#include "api/context.h"
#include "store/feed.h"

/* Parameters that events are chosen by, and attrs. 404: a pool never existed; 400: a question that
 * can't be read. The compiled question is in `lasting`. */
struct changes_wanted {
    struct feed_filter filter;
    bool attrs; /* are they to be shown? */
};
int changes_event_read(struct context *c, struct arena *lasting, struct changes_wanted *out);

/* {attrs, change, description, id, object, seq, time, user, version}; was, of a renamed object.
 * attrs: {added, datatype, id, key, number, subkey, value}. */
void changes_event_show(struct context *c, const struct changes_wanted *wanted,
                        const struct feed_event *event);

#endif
