/* entity_devices.h: a question as the parameter devices_from, which stands for all objects that it
 * finds (contract/query.md). */
#ifndef MUSTER_API_ENTITY_DEVICES_H
#define MUSTER_API_ENTITY_DEVICES_H

#include "api/context.h"
#include "query/query.h"

struct entity_devices {
    const struct query_node *question; /* NULL: the parameter is not there */
    const struct ref *found;
    size_t count;
};

/* Asks it. 400: it can't be read, or finds more than query_devices; 403: the client may not ask
 * questions; 412: it is empty. Returns 0, or the status of the refusal that was sent. */
int entity_devices_read(struct context *c, struct entity_devices *out);

/* The names of `count` devices, and of what was found. */
const char **entity_devices_names(struct context *c, const struct entity_devices *from,
                                  const char *const *devices, size_t *count);

/* After the objects are locked: asks again, and if it finds others than those that were locked by
 * the names of what it found (`locked`, in that order), the request is to be run again. */
int entity_devices_check(struct context *c, const struct entity_devices *from,
                         const struct ref *locked);

#endif
