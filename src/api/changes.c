/* changes.c: handler of /changes: what was committed after a cursor. */
#include "api/changes.h"

#include "api/changes_answer.h"
#include "api/changes_page.h"
#include "api/reply.h"
#include "base/clock.h"

/* Batches that one request looks through for events that pass its filter, and milliseconds for
 * which a stream that is behind keeps a worker: then the client comes again. */
enum { MAX_BATCHES = 10, MAX_STREAM_MS = 5000 };

static struct feed_wanted first_batch(const struct changes_page *page,
                                      const struct changes_wanted *wanted) {
    return (struct feed_wanted){.from = page->since,
                                .limit = (size_t)page->limit,
                                .attrs = wanted->attrs || feed_filter_needs_attrs(&wanted->filter),
                                .containers = feed_filter_needs_containers(&wanted->filter)};
}

static int read_batch(struct context *c, const struct feed_wanted *batch,
                      const struct changes_wanted *wanted, struct feed_events *events) {
    enum rc rc = store_feed_read(c->store, c->arena, batch, events);

    if (rc == RC_OK)
        rc = store_feed_fit(c->store, c->arena, &wanted->filter, events);
    return reply_rc(c, rc);
}

/* What is lost after the first batch is so for the next request. */
static int collect(struct context *c, const struct changes_page *page,
                   const struct changes_wanted *wanted, struct changes_answer *out) {
    struct feed_wanted batch = first_batch(page, wanted);
    struct feed_events events;

    for (int i = 0; i < MAX_BATCHES && out->count < out->limit && (i == 0 || out->page.more); i++) {
        if (read_batch(c, &batch, wanted, &events))
            return c->response->status;
        if (events.page.state != FEED_OK)
            return i == 0 ? changes_page_check(c, &events.page) : 0;
        changes_answer_add(out, wanted, &batch.from, &events);
        batch.from = out->page.next;
    }
    return 0;
}

static int list(struct context *c, const struct changes_page *page,
                const struct changes_wanted *wanted) {
    struct changes_answer answer = changes_answer_new(c->arena, (size_t)page->limit);

    if (collect(c, page, wanted, &answer))
        return c->response->status;
    if (answer.count == 0 && !answer.page.more)
        changes_page_wait(c, page, &answer.page.next);
    return changes_answer_send(c, wanted, &answer);
}

/* Batch by batch up to the latest point; from there the waiter goes on. */
static int stream(struct context *c, const struct changes_page *page,
                  const struct changes_wanted *wanted) {
    int64_t until = clock_ms() + MAX_STREAM_MS;
    struct feed_wanted batch = first_batch(page, wanted);
    struct feed_events events = {.page = {.more = true}};

    while (events.page.more && clock_ms() < until && !c->response->failed) {
        struct changes_answer answer = changes_answer_new(c->arena, batch.limit);

        if (read_batch(c, &batch, wanted, &events) || changes_page_check(c, &events.page))
            return c->response->status;
        changes_answer_add(&answer, wanted, &batch.from, &events);
        (void)changes_answer_send(c, wanted, &answer);
        batch.from = events.page.next;
    }
    if (!events.page.more)
        changes_page_wait(c, page, &events.page.next);
    return c->response->status;
}

int changes_list(struct context *c) {
    struct changes_page page;
    struct changes_wanted wanted;

    if (changes_page_read(c, &page) || changes_page_begin(c, &page) ||
        changes_event_read(c, c->arena, &wanted))
        return c->response->status;
    if (page.stream)
        return stream(c, &page, &wanted);
    return page.now ? changes_page_send_start(c, &page) : list(c, &page, &wanted);
}
