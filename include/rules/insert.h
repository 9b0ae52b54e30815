/* insert.h: which object may be put into which container (contract/drivers.md). */
#ifndef MUSTER_RULES_INSERT_H
#define MUSTER_RULES_INSERT_H

#include "base/verdict.h"
#include "store/write.h"

/* What is put where. Racks need units; other containers don't look at them. */
struct insertion {
    const struct ref *container;
    const struct ref *members;
    size_t count;
    const int32_t *units; /* ascending */
    size_t unit_count;
    bool is_move; /* out of whatever keeps them out of it, in the same step */
};

/* Puts the members into the container, all locked by the caller (LOCK_CHANGE). Members that are
 * already in stay; every rule of the container's driver is checked on what the transaction sees. */
struct verdict insert_members(struct store *store, struct arena *arena,
                              const struct insertion *insertion);

/* What these are in, sorted by member, in the arena. */
enum rc insert_memberships(struct store *store, struct arena *arena, const struct ref *members,
                           size_t count, struct memberships *out);

/* The rule alone, on data: may this member be put into the container? `all` is sorted by
 * member. */
struct verdict insert_check(struct arena *arena, const struct ref *container,
                            const struct ref *member, const struct memberships *all);

#endif
