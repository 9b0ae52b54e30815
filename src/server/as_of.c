/* as_of.c: reads of the inventory as it was. */
#include "server/as_of.h"

#include <inttypes.h>
#include <string.h>

#include "api/input.h"
#include "api/reply.h"
#include "base/hash.h"
#include "http/etag.h"
#include "server/exchange.h"

int as_of_check(struct exchange *x) {
    const struct request *r = &x->request;
    const char *text = request_header(r, "Clusto-As-Of");

    if (text == NULL)
        return 0;
    if (!exchange_is_read(x))
        return reply_fail(&x->c, 400, "Clusto-As-Of is for GET: the past can't be changed.");
    if (x->match.route->flags & ROUTE_PRESENT)
        return reply_fail(&x->c, 400,
                          "Clusto-As-Of can't be obeyed here: it is for reads of objects, "
                          "attributes, managers and lists.");
    if (x->match.mount == MOUNT_PREFERENCES && (x->match.route->flags & ROUTE_ALONE) == 0)
        return reply_fail(&x->c, 400, "Clusto-As-Of is for the inventory, which has versions.");
    if ((x->match.route->flags & ROUTE_PAST) == 0)
        return 0;
    if (input_check_once(&x->c, "Clusto-As-Of", "HTTP_CLUSTO_AS_OF") ||
        point_parse(&x->c, "Clusto-As-Of", text, &x->as_of.point))
        return x->response.status;
    x->as_of.wanted = true;
    return 0;
}

/* All that an answer may depend on: a cache may keep it for a day without asking. */
#define VARY INPUT_VARY ", Clusto-As-Of"

/* A refusal, except that there is no such object, is up to the configuration, which can change. */
static bool may_be_kept(const struct exchange *x) {
    int status = x->response.status;

    return as_of_is_final(x) && (status < 400 || status == 404);
}

static void set_headers(struct exchange *x) {
    const struct version_found *v = &x->as_of.point.found;

    response_header(&x->response, "Clusto-As-Of", arena_printf(x->arena, "%d", (int)v->number));
    response_header(&x->response, "Clusto-As-Of-Time", v->time);
    response_header(&x->response, "Clusto-As-Of-Exact", v->exact ? "true" : "false");
    response_header(&x->response, "Cache-Control",
                    may_be_kept(x) ? "private, max-age=86400" : "private, no-cache");
    response_header(&x->response, "Vary",
                    x->match.route->operation->lines ? "Accept, " VARY : VARY);
}

bool as_of_is_quick(const struct exchange *x) {
    const struct version_wanted *wanted = &x->as_of.point.wanted;

    return wanted->by_number && store_may_read_settled(x->c.store, wanted->number);
}

void as_of_ask(struct exchange *x) {
    if (x->c.read != NULL)
        store_ask_settled(x->c.store, x->c.read, x->as_of.point.wanted.number,
                          &x->as_of.point.found);
}

/* By one statement, whose result is whole before anything is sent: an object, or a page. */
static bool is_read_at_once(const struct exchange *x) {
    unsigned flags = x->match.route->flags;

    return x->match.route->ask != NULL ||
           ((flags & ROUTE_PAGE) && request_header(&x->request, "Clusto-After") != NULL &&
            request_header(&x->request, "Clusto-Page") == NULL &&
            input_mode(&x->c, MODE_COMPACT) == MODE_COMPACT);
}

int as_of_begin(struct exchange *x) {
    struct as_of *as_of = &x->as_of;

    as_of->checked_after = !as_of->tried && is_read_at_once(x) && as_of_is_quick(x);
    as_of->tried = true;
    as_of->found = as_of->checked_after;
    if (as_of->checked_after) {
        store_read_settled(x->c.store, x->arena, as_of->point.wanted.number, &as_of->point.found);
        return 0;
    }
    if (point_begin(&x->c, &x->as_of.point, 1))
        return x->response.status;
    store_read_as_of(x->c.store, x->as_of.point.found.number, x->as_of.point.found.renamed);
    x->as_of.found = true;
    set_headers(x);
    return 0;
}

/* --- the response --- */

bool as_of_is_final(const struct exchange *x) {
    return x->as_of.found && x->as_of.point.found.fixed && x->as_of.point.found.exact;
}

/* What was asked, as which configuration shows it, of which version. Another database may have one
 * of the same number, as after a restore, but hardly of the same millisecond. */
static const char *make_tag(const struct exchange *x) {
    const struct request *r = &x->request;
    uint64_t hash = HASH_START ^ x->c.options->fingerprint;

    hash = hash_add(hash_add(hash, r->target), x->as_of.point.found.time);
    for (size_t i = 0; i < r->params.count; i++) /* those of a body as well */
        hash = hash_add(hash_add(hash, r->params.items[i].name), r->params.items[i].value);
    for (size_t i = 0; i < INPUT_HEADERS; i++)
        hash = hash_add(hash, r->variable(r->transport, input_headers[i]));
    if (x->match.route->operation->lines)
        hash = hash_add(hash, request_header(r, "Accept"));
    return arena_printf(x->arena, "v%d-%016" PRIx64, (int)x->as_of.point.found.number, hash);
}

static bool client_has(struct exchange *x, const char *tag) {
    const char *header = request_header(&x->request, "If-None-Match");
    struct etag_list list;

    if (header == NULL || !etag_list_parse(x->arena, header, &list))
        return false;
    etag_list_undo_compression(&list);
    return list.any || etag_list_has_weak(&list, tag);
}

/* A response for which nothing had to be read is one of that version only if that can be read. */
static int check_settled(struct exchange *x) {
    if (!x->as_of.checked_after || x->as_of.point.found.exists || x->c.rc != RC_OK)
        return 0;
    return reply_rc(&x->c, store_check_settled(x->c.store));
}

int as_of_end(struct exchange *x, int status) {
    const char *tag;

    if (x->as_of.found)
        x->c.dependencies = (struct context_dependencies){0}; /* what is past does not change */
    if (!x->as_of.found || x->response.started || status >= 500)
        return status;
    if (check_settled(x))
        return x->response.status;
    if (status != 200 || !x->as_of.point.found.exact || !request_is_read(&x->request)) {
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
