/* targets.c: handler of /targets: what Prometheus reads as its service discovery by HTTP. */
#include "api/targets.h"

#include <string.h>

#include "api/condition.h"
#include "api/find.h"
#include "api/input.h"
#include "api/reply.h"
#include "api/targets_show.h"
#include "base/quote.h"
#include "model/driver.h"
#include "query/lexer.h"

/* --- what is asked for --- */

static int read_address(struct context *c, struct targets_options *out) {
    const char *text = input_nonempty(c, "address");
    struct lexer_path path;

    if (!text || strcmp(text, "ip") == 0) {
        out->key = "ip";
        out->subkey = "ipstring";
        return 0;
    }
    if (strcmp(text, "name") == 0)
        return 0;
    path = lexer_attr(c->arena, text);
    if (path.token.kind != TOKEN_WORD || path.number ||
        lexer_next(c->arena, path.token.end).kind != TOKEN_END)
        return reply_fail(c, 400, "%s is no address: ip, name or KEY.SUBKEY",
                          quote(c->arena, text));
    out->key = path.key;
    out->subkey = path.subkey;
    return 0;
}

static const struct query_node *test(struct context *c, struct query_node node) {
    struct query_node *copy = arena_alloc(c->arena, sizeof *copy);

    node.kind = QUERY_TEST;
    *copy = node;
    return copy;
}

/* What was asked for so far (NULL: everything), and this. */
static void narrow(struct context *c, const struct query_node **question,
                   const struct query_node *more) {
    struct query_node *both;

    if (!*question || (*question)->kind == QUERY_ALL) {
        *question = more;
        return;
    }
    both = arena_alloc(c->arena, sizeof *both);
    *both = (struct query_node){.kind = QUERY_AND, .left = *question, .right = more};
    *question = both;
}

static int read_pools(struct context *c, struct listing *listing) {
    size_t count;
    const char **names = params_all(&c->request->params, c->arena, "pool", &count);
    struct ref *refs = arena_array(c->arena, count, sizeof *refs);

    if (count == 0)
        return 0;
    if (c->options->query_tests > 0 && count > (size_t)c->options->query_tests)
        return reply_fail(c, 400, "At most %d pools can be sent.", c->options->query_tests);
    if (!store_in_transaction(c->store))
        store_begin_snapshot(c->store);
    if (input_check_nonempty(c, "pool", names, count) ||
        find_pools(c, names, count, false, refs, &listing->found_at))
        return c->response->status;
    for (size_t i = 0; i < count; i++) {
        narrow(c, &listing->question,
               test(c, (struct query_node){
                           .field = QUERY_WITHIN, .op = QUERY_EXISTS, .name = names[i]}));
    }
    return 0;
}

static const struct query_node *of_drivers(struct context *c, const char *const *names,
                                           size_t count) {
    struct query_value *values = arena_array(c->arena, count, sizeof *values);

    for (size_t i = 0; i < count; i++)
        values[i].text = names[i];
    return test(c,
                (struct query_node){
                    .field = QUERY_DRIVER, .op = QUERY_IN, .values = values, .value_count = count});
}

static int read_drivers(struct context *c, struct listing *listing) {
    struct listing filters = {.driver_count = 0};

    if (input_filters(c, &filters))
        return c->response->status;
    if (filters.driver_count > 0)
        narrow(c, &listing->question, of_drivers(c, filters.drivers, filters.driver_count));
    return 0;
}

/* Only what has an address is read: a pool has none, and may have very many members. */
static void with_address(struct context *c, const struct targets_options *options,
                         const struct query_node **question) {
    const char **names = arena_array(c->arena, driver_count(), sizeof *names);
    size_t count = 0;

    for (size_t i = 0; i < driver_count(); i++)
        if (driver_at(i)->has_ips)
            names[count++] = driver_at(i)->name;
    if (options->key)
        narrow(c, question,
               test(c, (struct query_node){.field = QUERY_ATTR,
                                           .op = QUERY_EXISTS,
                                           .name = options->key,
                                           .subkey = options->subkey}));
    else
        narrow(c, question, of_drivers(c, names, count));
}

/* --- what is answered --- */

struct answer {
    struct reply_list list;
    const struct targets_options *options;
    struct arena *arena; /* of one object */
};

static bool take_object(void *context, const struct object *object) {
    struct answer *a = context;
    struct context *c = a->list.context;
    const char *address = targets_address(a->arena, a->options, object);

    if (address) {
        reply_list_begin(&a->list);
        targets_show(c->json, a->arena, address, object);
    }
    arena_reset(a->arena);
    return reply_list_is_wanted(c);
}

static int answer(struct context *c, struct listing *listing,
                  const struct targets_options *options) {
    static const struct page whole = {0};
    struct answer a = {.list = {.context = c, .page = &whole, .found_at = listing->found_at},
                       .options = options,
                       .arena = arena_new()};
    enum rc rc = store_list_objects(c->store, c->arena, listing, &a.list.extent, take_object, &a);

    arena_free(&a.arena);
    return rc == RC_OK ? reply_list_end(&a.list) : reply_rc(c, rc);
}

int targets_list(struct context *c) {
    struct targets_options options = {.port = 9100};
    struct listing listing = {.kind = LIST_QUERY};

    if (input_question(c, c->arena, "q", &listing.question) ||
        input_number(c, "port", 1, 65535, &options.port) || read_address(c, &options) ||
        read_pools(c, &listing) || read_drivers(c, &listing) || condition_listed(c))
        return c->response->status;
    with_address(c, &options, &listing.question);
    c->dependencies.anything = true;
    return answer(c, &listing, &options);
}
