/* changes_page.c: what all readers of changes send and get. */
#include "api/changes_page.h"

#include <string.h>

#include "api/input.h"
#include "api/reply.h"
#include "base/num.h"
#include "base/quote.h"
#include "http/accept.h"

#define STREAM "text/event-stream"

/* Below the 60 seconds that front servers usually wait for a response. */
enum { MAX_WAIT = 50 };

bool changes_page_is_stream(const struct context *c) {
    return accept_names(request_header(c->request, "Accept"), STREAM);
}

/* A browser that connects again says where it was. */
static const char *cursor_of(const struct context *c) {
    const char *last =
        changes_page_is_stream(c) ? request_header(c->request, "Last-Event-ID") : NULL;

    return last != NULL && *last != '\0' ? last : input_nonempty(c, "since");
}

bool changes_page_has_cursor(const struct context *c) {
    return cursor_of(c) != NULL;
}

static int read_wait(struct context *c, int64_t *seconds) {
    const char *text = request_header(c->request, "Clusto-Wait");

    *seconds = 0;
    if (text == NULL || num_parse_range(text, 0, MAX_WAIT, seconds) == NUM_OK)
        return 0;
    return reply_fail(c, 400, "Clusto-Wait must be a number of seconds from 0 to %d, not %s.",
                      MAX_WAIT, quote(c->arena, text));
}

int changes_page_read(struct context *c, struct changes_page *out) {
    const char *since = cursor_of(c);

    *out = (struct changes_page){.limit = FEED_MAX_PAGE, .stream = changes_page_is_stream(c)};
    if (!since)
        return reply_fail(c, 400,
                          "Send the cursor since: what Clusto-Next said, or \"now\" to begin.");
    out->now = strcmp(since, "now") == 0;
    if (!out->now && !feed_cursor_parse(since, &out->since))
        return reply_fail(c, 400, "\"since\" must be what Clusto-Next said, or \"now\", not %s.",
                          quote(c->arena, since));
    return read_wait(c, &out->wait) != 0 ? c->response->status
                                         : input_number(c, "limit", 1, FEED_MAX_PAGE, &out->limit);
}

/* A point that was made is there for another attempt, too. */
static enum rc find_latest(struct context *c, struct feed_status *out) {
    enum rc rc;

    if (!c->point_made)
        return store_feed_latest(c->store, c->arena, out);
    rc = store_feed_make(c->store, c->arena, out);
    if (rc == RC_OK) {
        c->point_made();
        c->point_made = NULL;
    }
    return rc;
}

int changes_page_begin(struct context *c, struct changes_page *page) {
    struct feed_status status;

    if (reply_rc(c, find_latest(c, &status)))
        return c->response->status;
    if (status.blind)
        return reply_fail(c, 409, "Changes are not reported here: %s.", status.blind);
    /* A reader with a cursor is told the rest later; a new one must not be told what was
     * acknowledged before. */
    if (page->now && status.behind)
        return reply_busy(c, "Too many writes are waiting. Please try again.");
    if (page->now)
        page->since = status.latest;
    page->made = status.made;
    store_begin_snapshot(c->store);
    return 0;
}

int changes_page_send_start(struct context *c, const struct changes_page *page) {
    struct feed_page empty = {.next = page->since, .made = page->made};

    changes_page_headers(c, &empty);
    json_array_open(reply_json(c, 200));
    json_array_close(c->json);
    return reply_end(c);
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

/* X-Accel-Buffering is for nginx. After the first part of the stream there is nothing to set. */
static void set_stream_headers(struct context *c) {
    if (c->response->started)
        return;
    c->response->status = 200;
    response_header(c->response, "Content-Type", STREAM);
    response_header(c->response, "Cache-Control", "no-store");
    response_header(c->response, "X-Accel-Buffering", "no");
}

void changes_page_headers(struct context *c, const struct feed_page *page) {
    static const char *const own[] = {"since", NULL};
    const char *next = feed_cursor_text(c->arena, &page->next);

    if (changes_page_is_stream(c)) {
        set_stream_headers(c);
        return;
    }
    response_header(c->response, "Clusto-Next", next);
    response_header(c->response, "Clusto-More", page->more ? "true" : "false");
    response_header(c->response, "Clusto-Made", page->made);
    response_header(c->response, "Cache-Control", "no-store");
    reply_link_next(c, own, arena_printf(c->arena, "since=%s", next));
}

void changes_page_wait(struct context *c, const struct changes_page *page,
                       const struct feed_cursor *at) {
    c->wait = (struct context_wait){.seconds = page->stream ? MAX_WAIT : (int)page->wait,
                                    .cursor = feed_cursor_text(c->arena, at),
                                    .stream = page->stream};
}

const char *changes_page_comment(struct arena *arena, const char *cursor) {
    return arena_join(arena, (const char *[]){":\nid: ", cursor, "\n\n", NULL});
}

static void write_text(struct context *c, const char *text) {
    (void)response_write(c->response, text, strlen(text));
}

void changes_page_event_begin(struct context *c, const struct feed_cursor *id) {
    write_text(c, arena_join(c->arena, (const char *[]){"id: ", feed_cursor_text(c->arena, id),
                                                        "\ndata: ", NULL}));
    json_begin(c->json, true, response_write, c->response);
}

void changes_page_event_end(struct context *c) {
    (void)json_end(c->json);
    write_text(c, "\n\n");
}
