/* prune.h: what the database keeps of changes does not grow forever. */
#ifndef MUSTER_SERVER_PRUNE_H
#define MUSTER_SERVER_PRUNE_H

#include "server/worker_state.h"

/* Once a minute, between two batches: makes a point, so that what is older than feed_keep can be
 * told from what is not, and deletes what is, in small pieces. Where more of them are left, the
 * next batch is followed by the next ones. */
void prune_changes(struct worker_state *w);

#endif
