/* inherited.h: the attributes of an object together with those that it inherits from what it is in
 * (contract/query.md; clusto calls that merge_container_attrs). */
#ifndef MUSTER_STORE_INHERITED_H
#define MUSTER_STORE_INHERITED_H

#include "store/store.h"

/* Of each key and subkey those of the nearest that has such attributes: the object itself, else
 * what it is in, else what that is in; of several that are as near, those of all. Keys that begin
 * with an underscore are not inherited, and are the object's own where the filter asks for one. */
struct inherited_attr {
    struct attr attr;
    const struct ref *from;
};

struct inherited {
    struct ref ref;
    struct inherited_attr *attrs; /* by key, of one key by the distance, then by id */
    size_t count;
};

/* One statement, one snapshot; the members of containers are left out. RC_NOTFOUND: there is no
 * such object. All of it is in the arena. */
struct store_read *store_ask_inherited(struct arena *arena, const char *name,
                                       const struct attr_filter *filter);
enum rc store_take_inherited(struct store *store, struct store_read *read, struct inherited *out);

#endif
