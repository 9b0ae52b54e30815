/* list_tag.h: entity tags of lists: what was asked for, and the snapshot that the list shows
 * (contract/transactions.md). */
#ifndef MUSTER_API_LIST_TAG_H
#define MUSTER_API_LIST_TAG_H

#include "api/context.h"
#include "store/snapshot.h"

/* The Vary of lists (context.list_vary); `accept`: they can be NDJSON or CSV as well. */
const char *list_tag_vary(bool accept);

/* Before the body of a list that has one (context.list_vary): sets ETag and Vary; with no snapshot,
 * or one that can't be told about, only Vary. Of other responses it does nothing. */
void list_tag_set(struct context *c, const char *snapshot);

/* The same with a tag that the client has. */
void list_tag_repeat(struct context *c, const char *tag);

/* The snapshot in a tag of this very request. Returns the number of bytes; 0: it is none. */
size_t list_tag_read(struct context *c, const char *tag, unsigned char packed[SNAPSHOT_BYTES]);

#endif
