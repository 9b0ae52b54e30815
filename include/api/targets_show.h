/* targets_show.h: an object as a target of Prometheus: an address and labels, in the form of
 * its HTTP service discovery (contract/integrations.md). */
#ifndef MUSTER_API_TARGETS_SHOW_H
#define MUSTER_API_TARGETS_SHOW_H

#include "store/store.h"
#include "json/writer.h"

struct targets_options {
    int64_t port;       /* where an object has none of its own */
    const char *key;    /* the attribute that has the address; NULL: the object's name is it */
    const char *subkey; /* NULL: any */
};

/* HOST:PORT of this object in the arena; NULL: it has no address. Several: the first. */
const char *targets_address(struct arena *arena, const struct targets_options *options,
                            const struct object *object);

/* {"targets": [ADDRESS], "labels": {...}} */
void targets_show(struct json_writer *w, struct arena *arena, const char *address,
                  const struct object *object);

#endif
