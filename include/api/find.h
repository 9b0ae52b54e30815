/* find.h: finding one object the way every endpoint does (contract/inventory.md "Finding one
 * object"). */
#ifndef MUSTER_API_FIND_H
#define MUSTER_API_FIND_H

#include "api/context.h"
#include "model/driver.h"

/* The driver of that name; NULL or "" is no check (*out NULL). False: a 412 is already answered. */
bool find_driver(struct context *c, const char *name, const struct driver **out);

/* After a look-up of `name` gave `rc` and `ref`: true if it was found and is a `driver` (NULL:
 * whatever); false: the 404, 409 or the store's failure is already answered. */
bool found(struct context *c, enum rc rc, const char *name, const struct ref *ref,
           const struct driver *driver);

/* find_driver, look-up and found() in one: the object, whole. */
bool find_object(struct context *c, const char *name, const char *driver, struct object *out);

/* The same, identity only. */
bool find_ref(struct context *c, const char *name, const char *driver, struct ref *out);

#endif
