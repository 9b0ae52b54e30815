/* as_of.h: reads of the inventory as it was: Clusto-As-Of (contract/history.md A1). */
#ifndef MUSTER_SERVER_AS_OF_H
#define MUSTER_SERVER_AS_OF_H

#include "api/point.h"

struct exchange;

/* Of one request. */
struct as_of {
    bool wanted;        /* the header was sent, and this is a read of the inventory */
    bool found;         /* the response is as of point */
    bool tried;         /* without a snapshot: not again */
    bool checked_after; /* without a snapshot (store_read_settled) */
    struct point point;
};

/* Reads the header. 0, or the status of the refusal: 400. Reads of other things ignore it. */
int as_of_check(struct exchange *x);

/* Begins the snapshot for the handler, which then reads as of the version that is wanted: waits up
 * to a second until that is settled. 0, or the status of the refusal (400, 409, 410, 503). */
int as_of_begin(struct exchange *x);

/* True if a quick read of it may go in a packet with others; as_of_ask readies that. */
bool as_of_is_quick(const struct exchange *x);
void as_of_ask(struct exchange *x);

/* After the handler: headers, and 304 where If-None-Match has this answer. Returns the status. */
int as_of_end(struct exchange *x, int status);

/* True if the same request will always have this response. */
bool as_of_is_final(const struct exchange *x);

#endif
