/* changes_page.c: what all readers of changes send and get. */
#include "api/changes_page.h"

#include <string.h>

#include "api/input.h"
#include "api/reply.h"
#include "base/quote.h"

int changes_page_read(struct context *c, struct changes_page *out) {
    const char *since = input_nonempty(c, "since");

    *out = (struct changes_page){.limit = FEED_MAX_PAGE};
    if (!since)
        return reply_fail(c, 400,
                          "Send the cursor since: what Clusto-Next said, or \"now\" to begin.");
    out->now = strcmp(since, "now") == 0;
    if (!out->now && !feed_cursor_parse(since, &out->since))
        return reply_fail(c, 400, "\"since\" must be what Clusto-Next said, or \"now\", not %s.",
                          quote(c->arena, since));
    return input_number(c, "limit", 1, FEED_MAX_PAGE, &out->limit);
}

static int answer_now(struct context *c, const struct feed_status *status) {
    struct feed_page page = {.next = status->latest, .made = status->made};

    changes_page_headers(c, &page);
    json_array_open(reply_json(c, 200));
    json_array_close(c->json);
    return reply_end(c);
}

int changes_page_begin(struct context *c, const struct changes_page *page) {
    struct feed_status status;

    if (reply_rc(c, store_feed_make(c->store, c->arena, &status)))
        return c->response->status;
    if (status.blind)
        return reply_fail(c, 409, "Changes are not reported here: %s.", status.blind);
    if (page->now)
        return answer_now(c, &status);
    store_begin_snapshot(c->store);
    return 0;
}

static void set_cursor(struct context *c, const char *name, const struct feed_cursor *cursor) {
    response_header(c->response, name, feed_cursor_text(c->arena, cursor));
}

int changes_page_check(struct context *c, const struct feed_page *page) {
    if (page->state == FEED_OK)
        return 0;
    reply_fail(c, 410,
               "The changes since then are not known any more: read everything that you need, then "
               "follow from Clusto-Next.");
    set_cursor(c, "Clusto-Oldest", &page->oldest);
    set_cursor(c, "Clusto-Next", &page->next);
    response_header(c->response, "Cache-Control", "no-store");
    return c->response->status;
}

void changes_page_headers(struct context *c, const struct feed_page *page) {
    static const char *const own[] = {"since", NULL};
    const char *next = feed_cursor_text(c->arena, &page->next);

    response_header(c->response, "Clusto-Next", next);
    response_header(c->response, "Clusto-More", page->more ? "true" : "false");
    response_header(c->response, "Clusto-Made", page->made);
    response_header(c->response, "Cache-Control", "no-store");
    reply_link_next(c, own, arena_printf(c->arena, "since=%s", next));
}
