/* preferences_changes.c: which of a user's containers were changed. */
#include "api/preferences_changes.h"

#include "api/changes_page.h"
#include "api/reply.h"

static void show_preference(struct json_writer *w, const struct feed_preference *preference) {
    json_object_open(w);
    json_key(w, "container");
    json_string(w, preference->container);
    json_key(w, "deleted");
    json_bool(w, preference->deleted);
    json_key(w, "revision");
    if (preference->deleted)
        json_null(w);
    else
        json_int(w, preference->revision);
    json_object_close(w);
}

int preferences_changes(struct context *c) {
    struct changes_page page;
    struct feed_preferences found;

    if (changes_page_read(c, &page) || changes_page_begin(c, &page) ||
        reply_rc(c, store_feed_preferences(c->store, c->arena, c->request->user, &page.since,
                                           (size_t)page.limit, &found)) ||
        changes_page_check(c, &found.page))
        return c->response->status;
    changes_page_headers(c, &found.page);
    json_array_open(reply_json(c, 200));
    for (size_t i = 0; i < found.count; i++)
        show_preference(c->json, &found.items[i]);
    json_array_close(c->json);
    return reply_end(c);
}
