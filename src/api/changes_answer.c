/* changes_answer.c: a response of /changes from what was read. */
#include "api/changes_answer.h"

#include "api/changes_page.h"
#include "api/reply.h"

struct changes_answer changes_answer_new(struct arena *arena, size_t limit) {
    return (struct changes_answer){
        .events = arena_array(arena, limit, sizeof(const struct feed_event *)), .limit = limit};
}

void changes_answer_add(struct changes_answer *answer, const struct changes_wanted *wanted,
                        const struct feed_cursor *from, const struct feed_events *events) {
    answer->from = *from;
    answer->page = events->page;
    for (size_t i = 0; i < events->count; i++) {
        const struct feed_event *event = &events->items[i];

        if (!feed_filter_passes(&wanted->filter, event))
            continue;
        answer->events[answer->count++] = event;
        if (answer->count == answer->limit && i + 1 < events->count) {
            feed_span_stop(&answer->page, from, event->seq);
            return;
        }
    }
}

/* Each with where the client is after it, so that one that is cut off can go on from there. */
static int stream(struct context *c, const struct changes_wanted *wanted,
                  const struct changes_answer *a) {
    for (size_t i = 0; i < a->count; i++) {
        const struct feed_cursor inside =
            feed_cursor_inside(&a->from, &a->page.next, a->events[i]->seq);

        changes_page_event_begin(c, i + 1 < a->count ? &inside : &a->page.next);
        changes_event_show(c, wanted, a->events[i]);
        changes_page_event_end(c);
    }
    return c->response->status;
}

int changes_answer_send(struct context *c, const struct changes_wanted *wanted,
                        const struct changes_answer *answer) {
    changes_page_headers(c, &answer->page);
    if (changes_page_is_stream(c))
        return stream(c, wanted, answer);
    json_array_open(reply_json(c, 200));
    for (size_t i = 0; i < answer->count; i++)
        changes_event_show(c, wanted, answer->events[i]);
    json_array_close(c->json);
    return reply_end(c);
}
