/* entity.c: handlers of /entity: objects are listed, created, shown, deleted, filled and emptied.
 */
#include <string.h>

#include "api/entity.h"
#include "api/find.h"
#include "api/show.h"

/* The values of a filter's long and short name together. */
static const char *const *get_filter(struct context *c, const char *long_name,
                                     const char *short_name, size_t *count) {
    const struct params *params = &c->request->params;
    size_t a, b;
    const char **first = params_all(params, c->arena, long_name, &a);
    const char **second = params_all(params, c->arena, short_name, &b);
    const char **both = arena_array(c->arena, a + b + 1, sizeof *both);

    for (size_t i = 0; i < a; i++)
        both[i] = first[i];
    for (size_t i = 0; i < b; i++)
        both[a + i] = second[i];
    *count = a + b;
    return both;
}

static bool check_filters(struct context *c, const struct listing *listing) {
    for (size_t i = 0; i < listing->type_count; i++)
        if (!driver_last_of_type(listing->types[i])) {
            fail(c, 412, "The requested type \"%s\" does not exist", listing->types[i]);
            return false;
        }
    for (size_t i = 0; i < listing->driver_count; i++)
        if (!driver_find(listing->drivers[i])) {
            fail(c, 412, "The requested driver \"%s\" does not exist", listing->drivers[i]);
            return false;
        }
    return true;
}

static bool get_filters(struct context *c, struct listing *listing) {
    static const char *const known[] = {
        "names", "clusto_types", "clusto_drivers", "name", "type", "driver", NULL};
    const struct param *unknown = params_unknown(&c->request->params, known);

    if (unknown) {
        fail(c, 400,
             "Unknown parameter \"%s\". Please choose from: names, clusto_types, clusto_drivers, "
             "name, type, "
             "driver.",
             unknown->name);
        return false;
    }
    listing->names = get_filter(c, "names", "name", &listing->name_count);
    listing->types = get_filter(c, "clusto_types", "type", &listing->type_count);
    listing->drivers = get_filter(c, "clusto_drivers", "driver", &listing->driver_count);
    return check_filters(c, listing);
}

/* The path's driver and a filter on drivers are "and": false if nothing can fulfil both. */
static bool restrict_to_driver(struct listing *listing, const char *const *driver) {
    bool possible = listing->driver_count == 0;

    for (size_t i = 0; i < listing->driver_count; i++)
        possible = possible || strcmp(listing->drivers[i], *driver) == 0;
    listing->drivers = driver;
    listing->driver_count = 1;
    return possible;
}

int entity_list(struct context *c) {
    struct listing listing = {.kind = LIST_ENTITIES};
    enum mode mode = get_mode(c, MODE_COMPACT);
    struct page page;

    if (c->arg_count > 0 && !driver_find(c->args[0]))
        return fail(c, 412, "The requested driver \"%s\" does not exist", c->args[0]);
    if (!get_filters(c, &listing) || !get_page(c, &page))
        return c->response->status;
    if (mode == MODE_INVALID)
        return fail_mode(c);
    if (c->arg_count > 0 && !restrict_to_driver(&listing, &c->args[0]))
        return answer_empty_list(c, &page);
    return answer_list(c, &listing, mode, &page);
}

int entity_show(struct context *c) {
    enum mode mode = get_mode(c, MODE_EXPANDED);
    struct object object = {0};

    if (!find_object(c, c->args[1], c->args[0], &object))
        return c->response->status;
    if (mode == MODE_INVALID)
        return fail_mode(c);
    return answer_object(c, 200, mode, &object);
}
