/* lookup.c: handlers of /by-name, /by-names, /by-attr and /from-pools. */
#include "api/lookup.h"

#include <string.h>

#include "api/condition.h"
#include "api/find.h"
#include "api/input.h"
#include "api/list_tag.h"
#include "api/reply.h"
#include "api/show.h"
#include "api/show_repeats.h"
#include "model/driver.h"

int lookup_ask_by_name(struct context *c) {
    find_ask(c, c->args[0]);
    return 0;
}

int lookup_by_name(struct context *c) {
    const char *name = c->args[0], *driver = params_last(&c->request->params, "driver");
    enum context_mode mode = input_mode(c, MODE_EXPANDED);
    struct object object = {0};
    enum rc rc = find_take(c, &object);

    if (find_check(c, rc, name, &object.ref, driver) || input_check_mode(c, mode) ||
        input_check_contents(c))
        return c->response->status;
    reply_depends_on(c, object.ref.id);
    if (condition_shown(c, &object))
        return c->response->status;
    return show_one(c, 200, mode, &object);
}

static int names_status(size_t known, size_t count) {
    if (known == 0)
        return 404;
    return known == count ? 200 : 206;
}

/* A part of a list has none: 206, where some names are unknown. */
static int tag_list(struct context *c, bool all_known, const char *snapshot) {
    if (!all_known)
        return 0;
    if (condition_listed(c))
        return c->response->status;
    list_tag_set(c, snapshot);
    return 0;
}

static int answer_refs_by_names(struct context *c, const char *const *names, size_t count) {
    struct ref *refs = arena_array(c->arena, count, sizeof *refs);
    size_t known = 0;
    const char *snapshot;

    if (reply_rc(c, store_refs_by_names(c->store, c->arena, names, count, refs, &snapshot)))
        return c->response->status;
    for (size_t i = 0; i < count; i++)
        known += refs[i].id != 0;
    if (tag_list(c, known == count, snapshot))
        return c->response->status;
    reply_json(c, names_status(known, count));
    json_array_open(c->json);
    for (size_t i = 0; i < count; i++)
        show_ref(c, &refs[i]);
    json_array_close(c->json);
    return reply_end(c);
}

static int answer_objects_by_names(struct context *c, const char *const *names, size_t count) {
    struct object *objects = arena_array(c->arena, count, sizeof *objects);
    size_t known = 0;
    const char *snapshot;

    if (reply_rc(c, store_objects_by_names(c->store, c->arena, names, count, objects, &snapshot)) ||
        show_repeats_check(c, objects, count))
        return c->response->status;
    for (size_t i = 0; i < count; i++)
        known += objects[i].ref.id != 0;
    if (tag_list(c, known == count, snapshot))
        return c->response->status;
    reply_json(c, names_status(known, count));
    json_array_open(c->json);
    for (size_t i = 0; i < count; i++) {
        if (objects[i].ref.id != 0)
            show_object(c, &objects[i]);
        else
            json_null(c->json);
    }
    json_array_close(c->json);
    return reply_end(c);
}

int lookup_by_names(struct context *c) {
    size_t count;
    const char **names = params_all(&c->request->params, c->arena, "name", &count);
    enum context_mode mode = input_mode(c, MODE_COMPACT);

    if (count == 0)
        return reply_fail(c, 412, "Provide at least one name to get data from");
    if (input_check_mode(c, mode))
        return c->response->status;
    return mode == MODE_COMPACT ? answer_refs_by_names(c, names, count)
                                : answer_objects_by_names(c, names, count);
}

int lookup_by_attr(struct context *c) {
    struct listing listing = {.kind = LIST_BY_ATTR,
                              .key = input_nonempty(c, "key"),
                              .subkey = input_nonempty(c, "subkey"),
                              .value = input_nonempty(c, "value")};
    enum context_mode mode = input_mode(c, MODE_COMPACT);
    struct page page;

    if (!listing.key)
        return reply_fail(c, 412, "Provide a key to use get_by_attr");
    if (input_page(c, &page) || input_check_mode(c, mode))
        return c->response->status;
    return show_list(c, &listing, mode, &page);
}

static int read_pools(struct context *c, const char *const *names, size_t count,
                      struct listing *listing) {
    bool any = input_boolean(c, "containers", false);
    struct ref *refs = arena_array(c->arena, count, sizeof *refs);
    int32_t *ids = arena_array(c->arena, count, sizeof *ids);

    if (find_pools(c, names, count, any, refs, &listing->found_at))
        return c->response->status;
    for (size_t i = 0; i < count; i++)
        ids[i] = refs[i].id;
    listing->pools = ids;
    listing->pool_count = count;
    return 0;
}

int lookup_from_pools(struct context *c) {
    struct listing listing = {.kind = LIST_FROM_POOLS};
    enum context_mode mode = input_mode(c, MODE_COMPACT);
    struct page page;
    size_t count;
    const char **pools = params_all(&c->request->params, c->arena, "pool", &count);

    if (count == 0)
        return reply_fail(c, 412, "Provide at least one pool to get data from");
    if (input_page(c, &page) || input_check_nonempty(c, "pool", pools, count) ||
        read_pools(c, pools, count, &listing) || input_filters(c, &listing) ||
        input_check_mode(c, mode))
        return c->response->status;
    listing.children = input_boolean(c, "children", true);
    c->dependencies.anything = true;
    return show_list(c, &listing, mode, &page);
}
