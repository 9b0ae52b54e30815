/* find.c: finding one object the way every endpoint does. */
#include "api/find.h"

#include <string.h>

#include "api/condition.h"
#include "api/input.h"
#include "api/reply.h"
#include "model/driver.h"

bool find_is_a(const struct ref *ref, const char *driver_name) {
    const struct driver *driver = driver_find(driver_name);

    if (!driver)
        return strcmp(ref->driver, driver_name) == 0;
    return driver_is_a(driver_of(ref->driver, ref->type), driver);
}

/* The first of the checks, though it is known only after the look-up: the driver is not known, and
 * is not that of what was found. */
static bool unknown_driver(enum rc rc, const struct ref *ref, const char *driver) {
    return !driver_find(driver) && (rc == RC_NOTFOUND || (rc == RC_OK && !find_is_a(ref, driver)));
}

int find_check(struct context *c, enum rc rc, const char *name, const struct ref *ref,
               const char *driver) {
    bool check = driver && *driver;

    if (check && unknown_driver(rc, ref, driver))
        return reply_fail(c, 412, "The driver \"%s\" is not a valid driver", driver);
    if (rc == RC_NOTFOUND)
        return reply_fail(c, 404, "Object \"%s\" not found (%s does not exist.)", name, name);
    if (rc == RC_OK && check && !find_is_a(ref, driver))
        return reply_fail(c, 409, "The driver for object \"%s\" is not \"%s\"", name, driver);
    return reply_rc(c, rc);
}

int find_object(struct context *c, const char *name, const char *driver, struct object *out) {
    return find_check(c, store_object_by_name(c->store, c->arena, name, out), name, &out->ref,
                      driver);
}

int find_pools(struct context *c, const char *const *names, size_t count, bool any,
               struct ref *refs, const char **found_at) {
    if (reply_rc(c, store_refs_by_names(c->store, c->arena, names, count, refs, found_at)))
        return c->response->status;
    for (size_t i = 0; i < count; i++) {
        if (refs[i].id == 0)
            return reply_fail(c, 404, "%s does not exist.", names[i]);
        if (!any && !find_is_a(&refs[i], "pool"))
            return reply_fail(c, 409, "The object \"%s\" is not a pool", names[i]);
    }
    return 0;
}

/* The compact form needs no more than the object's own row, unless somebody asks for its tag. */
static bool needs_rows(const struct context *c) {
    return input_mode(c, MODE_EXPANDED) == MODE_EXPANDED || condition_given(c);
}

void find_ask(struct context *c, const char *name) {
    bool whole = input_mode(c, MODE_EXPANDED) == MODE_EXPANDED;

    c->read = needs_rows(c) ? store_ask_object(c->arena, name, whole && input_contents(c))
                            : store_ask_ref(c->arena, name);
}

enum rc find_take(struct context *c, struct object *out) {
    enum rc rc = needs_rows(c) ? store_take_object(c->store, c->read, out)
                               : store_take_ref(c->store, c->read, &out->ref);

    out->no_contents = !input_contents(c);
    return rc;
}

int find_may_manage(struct context *c, const struct driver *driver) {
    if (driver->allocator == ALLOCATOR_NONE || c->may_manage)
        return 0;
    return reply_forbid(c, "To create or delete a resource manager, the role \"write\" on "
                           "\"resourcemanager\" is required, too.");
}
