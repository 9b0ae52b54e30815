/* resourcemanager.c: handlers of /resourcemanager: managers are listed, created, shown; they give
 * and take. */
#include "api/resourcemanager.h"
#include "api/find.h"
#include "api/show.h"

/* The names of all known drivers that are managers. */
static void all_managers(struct context *c, struct listing *listing) {
    const char **names = arena_array(c->arena, driver_count(), sizeof *names);

    for (size_t i = 0; i < driver_count(); i++)
        if (driver_at(i)->allocator != ALLOCATOR_NONE)
            names[listing->driver_count++] = driver_at(i)->name;
    listing->drivers = names;
}

int resourcemanager_list(struct context *c) {
    struct listing listing = {.kind = LIST_ENTITIES};
    enum mode mode = get_mode(c, MODE_COMPACT);
    const char *name = c->arg_count > 0 ? c->args[0] : NULL;
    const struct driver *driver = name ? driver_find(name) : NULL;
    struct page page;

    if (name && !driver)
        return fail(c, 404, "Not a valid driver \"%s\" (driver name %s doesn't exist.)", name,
                    name);
    if (!get_page(c, &page))
        return c->response->status;
    if (mode == MODE_INVALID)
        return fail_mode(c);
    if (driver && driver->allocator == ALLOCATOR_NONE)
        return answer_empty_list(c, &page);
    all_managers(c, &listing);
    if (driver) {
        listing.drivers = c->args;
        listing.driver_count = 1;
    }
    return answer_list(c, &listing, mode, &page);
}

/* The manager, whole; false: answered. */
static bool find_manager(struct context *c, struct object *out) {
    if (!find_object(c, c->args[1], c->args[0], out))
        return false;
    if (driver_of(out->ref.driver, out->ref.type)->allocator != ALLOCATOR_NONE)
        return true;
    fail(c, 409, "The object \"%s\" is not a resource manager", c->args[1]);
    return false;
}

int resourcemanager_show(struct context *c) {
    enum mode mode = get_mode(c, MODE_EXPANDED);
    struct object manager = {0};

    if (!find_manager(c, &manager))
        return c->response->status;
    if (mode == MODE_INVALID)
        return fail_mode(c);
    return answer_object(c, 200, mode, &manager);
}
