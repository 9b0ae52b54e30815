/* export_order.h: which objects are exported, and in which order (store/export.h). */
#ifndef MUSTER_STORE_EXPORT_ORDER_H
#define MUSTER_STORE_EXPORT_ORDER_H

#include "store/export.h"

struct export_order {
    int32_t *ids;
    size_t count;
};

/* Their ids, in the arena. In the snapshot that is open. What it needs meanwhile, up to some 30
 * bytes an object and eight a membership, is gone when it returns. */
enum rc export_order_find(struct store *store, struct arena *arena,
                          const struct export_selection *selection, struct export_order *out);

#endif
