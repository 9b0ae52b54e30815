/* alloc.h: what managers give out and take back (contract/inventory.md section 5). */
#ifndef MUSTER_RULES_ALLOC_H
#define MUSTER_RULES_ALLOC_H

#include "model/driver.h"
#include "rules/verdict.h"
#include "store/write.h"

/* The most digits that a name manager may pad to: more would not fit 64 bits. */
#define MANAGER_DIGITS_LIMIT 18

/* A manager's properties, read whatever way they were stored, defaults filled in. */
struct manager {
    struct ref ref;
    const struct driver *driver;
    /* addresses */
    bool has_range;
    int64_t first, last; /* stored form */
    int64_t gateway;     /* stored form; INT64_MIN: none */
    const char *netmask;
    int netmask_bits;
    int64_t last_given; /* _lastip; INT64_MIN: none yet */
    /* names */
    const char *basename;
    int64_t digits;
    int64_t next; /* the property; the counter wins where there is one */
    bool leading_zeros;
};

/* The properties out of a manager's identity and attributes (nothing else of the object is read).
 * RC_CONFLICT when they make no sense (written by hand). */
struct verdict manager_read(struct arena *arena, const struct object *object, struct manager *out);

/* Gives a resource to the object, both locked (LOCK_CHANGE); `resource` NULL: the manager chooses.
 * `number` was reserved before the transaction. *given is the attribute that was added. Not for
 * ALLOCATOR_ENTITY_NAME. */
struct verdict alloc_give(struct store *store, struct arena *arena, const struct manager *manager,
                          const struct ref *object, const char *resource, int32_t number,
                          struct attr *given);

/* A name for a new object (ALLOCATOR_ENTITY_NAME) of at most `longest` characters; `resource` NULL:
 * generated. */
struct verdict alloc_name(struct store *store, struct arena *arena, const struct manager *manager,
                          const char *resource, size_t longest, const char **name);

/* Takes back what the manager gave the object, `resource` NULL: everything. */
struct verdict alloc_take(struct store *store, struct arena *arena, const struct manager *manager,
                          const struct ref *object, const char *resource);

#endif
