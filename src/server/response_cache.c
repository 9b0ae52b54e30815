/* response_cache.c: responses in the cache: under which key, in which form, and how they are known
 * to be current. */
#include "server/response_cache.h"

#include <stdio.h>
#include <string.h>

#include "api/condition.h"
#include "api/input.h"
#include "api/reply.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/etag.h"
#include "server/cache.h"
#include "server/metrics.h"
#include "server/write_limit.h"
#include "store/changes.h"

enum { MAX_SCRATCH = 65536 };
enum { WHOLE = 'w', UNMODIFIED = 'u' };

/* By which a response varies, beside path, parameters, user and input_headers. */
static const char *const more_headers[] = {"HTTP_CLUSTO_AS_OF", "HTTP_IF_MATCH"};
#define CONDITION "HTTP_IF_NONE_MATCH"

/* A tag tells a missing text from any that there may be. */
static void add_field(struct buf *key, const char *text) {
    buf_addc(key, text ? 't' : 'n');
    if (text)
        buf_add(key, text, strlen(text) + 1);
}

static void add_fields(struct buf *key, const char *const *texts, size_t count) {
    for (size_t i = 0; i < count; i++)
        add_field(key, texts[i]);
    add_field(key, NULL);
}

static void add_text(struct buf *entry, const char *text) {
    buf_add(entry, text, strlen(text) + 1);
}

/* A header; false: it was sent more than once, which the handler must see. */
static bool add_header(struct buf *key, const struct request *r, const char *variable) {
    const char *text = r->variable(r->transport, variable);

    add_field(key, text);
    return !text || !request_repeats(r, variable);
}

static bool is_compact(const struct exchange *x) {
    return input_mode(&x->c, MODE_EXPANDED) == MODE_COMPACT;
}

/* Everything that the response depends on but the data. Texts have no NUL, so different requests
 * have different keys. Under the first one is what the client gets without If-None-Match, under the
 * longer one a 304: its client has what is too long for the cache, or nobody has asked for it. */
static void make_key(struct exchange *x) {
    const struct request *r = &x->request;
    struct buf *key = &x->scratch;
    bool once = true;

    buf_clear(key);
    buf_add(key, &x->match.route, sizeof x->match.route);
    add_fields(key, r->path.front, r->path.front_count);
    add_fields(key, r->path.segments, r->path.count);
    for (size_t i = 0; i < r->params.count; i++) {
        add_field(key, r->params.items[i].name);
        add_field(key, r->params.items[i].value);
    }
    for (size_t i = 0; i < INPUT_HEADERS; i++)
        once = add_header(key, r, input_headers[i]) && once;
    for (size_t i = 0; i < sizeof more_headers / sizeof *more_headers; i++)
        once = add_header(key, r, more_headers[i]) && once;
    if (x->match.route->operation->lines)
        once = add_header(key, r, "HTTP_ACCEPT") && once;
    add_field(key, r->user);
    /* A compact response has a tag only if there is a condition. */
    add_field(key, is_compact(x) && condition_given(&x->c) ? "" : NULL);
    x->cache_key_length = key->len;
    once = add_header(key, r, CONDITION) && once;
    x->cache_unmodified_length = key->len;
    if (once && !key->failed)
        x->cache_key = arena_strndup(x->arena, key->data, key->len);
}

static bool is_cacheable(const struct exchange *x) {
    bool raw_body = !operation_takes_form(x->match.route->operation) && x->request.body_length > 0;

    return x->w->cache && x->min_version == 0 && (x->match.route->flags & ROUTE_CACHE) && !raw_body;
}

static bool find_entry(const struct exchange *x, struct buf *entry) {
    return cache_find(x->w->cache, x->cache_key, x->cache_key_length, entry) ||
           cache_find(x->w->cache, x->cache_key, x->cache_unmodified_length, entry);
}

bool response_cache_find(struct exchange *x) {
    x->cache_key = NULL;
    if (!is_cacheable(x))
        return false;
    make_key(x);
    return x->cache_key && find_entry(x, NULL);
}

void response_cache_note_seq(struct exchange *x) {
    if (!x->cache_key)
        return;
    x->cache_seq = cache_seq(x->w->cache, &x->cache_instance);
    x->cache_connection = store_connection(x->w->store);
}

/* The next request uses the memory again, but not more than most need. */
static void release_large(struct buf *scratch) {
    if (scratch->capacity > MAX_SCRATCH)
        buf_release(scratch);
}

static bool is_complete(const struct exchange *x) {
    const struct context_dependencies *d = &x->c.dependencies;

    return (x->status == 200 || x->status == 304) && !x->response.started &&
           !x->response.head_only && (d->count > 0 || d->anything || as_of_is_final(x));
}

/* Was it read from the server that the seq speaks of? Another one may have been the primary before,
 * or lag behind. A read that was sent with others may have been by a connection that is gone. */
