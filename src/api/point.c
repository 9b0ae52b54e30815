/* point.c: points in time that a request names. */
#include "api/point.h"

#include <string.h>

#include "api/reply.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/quote.h"

enum { WAIT_MS = 1000, POLL_MS = 5 };

int point_parse(struct context *c, const char *name, const char *text, struct point *out) {
    int64_t number;

    *out = (struct point){.text = text};
    if (strcmp(text, "now") == 0)
        return 0;
    if (num_parse_range(text, 0, INT32_MAX, &number) == NUM_OK) {
        out->wanted.by_number = true;
        out->wanted.number = (int32_t)number;
        return 0;
    }
    if (datetime_parse(c->arena, text, NULL, &out->wanted.time) == NULL)
        return 0;
    return reply_fail(c, 400,
                      "%s must be a version, a time as 2026-11-25T14:00:00Z, or \"now\", not %s",
                      name, quote(c->arena, text));
}

struct point point_now(void) {
    return (struct point){.text = "now"};
}

static bool is_now(const struct point *p) {
    return !p->wanted.by_number && p->wanted.time == NULL;
}

/* --- refusals */

int point_fail_pruned(struct context *c, int32_t version, int32_t oldest) {
    int status = reply_fail(c, 410, "Version %d is not kept any more; the oldest is %d.",
                            (int)version, (int)oldest);

    response_header(c->response, "Clusto-Oldest", arena_printf(c->arena, "%d", (int)oldest));
    return status;
}

static int fail_unsettled(struct context *c, const struct version_found *v) {
    int status = reply_fail(
        c, 503, "Version %d is not settled: an earlier write is still under way.", (int)v->number);

    response_header(c->response, "Retry-After", "1");
    response_header(c->response, "Clusto-Settled",
                    arena_printf(c->arena, "%d", (int)v->latest_done));
    return status;
}

static int check(struct context *c, const struct point *p) {
    const struct version_found *v = &p->found;

    if (!v->kept)
        return reply_fail(c, 409, "This inventory keeps no history.");
    if (v->time_is_future)
        return reply_fail(c, 400, "The time %s is in the future.", quote(c->arena, p->text));
    if (!v->exists)
        return reply_fail(c, 400, "Version %d is not there yet; the latest is %d.",
                          (int)p->wanted.number, (int)v->latest);
    return v->number < v->oldest ? point_fail_pruned(c, v->number, v->oldest) : 0;
}

/* --- waiting */

/* Finds them; *unsettled: the first that can't be read yet, NULL: all can. "now" looks a second
 * time: a transaction anywhere in the cluster may hold things up without being a writer of this
 * inventory. */
static int find(struct context *c, struct point *points, size_t count, bool first,
                const struct point **unsettled) {
    *unsettled = NULL;
    for (size_t i = 0; i < count; i++) {
        struct point *p = &points[i];
        const struct version_found *v = &p->found;

        if (reply_rc(c, store_find_version(c->store, c->arena, &p->wanted, &p->found)) ||
            check(c, p))
            return c->response->status;
        if (*unsettled == NULL && (!v->settled || (is_now(p) && first && v->number < v->latest)))
            *unsettled = p;
    }
    return 0;
}

/* What nobody is writing any more is asked before the next look. */
static int look_again(struct context *c, struct point *points, size_t count,
                      const struct point *unsettled) {
    int32_t done = 0;

    if (reply_rc(c, store_versions_done(c->store, &done)))
        return c->response->status;
    for (size_t i = 0; i < count; i++)
        points[i].wanted.done = done;
    if (!is_now(unsettled) && done < unsettled->found.number)
        clock_sleep_ms(POLL_MS);
    return 0;
}

static int wait_for(struct context *c, struct point *points, size_t count, bool snapshot) {
    int64_t until = clock_ms() + WAIT_MS;
    const struct point *unsettled;

    for (size_t i = 0; i < count; i++)
        points[i].wanted.done = 0;
    for (bool first = true;; first = false) {
        if (snapshot)
            store_begin_snapshot(c->store);
        if (find(c, points, count, first, &unsettled))
            return c->response->status;
        if (unsettled == NULL)
            return 0;
        if (clock_ms() >= until)
            return fail_unsettled(c, &unsettled->found);
        if (snapshot)
            store_rollback(c->store);
        if (look_again(c, points, count, unsettled))
            return c->response->status;
    }
}

int point_begin(struct context *c, struct point *points, size_t count) {
    return wait_for(c, points, count, true);
}

int point_find(struct context *c, struct point *point) {
    return wait_for(c, point, 1, false);
}
