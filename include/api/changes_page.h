/* changes_page.h: what all readers of changes send and get: the cursor, how many, where it goes on.
 * Checks return 0, or the status of the refusal that they sent. */
#ifndef MUSTER_API_CHANGES_PAGE_H
#define MUSTER_API_CHANGES_PAGE_H

#include "api/context.h"
#include "store/feed.h"

/* The parameters since and limit, and how changes are waited for. */
struct changes_page {
    bool now; /* no events: only where to begin */
    struct feed_cursor since;
    int64_t limit;
    int64_t wait; /* Clusto-Wait, in seconds; 0: there is no waiting */
    bool stream;  /* text/event-stream: events as they come, from Last-Event-ID on if it is sent */
    const char *made; /* by changes_page_begin: when the latest point was made */
};
int changes_page_read(struct context *c, struct changes_page *out);

/* True if the request says after which changes: since, or of a stream Last-Event-ID. */
bool changes_page_has_cursor(const struct context *c);

/* Makes a point, which `since` is where `now` is asked for, and begins a snapshot in which it is
 * there. 409: changes are not reported here; 503: as many writes wait as may, and `now` needs one.
 */
int changes_page_begin(struct context *c, struct changes_page *page);

/* The response to `now`: no events, and where to begin. Parameters are checked before, so that a
 * client is told of a wrong one by its first request. Returns the status. */
int changes_page_send_start(struct context *c, const struct changes_page *page);

/* 410 if the changes after the cursor are not known any more. */
int changes_page_check(struct context *c, const struct feed_page *page);

/* Clusto-Next, Clusto-More, Clusto-Made, Link, or those of a stream; nothing may be cached. */
void changes_page_headers(struct context *c, const struct feed_page *page);

/* The client knows everything up to `at`. It waits for more if it wants to, and a stream goes on.
 */
void changes_page_wait(struct context *c, const struct changes_page *page,
                       const struct feed_cursor *at);

/* True if the request wants a stream. */
bool changes_page_is_stream(const struct context *c);

/* What a stream has where there is no event, so that the client and those between see that it
 * lives: a comment, and with it where the client is. In the arena. */
const char *changes_page_comment(struct arena *arena, const char *cursor);

/* Around the JSON document of an event in a stream; `id` is where the client is after it. */
void changes_page_event_begin(struct context *c, const struct feed_cursor *id);
void changes_page_event_end(struct context *c);

#endif
