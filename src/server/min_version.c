/* min_version.c: reads that show at least what the client has written or seen. */
#include "server/min_version.h"

#include <stdint.h>

#include "api/input.h"
#include "api/reply.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/quote.h"
#include "server/exchange.h"
#include "store/position.h"
#include "store/versions.h"

#define HEADER "Clusto-Min-Version"

enum { MAX_LOST = 3 }; /* connections that were lost, for one request */

int min_version_check(struct exchange *x) {
    const char *text = request_header(&x->request, HEADER);
    int64_t number;

    if (text == NULL)
        return 0;
    if (!exchange_is_read(x))
        return reply_fail(&x->c, 400, HEADER " is for GET: a write is done by the primary.");
    if (x->match.route->flags & ROUTE_ALONE)
        return 0;
    if (!route_reads_inventory(x->match.route))
        return reply_fail(&x->c, 400, HEADER " is for the inventory, which has versions.");
    if (!x->w->settings->store.versioning)
        return reply_fail(&x->c, 400, HEADER " can't be obeyed: versioning is off.");
    if (input_check_once(&x->c, HEADER, "HTTP_CLUSTO_MIN_VERSION"))
        return x->response.status;
    if (num_parse_range(text, 1, INT32_MAX, &number) != NUM_OK)
        return reply_fail(&x->c, 400,
                          HEADER " must be a version, a number from 1 to 2147483647, not %s.",
                          quote(x->arena, text));
    x->min_version = (int32_t)number;
    return 0;
}

/* On a connection that was lost nothing was asked. */
static enum rc find(struct store *store, int32_t version, bool *there) {
    enum rc rc = store_has_version(store, version, there);

    for (int i = 0; rc == RC_RETRY && i < MAX_LOST; i++)
        rc = store_has_version(store, version, there);
    return rc;
}

int min_version_begin(struct exchange *x) {
    int64_t until = clock_ms() + x->w->settings->read_wait;
    bool there = false;

    if (x->min_version == 0)
        return 0;
    for (long ms = 1;; ms *= 2) {
        if (reply_rc(&x->c, find(x->w->store, x->min_version, &there)))
            return x->response.status;
        if (there || clock_ms() + ms > until)
            break;
        clock_sleep_ms(ms);
    }
    if (!there)
        return reply_busy(&x->c,
                          arena_printf(x->arena, "Version %d is not there yet. Please try again.",
                                       (int)x->min_version));
    position_pin(x->w->store, true);
    return 0;
}

void min_version_end(struct exchange *x) {
    if (x->min_version != 0)
        position_pin(x->w->store, false);
}
