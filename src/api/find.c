/* find.c: finding one object the way every endpoint does. */
#include <string.h>

#include "api/find.h"

bool find_driver(struct context *c, const char *name, const struct driver **out) {
    *out = NULL;
    if (!name || !*name)
        return true;
    *out = driver_find(name);
    if (*out)
        return true;
    fail(c, 412, "The driver \"%s\" is not a valid driver", name);
    return false;
}

bool found(struct context *c, enum rc rc, const char *name, const struct ref *ref,
           const struct driver *driver) {
    if (rc == RC_NOTFOUND) {
        fail(c, 404, "Object \"%s\" not found (%s does not exist.)", name, name);
        return false;
    }
    if (rc != RC_OK) {
        fail_rc(c, rc);
        return false;
    }
    if (driver && !driver_is_a(driver_of(ref->driver, ref->type), driver)) {
        fail(c, 409, "The driver for object \"%s\" is not \"%s\"", name, driver->name);
        return false;
    }
    return true;
}

bool find_object(struct context *c, const char *name, const char *driver_name, struct object *out) {
    const struct driver *driver;

    if (!find_driver(c, driver_name, &driver))
        return false;
    return found(c, store_object_by_name(c->store, c->arena, name, out), name, &out->ref, driver);
}

bool find_ref(struct context *c, const char *name, const char *driver_name, struct ref *out) {
    const struct driver *driver;

    if (!find_driver(c, driver_name, &driver))
        return false;
    return found(c, store_ref_by_name(c->store, c->arena, name, out), name, out, driver);
}
