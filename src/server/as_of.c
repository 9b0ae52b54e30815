/* as_of.c: reads of the inventory as it was. */
#include "server/as_of.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "api/reply.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/quote.h"
#include "http/etag.h"
#include "server/exchange.h"

enum { WAIT_MS = 1000, POLL_MS = 5 };

/* --- the header --- */

static bool parse(struct arena *arena, const char *text, struct version_wanted *out) {
    int64_t number;

    if (strcmp(text, "now") == 0)
        return true;
    if (num_parse_range(text, 0, INT32_MAX, &number) == NUM_OK) {
        out->by_number = true;
        out->number = (int32_t)number;
        return true;
    }
    return datetime_parse(arena, text, NULL, &out->time) == NULL;
}

int as_of_check(struct exchange *x) {
    const struct request *r = &x->request;
    const char *text = request_header(r, "Clusto-As-Of");

    if (text == NULL)
        return 0;
    if (r->method != METHOD_GET && r->method != METHOD_HEAD)
        return reply_fail(&x->c, 400, "Clusto-As-Of is for GET: the past can't be changed.");
    if ((x->match.route->flags & ROUTE_PAST) == 0)
        return 0;
    if (r->variable_count != NULL && r->variable_count(r->transport, "HTTP_CLUSTO_AS_OF") > 1)
        return reply_fail(&x->c, 400, "Clusto-As-Of was sent more than once.");
    if (!parse(x->arena, text, &x->as_of.version))
        return reply_fail(&x->c, 400,
                          "Clusto-As-Of must be a version, a time as 2026-11-25T14:00:00Z, or "
                          "\"now\", not %s",
                          quote(x->arena, text));
    x->as_of.wanted = true;
    return 0;
}

/* --- the version --- */

static int refuse(struct exchange *x, const struct version_found *v) {
    int status = 0;

    if (!v->kept && !x->w->settings->store.versioning)
        return reply_fail(&x->c, 409, "This inventory keeps no history.");
    if (v->time_is_future)
        return reply_fail(&x->c, 400, "The time %s is in the future.",
                          quote(x->arena, request_header(&x->request, "Clusto-As-Of")));
    if (!v->exists)
        return reply_fail(&x->c, 400, "Version %d is not there yet; the latest is %d.",
                          (int)x->as_of.version.number, (int)v->latest);
    if (v->number < v->oldest) {
        status = reply_fail(&x->c, 410, "Version %d is not kept any more; the oldest is %d.",
                            (int)v->number, (int)v->oldest);
        response_header(&x->response, "Clusto-Oldest",
                        arena_printf(x->arena, "%d", (int)v->oldest));
    }
    return status;
}

static int fail_unsettled(struct exchange *x, const struct version_found *v) {
    int status =
        reply_fail(&x->c, 503, "Version %d is not settled: an earlier write is still under way.",
                   (int)v->number);

    response_header(&x->response, "Retry-After", "1");
    response_header(&x->response, "Clusto-Settled",
                    arena_printf(x->arena, "%d", (int)v->latest_done));
    return status;
}

static void pause_ms(long ms) {
    struct timespec time = {.tv_nsec = ms * 1000000};

    nanosleep(&time, NULL);
}

/* Whether a transaction anywhere in the cluster holds things up without being a writer of this
 * inventory is asked before the next look. */
static int look_again(struct exchange *x, struct version_wanted *wanted, int32_t number) {
    store_rollback(x->w->store);
    if (reply_rc(&x->c, store_versions_done(x->w->store, &wanted->done)))
        return x->response.status;
    if (wanted->done < number)
        pause_ms(POLL_MS);
    return 0;
}

static void set_headers(struct exchange *x) {
    const struct version_found *v = &x->as_of.point;
    bool final = as_of_is_final(x);

    response_header(&x->response, "Clusto-As-Of", arena_printf(x->arena, "%d", (int)v->number));
    response_header(&x->response, "Clusto-As-Of-Time", v->time);
    response_header(&x->response, "Clusto-As-Of-Exact", v->exact ? "true" : "false");
    response_header(&x->response, "Cache-Control",
                    final ? "private, max-age=86400" : "private, no-cache");
    response_header(&x->response, "Vary", "Clusto-As-Of");
}

int as_of_begin(struct exchange *x) {
    struct version_wanted wanted = x->as_of.version;
    struct version_found *v = &x->as_of.point;
    int64_t until = clock_ms() + WAIT_MS;
    bool now = !wanted.by_number && wanted.time == NULL;

    for (bool first = true;; first = false) {
        int status;

        store_begin_snapshot(x->w->store);
        if (reply_rc(&x->c, store_find_version(x->w->store, x->arena, &wanted, v)) || refuse(x, v))
            return x->response.status;
        if (v->settled && !(now && first && v->number < v->latest))
            break;
        if (clock_ms() >= until)
            return fail_unsettled(x, v);
        status = look_again(x, &wanted, now ? 0 : v->number);
        if (status != 0)
            return status;
    }
    store_read_as_of(x->w->store, v->number);
    x->as_of.found = true;
    set_headers(x);
    return 0;
}

/* --- the response --- */

bool as_of_is_final(const struct exchange *x) {
    return x->as_of.found && x->as_of.point.fixed && x->as_of.point.exact;
}

/* FNV-1a. */
static uint64_t add_text(uint64_t hash, const char *text) {
    for (const char *p = text != NULL ? text : "\1"; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * 0x100000001B3u;
    return hash * 0x100000001B3u;
}

/* What was asked, of which version: nothing else makes the answer another one. */
static const char *make_tag(const struct exchange *x) {
    static const char *const names[] = {"Clusto-Mode", "Clusto-Minify", "Clusto-Page",
                                        "Clusto-Per-Page", "Clusto-After"};
    uint64_t hash = add_text(0xCBF29CE484222325u, x->request.target);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        hash = add_text(hash, request_header(&x->request, names[i]));
    return arena_printf(x->arena, "v%d-%016" PRIx64, (int)x->as_of.point.number, hash);
}

static bool client_has(struct exchange *x, const char *tag) {
    const char *header = request_header(&x->request, "If-None-Match");
    struct etag_list list;

    if (header == NULL || !etag_list_parse(x->arena, header, &list))
        return false;
    etag_list_undo_compression(&list);
    return etag_list_has_weak(&list, tag);
}

int as_of_end(struct exchange *x, int status) {
    const char *tag;

    if (x->as_of.found)
        x->c.dependencies = (struct context_dependencies){0}; /* what is past does not change */
    if (!x->as_of.found || x->response.started || status >= 500)
        return status;
    if (status != 200 || !x->as_of.point.exact) {
        set_headers(x);
        return status;
    }
    tag = make_tag(x);
    if (client_has(x, tag)) {
        response_reset(&x->response);
        status = reply_empty(&x->c, 304);
    }
    set_headers(x);
    response_header(&x->response, "ETag", arena_printf(x->arena, "\"%s\"", tag));
    return status;
}
