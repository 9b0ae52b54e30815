/* changes.c: handler of /changes: what was committed after a cursor. */
#include "api/changes.h"

#include "api/changes_page.h"
#include "api/changes_show.h"
#include "api/reply.h"

/* Batches that one request looks through for events that pass its filter. */
enum { MAX_BATCHES = 10 };

struct answer {
    const struct feed_event **events;
    size_t count;
    struct feed_page page;
};

/* Takes those that pass until there are enough. */
static void choose(const struct changes_wanted *wanted, const struct feed_cursor *from,
                   const struct feed_events *events, size_t limit, struct answer *out) {
    out->page = events->page;
    for (size_t i = 0; i < events->count; i++) {
        const struct feed_event *event = &events->items[i];

        if (!feed_filter_passes(&wanted->filter, event))
            continue;
        out->events[out->count++] = event;
        if (out->count == limit && i + 1 < events->count) {
            feed_span_stop(&out->page, from, event->seq);
            return;
        }
    }
}

/* What is lost after the first batch is so for the next request. */
static int collect(struct context *c, const struct changes_page *page,
                   const struct changes_wanted *wanted, struct answer *out) {
    size_t limit = (size_t)page->limit;
    struct feed_wanted batch = {.from = page->since,
                                .limit = limit,
                                .attrs = wanted->attrs || feed_filter_needs_attrs(&wanted->filter),
                                .containers = feed_filter_needs_containers(&wanted->filter)};
    struct feed_events events;

    for (int i = 0; i < MAX_BATCHES && out->count < limit && (i == 0 || out->page.more); i++) {
        if (reply_rc(c, store_feed_read(c->store, c->arena, &batch, &events)))
            return c->response->status;
        if (events.page.state != FEED_OK)
            return i == 0 ? changes_page_check(c, &events.page) : 0;
        choose(wanted, &batch.from, &events, limit, out);
        batch.from = out->page.next;
    }
    return 0;
}

int changes_list(struct context *c) {
    struct changes_page page;
    struct changes_wanted wanted;
    struct answer answer = {.count = 0};

    if (changes_page_read(c, &page) || changes_page_begin(c, &page) ||
        changes_show_read(c, &wanted))
        return c->response->status;
    answer.events = arena_array(c->arena, (size_t)page.limit, sizeof(*answer.events));
    if (collect(c, &page, &wanted, &answer))
        return c->response->status;
    changes_page_headers(c, &answer.page);
    json_array_open(reply_json(c, 200));
    for (size_t i = 0; i < answer.count; i++)
        changes_show_event(c, &wanted, answer.events[i]);
    json_array_close(c->json);
    return reply_end(c);
}
