/* find.h: finding one object the way every endpoint does (contract/inventory.md "Finding one
 * object"). */
#ifndef MUSTER_API_FIND_H
#define MUSTER_API_FIND_H

#include "api/context.h"
/* Is the object of this driver, or of one that descends from it? A driver that nobody configured is
 * that of the objects that have it (contract/drivers.md). */
bool is_a(const struct ref *ref, const char *driver);

/* After a look-up of `name` gave `rc` and `ref`: true if it was found and is a `driver` (NULL or "":
 * whatever); false: the 412, 404, 409 or the store's failure is already answered. */
bool found(struct context *c, enum rc rc, const char *name, const struct ref *ref,
           const char *driver);

/* Look-up and found() in one: the object, whole. */
bool find_object(struct context *c, const char *name, const char *driver, struct object *out);

/* The same, identity only. */
bool find_ref(struct context *c, const char *name, const char *driver, struct ref *out);

#endif
