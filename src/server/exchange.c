/* exchange.c: one request and its response: their memory, beginning and end. */
#include "server/exchange.h"

#include <stdlib.h>

#include "api/changes_page.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/cors.h"
#include "server/metrics.h"

struct exchange *exchange_new(struct worker_state *w) {
    struct exchange *x = calloc(1, sizeof *x);

    if (!x)
        log_fatal("out of memory");
    x->w = w;
    x->arena = arena_new();
    buf_init(&x->body, (size_t)w->settings->body_limit);
    buf_init(&x->scratch, 0);
    return x;
}

void exchange_free(struct exchange **x) {
    if (!*x)
        return;
    buf_release(&(*x)->body);
    buf_release(&(*x)->scratch);
    response_release(&(*x)->response);
    arena_free(&(*x)->arena);
    free(*x);
    *x = NULL;
}

void exchange_set_log_request(const struct exchange *x) {
    log_set_request(x->request.id);
}

void exchange_begin(struct exchange *x, const struct transport *transport) {
    struct worker_state *w = x->w;

    x->began = clock_us();
    x->transport = *transport;
    x->match = (struct route_match){0};
    x->body_result = BODY_UNREAD;
    x->status = 0;
    x->responded = false;
    x->asked = false;
    x->standby_instance = 0;
    x->wants_diff = false;
    x->idempotency_key = NULL;
    x->replayed = false;
    x->transaction = NULL;
    x->min_version = 0;
    x->as_of = (struct as_of){0};
    x->cache_key = NULL;
    intake_begin(w, x->arena, transport, &x->request);
    response_begin(&x->response, x->arena, transport->out, x->request.method == METHOD_HEAD);
    cors_headers(x);
    x->c = (struct context){.options = &w->settings->api,
                            .request = &x->request,
                            .response = &x->response,
                            .store = w->store,
                            .arena = x->arena,
                            .json = w->json};
    exchange_set_log_request(x);
}

bool exchange_is_read(const struct exchange *x) {
    return request_is_read(&x->request) || (x->match.route->flags & ROUTE_READ);
}

bool exchange_is_feed(const struct exchange *x) {
    return (x->match.route->flags & ROUTE_FEED) && changes_page_has_cursor(&x->c);
}

const char *exchange_caller(const struct exchange *x) {
    const struct request *r = &x->request;
    const char *who = r->identity != NULL ? r->identity : "-";

    if (r->user == NULL || r->user == r->identity)
        return who;
    return arena_printf(x->arena, "%s for %s", who, r->user);
}

void exchange_log(const struct exchange_line *line) {
    if (!log_enabled(LOG_LEVEL_INFO))
        return;
    log_info("%.32s %.1024s %d %zu %ld.%03ld %s%s", line->method, line->target, line->status,
             line->bytes, line->us / 1000, line->us % 1000, line->who,
             line->broken ? " (broken off)" : "");
}

static void log_access(const struct exchange *x, long us) {
    exchange_log(&(struct exchange_line){.method = x->request.method_text,
                                         .target = x->request.target,
                                         .status = x->status,
                                         .bytes = x->response.body_bytes,
                                         .us = us,
                                         .who = exchange_caller(x),
                                         .broken = x->response.broken});
}

bool exchange_end(struct exchange *x, bool *body_drained) {
    bool whole;
    long us;

    exchange_set_log_request(x);
    (void)response_finish(&x->response);
    whole = !x->response.broken;
    us = (long)(clock_us() - x->began);
    log_access(x, us);
    metrics_request(x->match.route, x->status, us);
    metrics_database(x->c.rc);
    if (!whole)
        metrics_count(METRIC_TRUNCATED);
    log_set_request(NULL);
    *body_drained = x->request.stream
                        ? x->request.stream->ended
                        : x->body_result == BODY_OK || x->body_result == BODY_TRUNCATED;
    arena_reset(x->arena);
    return whole;
}

void exchange_forget(struct exchange *x) {
    metrics_request(x->match.route, x->status, (long)(clock_us() - x->began));
    log_set_request(NULL);
    arena_reset(x->arena);
}
