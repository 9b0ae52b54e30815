/* manager.h: a resource manager's properties, read for its work. */
#ifndef MUSTER_RULES_MANAGER_H
#define MUSTER_RULES_MANAGER_H

#include "base/verdict.h"
#include "model/driver.h"
#include "store/store.h"

/* The most digits that a name manager may pad to: more would not fit 64 bits. */
#define MANAGER_MAX_DIGITS 18

/* A manager's properties, read whatever way they were stored, defaults filled in. */
struct manager {
    struct ref ref;
    const struct driver *driver;
    /* addresses; numbers: only last */
    bool has_range;
    int64_t first, last;        /* what it chooses from, addresses in the stored form */
    int64_t network, broadcast; /* what it gives if it is named */
    int64_t gateway;            /* INT64_MIN: none */
    int64_t last_given;         /* _lastip; INT64_MIN: none yet */
    int netmask_bits;
    /* names */
    const char *basename;
    int64_t digits;
    int64_t next; /* the property; the counter wins where there is one */
    bool leading_zeros;
};

/* The properties out of a manager's identity and attributes (nothing else of the object is read).
 * RC_CONFLICT if they make no sense (written by hand). */
struct verdict manager_read(struct arena *arena, const struct object *object, struct manager *out);

#endif
