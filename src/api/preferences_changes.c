/* preferences_changes.c: which of a user's containers were changed. */
#include "api/preferences_changes.h"

#include "api/changes_page.h"
#include "api/reply.h"

static void show_preference(struct json_writer *w, const struct feed_preference *preference) {
    json_object_open(w);
    json_key_string(w, "container", preference->container);
    json_key(w, "deleted");
    json_bool(w, preference->deleted);
    json_key(w, "revision");
    json_int_or_null(w, !preference->deleted, preference->revision);
    json_object_close(w);
}

static void stream(struct context *c, const struct feed_cursor *from,
                   const struct feed_preferences *found) {
    for (size_t i = 0; i < found->count; i++) {
        const struct feed_cursor inside =
            feed_cursor_inside(from, &found->page.next, found->items[i].seq);

        changes_page_event_begin(c, i + 1 < found->count ? &inside : &found->page.next);
        show_preference(c->json, &found->items[i]);
        changes_page_event_end(c);
    }
}

int preferences_changes_send(struct context *c, const struct feed_cursor *from,
                             const struct feed_preferences *found) {
    changes_page_headers(c, &found->page);
    if (changes_page_is_stream(c)) {
        stream(c, from, found);
        return c->response->status;
    }
    json_array_open(reply_json(c, 200));
    for (size_t i = 0; i < found->count; i++)
        show_preference(c->json, &found->items[i]);
    json_array_close(c->json);
    return reply_end(c);
}

/* A stream has only one page here: a client that is further behind comes again. */
int preferences_changes(struct context *c) {
    struct changes_page page;
    struct feed_preferences found;

    if (changes_page_read(c, &page) || changes_page_begin(c, &page))
        return c->response->status;
    if (page.now && !page.stream)
        return changes_page_send_start(c, &page);
    if (reply_rc(c, store_feed_preferences(c->store, c->arena, c->request->user, &page.since,
                                           (size_t)page.limit, &found)) ||
        changes_page_check(c, &found.page))
        return c->response->status;
    if (!found.page.more && (found.count == 0 || page.stream))
        changes_page_wait(c, &page, &found.page.next);
    return preferences_changes_send(c, &page.since, &found);
}
