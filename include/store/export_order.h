/* export_order.h: which objects are exported, and in which order (store/export.h). */
#ifndef MUSTER_STORE_EXPORT_ORDER_H
#define MUSTER_STORE_EXPORT_ORDER_H

#include "store/export.h"
#include "store/export_objects.h"
#include "store/export_places.h"

struct export_order {
    struct export_objects *objects; /* all, also those that are not exported */
    struct export_places places;
    int32_t *numbers; /* of those that are */
    size_t count;
};

/* In the arena, and in the snapshot that is open. Whatever it returns, export_order_release()
 * follows. What it needs meanwhile, some six bytes an object and eight a membership, is gone when
 * it returns. */
enum rc export_order_find(struct store *store, struct arena *arena,
                          const struct export_selection *selection, struct export_order *out);
void export_order_release(struct export_order *order);

#endif
