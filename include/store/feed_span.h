/* feed_span.h: the batch that follows a cursor, for the files of store/feed*.c. */
#ifndef MUSTER_STORE_FEED_SPAN_H
#define MUSTER_STORE_FEED_SPAN_H

#include "store/feed.h"
#include "store/pg.h"

/* Asks for the batch after `from`; the statement that reads its events is to follow in the packet.
 */
void feed_span_send(struct store *store, const struct feed_cursor *from);

/* The end of the batch, as a parameter of that statement: null where `from` does not say. */
struct pg_arg feed_span_to(const struct feed_cursor *from);

/* The page, if it gives all the rest of the batch. */
enum rc feed_span_take(struct store *store, struct arena *arena, const struct feed_cursor *from,
                       struct feed_page *out);

#endif
