/* find.c: finding one object the way every endpoint does. */
#include <string.h>

#include "api/find.h"
#include "api/reply.h"
#include "model/driver.h"

bool find_is_a(const struct ref *ref, const char *driver_name) {
    const struct driver *driver = driver_find(driver_name);

    if (!driver)
        return strcmp(ref->driver, driver_name) == 0;
    return driver_is_a(driver_of(ref->driver, ref->type), driver);
}

/* The first of the checks, though it is known only after the look-up: nobody has heard of this
 * driver, and what was found is none either. */
static bool unknown_driver(enum rc rc, const struct ref *ref, const char *driver) {
    return !driver_find(driver) && (rc == RC_NOTFOUND || (rc == RC_OK && !find_is_a(ref, driver)));
}

bool find_check(struct context *c, enum rc rc, const char *name, const struct ref *ref,
                const char *driver) {
    bool check = driver && *driver;

    if (check && unknown_driver(rc, ref, driver))
        reply_fail(c, 412, "The driver \"%s\" is not a valid driver", driver);
    else if (rc == RC_NOTFOUND)
        reply_fail(c, 404, "Object \"%s\" not found (%s does not exist.)", name, name);
    else if (rc != RC_OK)
        reply_rc(c, rc);
    else if (check && !find_is_a(ref, driver))
        reply_fail(c, 409, "The driver for object \"%s\" is not \"%s\"", name, driver);
    else
        return true;
    return false;
}

bool find_object(struct context *c, const char *name, const char *driver, struct object *out) {
    return find_check(c, store_object_by_name(c->store, c->arena, name, out), name, &out->ref,
                      driver);
}

bool find_may_manage(struct context *c, const struct driver *driver) {
    bool known = c->request->identity != NULL;

    if (driver->allocator == ALLOCATOR_NONE || c->may_manage)
        return true;
    reply_fail(c, known ? 403 : 401,
               "Resource managers are made and deleted by who has the role \"write\" on "
               "\"resourcemanager\", too.");
    if (!known && !c->response->started)
        response_header(c->response, "WWW-Authenticate", c->options->auth_challenge);
    return false;
}
