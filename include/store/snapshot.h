/* snapshot.h: the snapshot that a list shows, in few bytes, and the question whether anything has
 * been changed since (contract/transactions.md).
 *
 * Of two lists with the same snapshot of the same database none can show what the other does not. A
 * change that was committed later is one that the snapshot does not see, also where its transaction
 * was under way when the snapshot was taken. */
#ifndef MUSTER_STORE_SNAPSHOT_H
#define MUSTER_STORE_SNAPSHOT_H

#include "store/store.h"

#define SNAPSHOT_BYTES 120

/* Packs the text that a statement told (struct list_extent). Returns the number of bytes; 0: it
 * can't be told whether the list is changed: too many transactions are under way, or unknown ones,
 * on a standby, or --init-db's triggers are not there. */
size_t snapshot_pack(const struct store *store, const char *text,
                     unsigned char out[SNAPSHOT_BYTES]);

/* Is there no change that it does not see, and will it be the same list? One statement. The bytes
 * may come from a client: those that are none are not current. */
enum rc snapshot_is_current(struct store *store, struct arena *arena, const unsigned char *packed,
                            size_t n, bool *current);

#endif
