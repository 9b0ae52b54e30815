/* aside.c: requests that come while every worker waits for the database. */
#include "server/aside.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/dispatch.h"
#include "server/metrics.h"

/* Workers that get on take the next request themselves soon. What is set aside is shared out: each
 * worker takes so many with each look. A write may wait for a standby longer than any read takes:
 * it leaves them to those that read, for a while. */
enum { STALLED_MS = 250, STALLED_BESIDE_READS_MS = 2000, AT_ONCE = 8 };

/* What serves here has nothing in common with the request that waits: a store that is never
 * connected, a JSON writer and memory of its own. */
struct aside {
    struct worker_state state;
    struct exchange *exchange;
    struct fcgi **slots; /* the first `count` have requests */
    size_t count, capacity;
    bool (*ends)(void *context);
    void *context;
    bool inside;
};

/* True if it has its response. The last slot stays free: there is always one for the next request,
 * which may be one that needs no database. */
static bool serve(struct aside *a, struct fcgi *f) {
    const struct transport transport = fcgi_transport(f);
    bool drained, whole;

    if (dispatch_is_alone(a->exchange, &transport))
        whole = dispatch(a->exchange, &transport, &drained);
    else if (a->count + 1 == a->capacity)
        whole = dispatch_refuse(a->exchange, &transport, &drained);
    else
        return false;
    fcgi_finish(f, whole, drained);
    return true;
}

/* False: no more are waiting. */
static bool take_one(struct aside *a) {
    struct fcgi *f = a->slots[a->count];

    switch (fcgi_accept(f)) {
    case ACCEPT_OK: break;
    case ACCEPT_NO_REQUEST: return true;
    case ACCEPT_NONE:
    case ACCEPT_EXHAUSTED: return false;
    }
    a->count += !serve(a, f);
    return true;
}

static bool all_stalled(void) {
    int ms = metrics_writes_beside_reads() ? STALLED_BESIDE_READS_MS : STALLED_MS;

    return metrics_all_busy(clock_ms() - ms);
}

/* True: there may be more. */
static bool look(void *context) {
    struct aside *a = context;
    const char *request = log_get_request();
    int taken = 0;

    if (a->inside || !all_stalled() || a->ends(a->context))
        return false;
    a->inside = true;
    while (taken < AT_ONCE && take_one(a))
        taken++;
    fcgi_end_timer();
    log_set_request(request);
    a->inside = false;
    return taken == AT_ONCE;
}

struct aside *aside_new(const struct settings *settings, struct cluster *cluster, int listen_fd,
                        size_t capacity, bool (*ends)(void *context), void *context) {
    struct aside *a = calloc(1, sizeof(*a));

    if (a == NULL || (a->slots = calloc(capacity, sizeof(struct fcgi *))) == NULL)
        log_fatal("out of memory");
    a->capacity = capacity;
    worker_state_init(&a->state, settings, NULL, cluster);
    a->exchange = exchange_new(&a->state);
    a->ends = ends;
    a->context = context;
    for (size_t i = 0; i < a->capacity; i++) {
        a->slots[i] = fcgi_new(settings, listen_fd);
        if (a->slots[i] == NULL) {
            aside_free(&a);
            return NULL;
        }
    }
    store_set_idle(look, a);
    return a;
}

void aside_free(struct aside **aside) {
    struct aside *a = *aside;

    if (a == NULL)
        return;
    store_set_idle(NULL, NULL);
    for (size_t i = 0; i < a->capacity; i++)
        fcgi_free(&a->slots[i]);
    free(a->slots);
    exchange_free(&a->exchange);
    worker_state_release(&a->state);
    free(a);
    *aside = NULL;
}

size_t aside_count(const struct aside *aside) {
    return aside->count;
}

struct fcgi *aside_take(struct aside *aside, struct fcgi *free) {
    struct fcgi *first = aside->slots[0];

    if (aside->count == 0)
        return NULL;
    aside->count--;
    memmove(&aside->slots[0], &aside->slots[1], aside->count * sizeof(aside->slots[0]));
    aside->slots[aside->count] = free;
    fcgi_resume(first);
    return first;
}
