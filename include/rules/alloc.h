/* alloc.h: what managers give and take back (contract/inventory.md section 5). */
#ifndef MUSTER_RULES_ALLOC_H
#define MUSTER_RULES_ALLOC_H

#include "rules/manager.h"
#include "store/write.h"

/* An allocation of a manager's resource to an object. Both are locked (LOCK_CHANGE). */
struct allocation {
    const struct manager *manager;
    const struct ref *object;
    const char *resource; /* NULL: giving, the manager chooses; taking, everything */
    int32_t number;       /* of the rows, reserved before the transaction; only for giving */
};

/* RC_CONFLICT for a manager whose driver is configured without the key under which it gives. Logs
 * where its rows, as Python clusto made them, bear another one. */
struct verdict alloc_check_key(struct store *store, struct arena *arena,
                               const struct manager *manager);

/* Gives the resource; *added is the attribute that holds it. Not for ALLOCATOR_ENTITY_NAME. */
struct verdict alloc_give(struct store *store, struct arena *arena,
                          const struct allocation *allocation, struct attr *added);

/* So many addresses side by side that nobody holds, the first of the range that are; *first is in
 * stored form. RC_CONFLICT: there are none. They are not claimed: alloc_give does that. */
struct verdict alloc_find_adjacent(struct store *store, struct arena *arena,
                                   const struct manager *manager, int64_t count, int64_t *first);

/* After adjacent ones were given: the next search begins after this address. */
struct verdict alloc_set_last(struct store *store, const struct manager *manager, int64_t last);

/* A name for a new object (ALLOCATOR_ENTITY_NAME) of at most `longest` characters; `resource` NULL:
 * generated. */
struct verdict alloc_name(struct store *store, struct arena *arena, const struct manager *manager,
                          const char *resource, size_t longest, const char **name);

/* Takes back what the manager gave the object. */
struct verdict alloc_take(struct store *store, struct arena *arena,
                          const struct allocation *allocation);

#endif
