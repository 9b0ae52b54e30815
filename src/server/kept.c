/* kept.c: answers out of the cache: under which key, in which form, and how they are known to be
 * current. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/cache.h"
#include "server/exchange.h"
#include "server/metrics.h"
#include "store/changes.h"

#define PRUNE_MS     60000
#define LARGEST_LEFT 65536

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
    struct buf *key = &x->kept;
    bool once = true;

    buf_clear(key);
    buf_add(key, &x->match.route, sizeof x->match.route);
    add_fields(key, r->path.front, r->path.front_count);
    add_fields(key, r->path.segments, r->path.count);
    for (size_t i = 0; i < r->params.count; i++) {
        add_field(key, r->params.items[i].name);
        add_field(key, r->params.items[i].value);
    }
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        once = add_header(key, r, headers[i]) && once;
    add_field(key, r->user);
    if (once && !key->failed) {
        x->key = arena_strndup(x->arena, key->data, key->len);
        x->key_length = key->len;
    }
}

static bool may_be_kept(const struct exchange *x) {
    bool raw_body = (x->match.route->flags & ROUTE_RAW_BODY) && x->request.body_length > 0;

    return x->w->cache && (x->match.route->flags & ROUTE_CACHE) && !raw_body;
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

/* Room for the next request is left, but for no more than most need. */
static void give_back(struct buf *kept) {
    if (kept->capacity > LARGEST_LEFT)
        buf_release(kept);
}

/* Headers as pairs of strings, an empty one, the body. */
void kept_store(struct exchange *x, uint64_t seq) {
    const struct context_dependencies *d = &x->c.dependencies;
    const struct response *r = &x->response;
    struct buf *kept = &x->kept;

    if (!x->key || x->status != 200 || r->started || r->head_only ||
        (d->count == 0 && !d->anything))
        return;
    buf_clear(kept);
    for (const struct response_header *h = r->headers; h; h = h->next) {
        if (strcmp(h->name, "X-Request-Id") == 0)
            continue;
        add_text(kept, h->name);
        add_text(kept, h->value);
    }
    add_text(kept, "");
    buf_add(kept, r->held.data, r->held.len);
    if (!kept->failed) {
        cache_store(x->w->cache, x->key, x->key_length, seq, d, kept->data, kept->len);
        metrics_count(METRIC_KEPT_STORED);
    }
    give_back(kept);
}

bool exchange_serve(struct exchange *x) {
    struct buf *kept = &x->kept;
    const char *at;

    buf_clear(kept);
    if (!x->key || !cache_find(x->w->cache, x->key, x->key_length, kept) || kept->failed)
        return false;
    for (at = kept->data; *at;) {
        const char *value = at + strlen(at) + 1;

        response_header(&x->response, at, value);
        at = value + strlen(value) + 1;
    }
    at++;
    x->response.status = 200;
    response_write(&x->response, at, kept->len - (size_t)(at - kept->data));
    give_back(kept);
    x->answered = true;
    x->status = 200;
    metrics_count(METRIC_KEPT_SERVED);
    return true;
}

/* --- is it current? --- */

/* Once when it begins and once when it is over. */
static void tell_blind(struct worker_state *w, const char *blind) {
    if (blind && !w->blind)
        log_warning("no answers are kept: %s", blind);
    else if (!blind && w->blind)
        log_info("answers are kept again");
    w->blind = blind != NULL;
}

/* What was changed is told to all workers. */
static bool apply_changes(struct worker_state *w, const struct cache_state *state) {
    struct changes changes;
    bool current;

    if (store_changes(w->store, w->scratch, state->snapshot, &changes) != RC_OK)
        return false;
    current = !changes.blind;
    cache_apply(w->cache, state, current ? changes.snapshot : "", changes.keys, changes.count,
                !current || changes.everything);
    tell_blind(w, changes.blind);
    w->changes_seen = w->changes_seen || changes.count > 0;
    snprintf(w->last_snapshot, sizeof w->last_snapshot, "%s", changes.snapshot);
    return current;
}

/* Where nothing was written for a while, the cheaper question will do. */
static bool is_current(struct worker_state *w, const struct cache_state *state) {
    bool same = false;

    if (state->still && store_unchanged(w->store, w->scratch, state->snapshot, &same) != RC_OK)
        return false;
    if (same)
        tell_blind(w, NULL);
    return same || apply_changes(w, state);
}

bool worker_refresh(struct worker_state *w) {
    struct cache_state state;
    bool current;

    metrics_count(METRIC_KEPT_CHECKS);
    cache_get_state(w->cache, &state);
    current = is_current(w, &state);
    arena_reset(w->scratch);
    return current;
}

/* --- what nobody will ask for any more --- */

void worker_prune(struct worker_state *w) {
    int64_t now;

    if (!w->changes_seen || (now = clock_ms()) < w->prune_at)
        return;
    if (w->prune_below[0])
        (void)store_prune_changes(w->store, w->prune_below);
    w->changes_seen = false;
    w->prune_at = now + PRUNE_MS;
    memcpy(w->prune_below, w->last_snapshot, sizeof w->prune_below);
}
