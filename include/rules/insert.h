/* insert.h: who may be put into what (contract/drivers.md). */
#ifndef MUSTER_RULES_INSERT_H
#define MUSTER_RULES_INSERT_H

#include "rules/verdict.h"
#include "store/write.h"

/* Puts the members into the container, both locked by the caller (LOCK_CHANGE). What is in already
 * stays; every rule of the container's driver is checked on what the transaction sees. Racks need
 * `units`; other containers don't look at them. */
struct verdict insert_members(struct store *store, struct arena *arena, const struct ref *container,
                              const struct ref *members, size_t count, const int32_t *units,
                              size_t unit_count);

/* The rule alone, on data: may `member`, which is in `memberships` already, be put into
 * `container`? NULL: yes; else the reason, in the arena. */
const char *insert_refusal(struct arena *arena, const struct ref *container,
                           const struct ref *member, const struct membership *memberships,
                           size_t count);

#endif
