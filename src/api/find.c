/* find.c: finding one object the way every endpoint does. */
#include <string.h>

#include "api/find.h"
#include "model/driver.h"

bool is_a(const struct ref *ref, const char *driver_name) {
    const struct driver *driver = driver_find(driver_name);

    if (!driver)
        return strcmp(ref->driver, driver_name) == 0;
    return driver_is_a(driver_of(ref->driver, ref->type), driver);
}

/* The first of the checks, though it is known only after the look-up: nobody has heard of this
 * driver, and what was found is none either. */
static bool unknown_driver(enum rc rc, const struct ref *ref, const char *driver) {
    return !driver_find(driver) && (rc == RC_NOTFOUND || (rc == RC_OK && !is_a(ref, driver)));
}

bool found(struct context *c, enum rc rc, const char *name, const struct ref *ref,
           const char *driver) {
    bool check = driver && *driver;

    if (check && unknown_driver(rc, ref, driver))
        fail(c, 412, "The driver \"%s\" is not a valid driver", driver);
    else if (rc == RC_NOTFOUND)
        fail(c, 404, "Object \"%s\" not found (%s does not exist.)", name, name);
    else if (rc != RC_OK)
        fail_rc(c, rc);
    else if (check && !is_a(ref, driver))
        fail(c, 409, "The driver for object \"%s\" is not \"%s\"", name, driver);
    else
        return true;
    return false;
}

bool find_object(struct context *c, const char *name, const char *driver, struct object *out) {
    return found(c, store_object_by_name(c->store, c->arena, name, out), name, &out->ref, driver);
}

bool find_ref(struct context *c, const char *name, const char *driver, struct ref *out) {
    return found(c, store_ref_by_name(c->store, c->arena, name, out), name, out, driver);
}
