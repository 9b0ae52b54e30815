/* kept.c: answers out of the cache: under which key, in which form, and how they are known to be
 * current. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/cache.h"
#include "server/exchange.h"
#include "server/metrics.h"
#include "store/changes.h"

#define PRUNE_MS 60000

/* What an answer differs by beside path and parameters. */
static const char *const headers[] = {
    "HTTP_CLUSTO_MODE",  "HTTP_CLUSTO_MINIFY", "HTTP_CLUSTO_PAGE", "HTTP_CLUSTO_PER_PAGE",
    "HTTP_CLUSTO_AFTER", "HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"};

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

static void add_text(struct buf *kept, const char *text) {
    buf_add(kept, text, strlen(text) + 1);
}

/* A header; false: it was sent more than once, and what that means is the handler's to say. */
static bool add_header(struct buf *key, const struct request *r, const char *variable) {
    const char *text = r->variable(r->transport, variable);

    add_field(key, text);
    return !text || !r->variable_count || r->variable_count(r->transport, variable) == 1;
}

/* Everything that the answer is made of but the data. Texts have no NUL, so no two requests share a
 * key. */
static void make_key(struct exchange *x) {
    const struct request *r = &x->request;
    bool once = true;
    struct buf key;

    buf_init(&key, 0);
    buf_add(&key, &x->match.route, sizeof x->match.route);
    add_fields(&key, r->path.front, r->path.front_count);
    add_fields(&key, r->path.segments, r->path.count);
    for (size_t i = 0; i < r->params.count; i++) {
        add_field(&key, r->params.items[i].name);
        add_field(&key, r->params.items[i].value);
    }
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        once = add_header(&key, r, headers[i]) && once;
    add_field(&key, r->user);
    if (once && !key.failed) {
        x->key = arena_strndup(x->arena, key.data, key.len);
        x->key_length = key.len;
    }
    buf_release(&key);
}

static bool may_be_kept(const struct exchange *x) {
    bool raw_body = (x->match.route->flags & ROUTE_RAW_BODY) && x->request.body_length > 0;

    return x->w->cache && x->match.route->transaction == TRANSACTION_READ && !raw_body;
}

bool kept_find(struct exchange *x) {
    x->key = NULL;
    if (!may_be_kept(x))
        return false;
    make_key(x);
    return x->key && cache_find(x->w->cache, x->key, x->key_length, NULL);
}

uint64_t kept_seq(const struct exchange *x) {
    return x->key ? cache_seq(x->w->cache) : 0;
}

/* Headers as pairs of strings, an empty one, the body. */
void kept_store(struct exchange *x, uint64_t seq) {
    const struct dependencies *d = &x->c.dependencies;
    const struct response *r = &x->response;
    struct buf kept;

    if (!x->key || x->status != 200 || r->started || r->head_only ||
        (d->count == 0 && !d->anything))
        return;
    buf_init(&kept, 0);
    for (const struct response_header *h = r->headers; h; h = h->next) {
        if (strcmp(h->name, "X-Request-Id") == 0)
            continue;
        add_text(&kept, h->name);
        add_text(&kept, h->value);
    }
    add_text(&kept, "");
    buf_add(&kept, r->held.data, r->held.len);
    if (!kept.failed) {
        cache_store(x->w->cache, x->key, x->key_length, seq, d, kept.data, kept.len);
        metrics_count(METRIC_KEPT_STORED);
    }
    buf_release(&kept);
}

bool exchange_serve(struct exchange *x) {
    struct buf kept;
    const char *at;

    buf_init(&kept, 0);
    if (!x->key || !cache_find(x->w->cache, x->key, x->key_length, &kept) || kept.failed) {
        buf_release(&kept);
        return false;
    }
    for (at = kept.data; *at;) {
        const char *value = at + strlen(at) + 1;

        response_header(&x->response, at, value);
        at = value + strlen(value) + 1;
    }
    at++;
    x->response.status = 200;
    response_write(&x->response, at, kept.len - (size_t)(at - kept.data));
    buf_release(&kept);
    x->answered = true;
    x->status = 200;
    metrics_count(METRIC_KEPT_SERVED);
    return true;
}

/* --- is it current? --- */

/* Changes that every cache has heard of by now are forgotten. */
static void prune(struct worker_state *w, const char *snapshot, bool any) {
    int64_t now = clock_ms();

    w->changes_seen = w->changes_seen || any;
    if (now < w->prune_at)
        return;
    if (w->changes_seen && w->prune_below[0])
        (void)store_prune_changes(w->store, w->prune_below);
    w->changes_seen = false;
    w->prune_at = now + PRUNE_MS;
    strncpy(w->prune_below, snapshot, sizeof w->prune_below - 1);
}

/* Once when it begins and once when it is over. */
static void tell_blind(struct worker_state *w, const char *blind) {
    if (blind && !w->blind)
        log_warning("no answers are kept: %s", blind);
    else if (!blind && w->blind)
        log_info("answers are kept again");
    w->blind = blind != NULL;
}

bool worker_refresh(struct worker_state *w) {
    struct cache_state state;
    struct changes changes;
    bool current;

    metrics_count(METRIC_KEPT_CHECKS);
    cache_get_state(w->cache, &state);
    if (store_changes(w->store, w->scratch, state.snapshot, &changes) != RC_OK) {
        arena_reset(w->scratch);
        return false;
    }
    current = !changes.blind;
    cache_apply(w->cache, &state, current ? changes.snapshot : "", changes.keys, changes.count,
                !current || changes.everything);
    tell_blind(w, changes.blind);
    prune(w, changes.snapshot, changes.count > 0);
    arena_reset(w->scratch);
    return current;
}
