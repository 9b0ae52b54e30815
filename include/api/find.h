/* find.h: finding one object the way every endpoint does (contract/inventory.md "Finding one
 * object"). Checks return 0, or the status of the refusal that they sent. */
#ifndef MUSTER_API_FIND_H
#define MUSTER_API_FIND_H

#include "api/context.h"

/* Is the object of this driver, or of one that descends from it? A driver that is not configured is
 * the driver of the objects that have it (contract/drivers.md). */
bool find_is_a(const struct ref *ref, const char *driver);

/* After a look-up of `name` returned `rc` and `ref`: 0 if it was found and is a `driver` (NULL or
 * "": any). */
int find_check(struct context *c, enum rc rc, const char *name, const struct ref *ref,
               const char *driver);

/* Looks the whole object up and checks it. */
int find_object(struct context *c, const char *name, const char *driver, struct object *out);

/* The pools of these names into `refs`, which has room for as many; `any`: other objects, too.
 * *found_at: the snapshot in which they were looked up. 404: there is no such object, 409: it is
 * not a pool. */
int find_pools(struct context *c, const char *const *names, size_t count, bool any,
               struct ref *refs, const char **found_at);

/* Asks for one object that is to be shown in the mode of the request, expanded unless it says
 * otherwise. In compact mode it is its own row, unless a condition needs its tag; otherwise,
 * without the contents, not more than a few of its members, as these may be very many. */
void find_ask(struct context *c, const char *name);

/* What find_ask asked for. */
enum rc find_take(struct context *c, struct object *out);

/* May this caller create or delete objects of this driver? A manager needs a role on the managers'
 * mount, whatever the path. Else 401 (not authenticated) or 403. */
int find_may_manage(struct context *c, const struct driver *driver);

#endif
