/* relatives.c: handlers of what is around an object: what contains it, what refers to it. */
#include "api/relatives.h"

#include <string.h>
#include <strings.h>

#include "api/find.h"
#include "api/input.h"
#include "api/reply.h"
#include "api/show.h"

int relatives_parents(struct context *c) {
    struct listing listing = {.kind = LIST_CONTAINERS,
                              .ancestors = input_boolean(c, "ancestors", false)};
    enum context_mode mode = input_mode(c, MODE_COMPACT);
    struct ref ref = {0};
    struct page page;
    enum rc rc = store_ref_by_name(c->store, c->arena, c->args[1], &ref);

    if (find_check(c, rc, c->args[1], &ref, c->args[0]) || input_page(c, &page) ||
        input_filters(c, &listing) || input_check_mode(c, mode))
        return c->response->status;
    listing.member = ref.id;
    c->dependencies.anything = true;
    return show_list(c, &listing, mode, &page);
}

/* --- references --- */

static bool show_reference(void *context, const struct reference *reference) {
    struct reply_list *list = context;
    struct context *c = list->context;
    struct json_writer *w = c->json;

    reply_list_begin(list);
    json_object_open(w);
    json_key_string(w, "key", reference->key);
    json_key(w, "number");
    json_int_or_null(w, reference->has_number, reference->number);
    json_key(w, "object");
    show_ref(c, &reference->owner);
    json_key_string(w, "subkey", reference->subkey);
    json_object_close(w);
    return reply_list_is_wanted(c);
}

int relatives_references(struct context *c) {
    struct references wanted = {.key = input_nonempty(c, "key"),
                                .subkey = input_nonempty(c, "subkey")};
    struct page page;
    struct reply_list list = {.context = c, .page = &page};
    struct ref ref = {0};
    enum rc rc = store_ref_by_name(c->store, c->arena, c->args[1], &ref);

    if (find_check(c, rc, c->args[1], &ref, c->args[0]) || input_page(c, &page))
        return c->response->status;
    wanted.object = ref.id;
    wanted.page = reply_list_page(&page);
    reply_depends_on(c, ref.id);
    rc = store_list_references(c->store, &wanted, &list.extent, show_reference, &list);
    return rc == RC_OK ? reply_list_end(&list) : reply_rc(c, rc);
}
