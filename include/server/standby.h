/* standby.h: reads that a standby serves instead of the primary (setting database_read). They are
 * exact: the primary is asked, once for all requests that wait, which position of its log it is at,
 * and the standby is read from after it has replayed that (store/position.h). A standby that is
 * behind for longer than read_wait, or fails, is left alone for a while, and the primary serves. */
#ifndef MUSTER_SERVER_STANDBY_H
#define MUSTER_SERVER_STANDBY_H

#include "server/exchange.h"

/* What the workers share; before they are forked, and again with other settings. Nothing, if no
 * standby is configured. */
void standby_open(const struct settings *settings);
void standby_close(void);

/* As store_prefetch, by a standby, for quick reads of one worker, which have been asked
 * (dispatch_ask). Those that fail are run again by the primary. */
bool standby_prefetch(struct exchange *const *x, const struct store_prefetch *reads, size_t count);

/* One request is to be run: true if a standby is to be read from, on the connection that it has:
 * the request's store is the standby's. Where the primary can't be asked and stale_reads allows, it
 * may be read from as well: the response says so, and is not cached. */
bool standby_begin(struct exchange *x);

/* After its attempt there: its store is the primary's again. False: the attempt failed because of
 * the standby, and is to be made again. */
bool standby_end(struct exchange *x, int status);

#endif
