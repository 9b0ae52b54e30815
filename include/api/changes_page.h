/* changes_page.h: what all readers of changes send and get: the cursor, how many, where it goes on.
 * Checks return 0, or the status of the refusal that they sent. */
#ifndef MUSTER_API_CHANGES_PAGE_H
#define MUSTER_API_CHANGES_PAGE_H

#include "api/context.h"
#include "store/feed.h"

/* The parameters since and limit. */
struct changes_page {
    bool now; /* no events: only where to begin */
    struct feed_cursor since;
    int64_t limit;
};
int changes_page_read(struct context *c, struct changes_page *out);

/* Makes a point and begins a snapshot in which it is there. Where `now` is asked for it responds
 * with an empty list: the status. 409: changes are not reported here. */
int changes_page_begin(struct context *c, const struct changes_page *page);

/* 410 if the changes after the cursor are not known any more. */
int changes_page_check(struct context *c, const struct feed_page *page);

/* Clusto-Next, Clusto-More, Clusto-Made, Link; nothing may be cached. */
void changes_page_headers(struct context *c, const struct feed_page *page);

#endif