static bool is_of_server(const struct exchange *x) {
    uint64_t before = x->cache_connection, now = store_connection(x->w->store);

    if (x->standby_instance != 0) /* as far as that primary was after the seq was noted */
        return x->cache_instance == 0 || x->cache_instance == x->standby_instance;
    if (x->cache_instance != 0 && store_instance(x->w->store) != x->cache_instance) {
        cache_leave_server(x->w->cache, x->cache_instance);
        return false;
    }
    return before == 0 || before == now;
}

/* An entry is the status, one byte for each of the two that are stored, the headers as pairs of
 * strings, an empty string, the body. */
void response_cache_store(struct exchange *x) {
    const struct response *r = &x->response;
    struct buf *entry = &x->scratch;

    if (!x->cache_key)
        return;
    metrics_count(METRIC_CACHE_MISSED);
    if (!is_complete(x) || !is_of_server(x))
        return;
    buf_clear(entry);
    buf_addc(entry, x->status == 304 ? UNMODIFIED : WHOLE);
    for (const struct response_header *h = r->headers; h; h = h->next) {
        if (strcmp(h->name, "X-Request-Id") == 0)
            continue;
        add_text(entry, h->name);
        add_text(entry, h->value);
    }
    add_text(entry, "");
    buf_add(entry, r->held.data, r->held.len);
    if (!entry->failed) {
        cache_store(x->w->cache, x->cache_key,
                    x->status == 304 ? x->cache_unmodified_length : x->cache_key_length,
                    x->cache_seq, &x->c.dependencies, entry->data, entry->len);
        metrics_count(METRIC_CACHE_STORED);
    }
    release_large(entry);
}

/* Has the client the response that is prepared? */
static bool client_has(struct exchange *x, const char *etag) {
    const char *sent = request_header(&x->request, "If-None-Match");
    struct etag_list list;
    size_t n = etag ? strlen(etag) : 0;

    if (!sent || n < 2 || !etag_list_parse(x->arena, sent, &list))
        return false;
    etag_list_undo_compression(&list);
    return list.any || etag_list_has_weak(&list, arena_strndup(x->arena, etag + 1, n - 2));
}

/* Sets the headers of the entry; *etag: its tag, or NULL. Returns where its body begins. */
static const char *read_headers(struct exchange *x, const char *at, const char **etag) {
    *etag = NULL;
    while (*at) {
        const char *value = at + strlen(at) + 1;

        response_header(&x->response, at, value);
        if (strcmp(at, "ETag") == 0)
            *etag = value;
        at = value + strlen(value) + 1;
    }
    return at + 1;
}

bool response_cache_serve(struct exchange *x) {
    struct buf *entry = &x->scratch;
    const char *body, *etag;

    buf_clear(entry);
    if (!x->cache_key || !find_entry(x, entry) || entry->failed)
        return false;
    body = read_headers(x, entry->data + 1, &etag);
    x->status = 200;
    if (*entry->data == UNMODIFIED || client_has(x, etag))
        x->status = reply_empty(&x->c, 304);
    x->response.status = x->status;
    response_write(&x->response, body, entry->len - (size_t)(body - entry->data));
    release_large(entry);
    x->responded = true;
    metrics_count(METRIC_CACHE_SERVED);
    return true;
}

/* --- is it current? --- */

/* Once when the cache goes off and once when it is on again. */
static void log_cache_state(struct worker_state *w, const char *problem) {
    if (problem && !w->triggers_off)
        log_warning("the response cache is off: %s", problem);
    else if (!problem && w->triggers_off)
        log_info("the response cache is on again");
    w->triggers_off = problem != NULL;
}

/* For all workers. */
static bool apply_changes(struct worker_state *w, const struct cache_state *state) {
    struct changes changes;
    bool current;

    if (store_changes(w->store, w->scratch, state->snapshot, &changes) != RC_OK)
        return false;
    current = !changes.blind;
    cache_apply(w->cache, state, current ? changes.snapshot : "", changes.instance, changes.keys,
                changes.count, !current || changes.everything);
    log_cache_state(w, changes.blind);
    return current;
}

/* After a while without writes, a cheaper query does. */
static bool is_current(struct worker_state *w, const struct cache_state *state) {
    bool same = false;

    if (state->unchanged && store_unchanged(w->store, w->scratch, state->snapshot, &same) != RC_OK)
        return false;
    if (same)
        log_cache_state(w, NULL);
    return same || apply_changes(w, state);
}

bool response_cache_refresh(struct worker_state *w) {
    struct cache_state state;
    bool current;

    metrics_count(METRIC_CACHE_CHECKS);
    cache_get_state(w->cache, &state);
    current = is_current(w, &state);
    arena_reset(w->scratch);
    return current;
}
