/* cors.c: the headers that every response has, and CORS. */
#include "server/cors.h"

#include <string.h>
#include <strings.h>

/* The headers that a page may see, beside those that browsers always show. */
#define EXPOSED                                                                                    \
    "Clusto-As-Of, Clusto-As-Of-Exact, Clusto-As-Of-Time, Clusto-Dry-Run, Clusto-Made, "           \
    "Clusto-Minify, Clusto-More, "                                                                 \
    "Clusto-Next, Clusto-Oldest, Clusto-Outcome, Clusto-Page, Clusto-Pages, Clusto-Per-Page, "     \
    "Clusto-Settled, Clusto-Stale, Clusto-Version, "                                               \
    "ETag, Idempotency-Replayed, Link, Retry-After, Warnings, X-Request-Id"

enum { MAX_ADDED = 5 }; /* headers that are added here */

static bool is_listed(const struct strings *list, const char *text) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

/* The value of this header in the setting response_headers, or NULL. */
static const char *configured(const struct settings *s, const char *name) {
    for (size_t i = 0; i < s->response_header_count; i++)
        if (strcasecmp(s->response_headers[i].name, name) == 0)
            return s->response_headers[i].value;
    return NULL;
}

/* Access-Control-Allow-Origin by cors_origins; NULL: none. */
static const char *allowed_origin(const struct settings *s, const char *origin) {
    if (origin == NULL)
        return NULL;
    if (is_listed(&s->cors_origins, "*"))
        return "*";
    return is_listed(&s->cors_origins, origin) ? origin : NULL;
}

static size_t add_cors(const struct exchange *x, struct header *headers) {
    const struct settings *s = x->w->settings;
    const char *origin;
    size_t n = 0;

    if (s->cors_origins.count == 0)
        return 0;
    origin = allowed_origin(s, request_header(&x->request, "Origin"));
    if (!is_listed(&s->cors_origins, "*")) /* the response to one origin is not for another */
        headers[n++] = (struct header){"Vary", "Origin"};
    if (origin == NULL)
        return n;
    headers[n++] = (struct header){"Access-Control-Allow-Origin", origin};
    headers[n++] = (struct header){"Access-Control-Expose-Headers", EXPOSED};
    if (s->cors_credentials)
        headers[n++] = (struct header){"Access-Control-Allow-Credentials", "true"};
    return n;
}

void cors_headers(struct exchange *x) {
    const struct settings *s = x->w->settings;
    size_t n = s->response_header_count;
    struct header *headers = arena_array(x->arena, n + MAX_ADDED, sizeof(*headers));

    if (n > 0)
        memcpy(headers, s->response_headers, n * sizeof(*headers));
    headers[n++] = (struct header){"X-Request-Id", x->request.id};
    n += add_cors(x, headers + n);
    response_set_fixed(&x->response, headers, n);
}

/* By cors_origins, or by response_headers. */
static bool is_allowed(const struct settings *s, const char *origin) {
    const char *always = configured(s, "Access-Control-Allow-Origin");

    return allowed_origin(s, origin) != NULL ||
           (always != NULL && (strcmp(always, "*") == 0 || strcmp(always, origin) == 0));
}

/* The setting response_headers wins. */
static void add(struct exchange *x, const char *name, const char *value) {
    if (configured(x->w->settings, name) == NULL)
        response_header(&x->response, name, value);
}

static const char *joined(struct arena *arena, const struct strings *list) {
    const char *all = "";

    for (size_t i = 0; i < list->count; i++)
        all = arena_printf(arena, "%s%s%s", all, i > 0 ? ", " : "", list->items[i]);
    return all;
}

void cors_preflight(struct exchange *x) {
    const struct settings *s = x->w->settings;
    const char *origin = request_header(&x->request, "Origin");

    if (origin == NULL || request_header(&x->request, "Access-Control-Request-Method") == NULL ||
        x->match.allowed == 0 || !is_allowed(s, origin))
        return;
    add(x, "Access-Control-Allow-Methods", route_allow(x->arena, x->match.allowed));
    if (s->cors_headers.count > 0)
        add(x, "Access-Control-Allow-Headers", joined(x->arena, &s->cors_headers));
    add(x, "Access-Control-Max-Age", arena_printf(x->arena, "%d", s->cors_max_age / 1000));
}
