/* relatives.c: handlers of what is around an object: what contains it, what refers to it. */
#include "api/relatives.h"

#include <string.h>
#include <strings.h>

#include "api/find.h"
#include "api/input.h"
#include "api/reply.h"
#include "api/show.h"
#include "model/driver.h"

/* Exact driver and type names to filter by. */
static int get_filters(struct context *c, struct listing *listing) {
    const struct params *params = &c->request->params;

    listing->drivers = params_all(params, c->arena, "driver", &listing->driver_count);
    listing->types = params_all(params, c->arena, "type", &listing->type_count);
    for (size_t i = 0; i < listing->driver_count; i++)
        if (!driver_find(listing->drivers[i]))
            return reply_fail(c, 412, "The driver \"%s\" is not a valid driver",
                              listing->drivers[i]);
    for (size_t i = 0; i < listing->type_count; i++)
        if (!driver_last_of_type(listing->types[i]))
            return reply_fail(c, 412, "The type \"%s\" is not a valid type", listing->types[i]);
    return 0;
}

int relatives_parents(struct context *c) {
    struct listing listing = {.kind = LIST_CONTAINERS,
                              .ancestors = input_boolean(c, "ancestors", false)};
    enum context_mode mode = input_mode(c, MODE_COMPACT);
    struct ref ref = {0};
    struct page page;
    enum rc rc = store_ref_by_name(c->store, c->arena, c->args[1], &ref);

    if (find_check(c, rc, c->args[1], &ref, c->args[0]) || input_page(c, &page) ||
        get_filters(c, &listing) || input_check_mode(c, mode))
        return c->response->status;
    listing.member = ref.id;
    c->dependencies.anything = true;
    return show_list(c, &listing, mode, &page);
}

/* --- references --- */

struct reference_list {
    struct context *context;
    const struct page *page;
    struct list_extent extent;
    bool begun;
};

/* The headers need the total, which is known when the first row comes. */
static void begin(struct reference_list *list) {
    if (list->begun)
        return;
    list->begun = true;
    reply_page_headers(list->context, list->page, list->extent.total, list->extent.next);
    reply_json(list->context, 200);
    json_array_open(list->context->json);
}

/* False once the client takes no more. */
static bool show_reference(void *context, const struct reference *reference) {
    struct reference_list *list = context;
    struct context *c = list->context;
    struct json_writer *w = c->json;

    begin(list);
    json_object_open(w);
    json_key(w, "key");
    json_string(w, reference->key);
    json_key(w, "number");
    if (reference->has_number)
        json_int(w, reference->number);
    else
        json_null(w);
    json_key(w, "object");
    show_ref(c, &reference->owner);
    json_key(w, "subkey");
    json_string(w, reference->subkey);
    json_object_close(w);
    return !c->response->failed && !response_enough(c->response);
}

static void set_page(struct references *wanted, const struct page *page) {
    if (page->number > 0) {
        wanted->limit = page->per_page;
        wanted->offset = (page->number - 1) * page->per_page;
    } else if (page->keyset) {
        wanted->limit = page->per_page;
        wanted->keyset = true;
        wanted->after = page->after;
    }
}

int relatives_references(struct context *c) {
    struct references wanted = {.key = input_nonempty(c, "key"),
                                .subkey = input_nonempty(c, "subkey")};
    struct reference_list list = {.context = c};
    struct ref ref = {0};
    struct page page;
    enum rc rc = store_ref_by_name(c->store, c->arena, c->args[1], &ref);

    if (find_check(c, rc, c->args[1], &ref, c->args[0]) || input_page(c, &page))
        return c->response->status;
    wanted.object = ref.id;
    set_page(&wanted, &page);
    list.page = &page;
    reply_depends_on(c, ref.id);
    rc = store_list_references(c->store, &wanted, &list.extent, show_reference, &list);
    if (rc != RC_OK)
        return reply_rc(c, rc);
    begin(&list);
    json_array_close(c->json);
    return reply_end(c);
}
