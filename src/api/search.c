/* search.c: handler of /search: objects by a text in their names, addresses, attributes. */
#include "api/search.h"

#include "api/input.h"
#include "api/reply.h"
#include "api/show.h"
#include "base/num.h"
#include "base/quote.h"
#include "store/search.h"

enum { PAGE = 50 };

/* "PLACE-ID", as Clusto-Next said. */
static int read_after(struct context *c, struct search *wanted) {
    const char *text = input_nonempty(c, "after");
    int64_t id = 0;

    if (!text)
        return 0;
    if (*text < '0' || *text > '0' + SEARCH_PLACES - 1 || text[1] != '-' ||
        num_parse_range(text + 2, 0, INT32_MAX, &id) != NUM_OK)
        return reply_fail(c, 400, "%s is no cursor of a search", quote(c->arena, text));
    wanted->place = *text - '0';
    wanted->after = (int32_t)id;
    return 0;
}

static void show_found(struct context *c, const struct search_found *found) {
    static const char *const ranks[] = {"exact", "beginning", "inside"};
    struct json_writer *w = c->json;

    json_object_open(w);
    json_key(w, "object");
    show_ref(c, &found->ref);
    json_key(w, "match");
    json_string(w, ranks[found->rank]);
    json_key(w, "in");
    json_string(w, found->is_name ? "name" : "attr");
    json_key_string(w, "key", found->key);
    json_key_string(w, "subkey", found->subkey);
    json_key(w, "value");
    json_string(w, found->text);
    json_object_close(w);
}

static void add_next(struct context *c, const struct search_found *last) {
    static const char *const own[] = {"after", NULL};
    const char *next = arena_printf(c->arena, "%d-%d", last->place, (int)last->ref.id);

    response_header(c->response, "Clusto-Next", next);
    reply_link_next(c, own, arena_printf(c->arena, "after=%s", next));
}

int search_show(struct context *c) {
    struct search wanted = {.text = input_nonempty(c, "q"), .limit = PAGE};
    struct search_found *found;
    size_t count;
    bool more;

    if (!wanted.text)
        return reply_fail(c, 412, "Provide a text to search for as q");
    if (read_after(c, &wanted) ||
        reply_rc(c, store_search(c->store, c->arena, &wanted, &found, &count, &more)))
        return c->response->status;
    c->dependencies.anything = true;
    reply_json(c, 200);
    if (more)
        add_next(c, &found[count - 1]);
    json_array_open(c->json);
    for (size_t i = 0; i < count; i++)
        show_found(c, &found[i]);
    json_array_close(c->json);
    return reply_end(c);
}
