/* dispatch.c: one request from its transport to its answer: the ladder that every request climbs.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "api/reply.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "server/auth.h"
#include "server/edge.h"
#include "server/metrics.h"

enum { MAX_ATTEMPTS = 5, PAUSE_MS = 4, DESCRIPTION_MAX = 1000 };

void worker_state_init(struct worker_state *w, const struct settings *settings,
                       struct cache *cache) {
    uint32_t random = 0;

    *w = (struct worker_state){.settings = settings, .cache = cache};
    w->store = store_new(&settings->store);
    w->scratch = arena_new();
    w->json = json_writer_new();
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
        random = (uint32_t)getpid() ^ (uint32_t)time(NULL);
    snprintf(w->id_prefix, sizeof(w->id_prefix), "%08x-", random);
    srandom(random);
}

void worker_state_release(struct worker_state *w) {
    store_free(&w->store);
    json_writer_free(&w->json);
    arena_free(&w->scratch);
}

struct exchange *exchange_new(struct worker_state *w) {
    struct exchange *x = calloc(1, sizeof *x);

    if (!x)
        log_fatal("out of memory");
    x->w = w;
    x->arena = arena_new();
    buf_init(&x->body, (size_t)w->settings->body_limit);
    buf_init(&x->kept, 0);
    return x;
}

void exchange_free(struct exchange **x) {
    if (!*x)
        return;
    buf_release(&(*x)->body);
    buf_release(&(*x)->kept);
    response_release(&(*x)->response);
    arena_free(&(*x)->arena);
    free(*x);
    *x = NULL;
}

/* --- transaction and handler -------------------------------------------------------------------
 */

/* What the version's row says of this write. */
static const char *description(const struct exchange *x) {
    const char *given = request_header(&x->request, "Clusto-Description");
    const char *text = x->request.method_text;

    if (given != NULL && *given != '\0')
        return given;
    for (size_t i = 0; i < x->request.path.count && strlen(text) < DESCRIPTION_MAX; i++)
        text = arena_printf(x->arena, "%s%s%s", text, i == 0 ? " /" : "/",
                            x->request.path.segments[i]);
    return text;
}

/* The end of a write that its handler answered well. */
static int commit(struct exchange *x, int status) {
    struct store *store = x->w->store;
    enum rc rc = store_commit(store);
    int32_t version = store_version(store);

    if (rc != RC_OK)
        return reply_rc(&x->c, rc);
    if (version > 0)
        response_header(&x->response, "Clusto-Version", arena_printf(x->arena, "%d", (int)version));
    return status;
}

/* Both steps of a quick read, where the first was not taken by exchange_ask. */
static int handle(struct exchange *x) {
    const struct route *route = x->match.route;
    int status = route->ask != NULL && !x->asked ? route->ask(&x->c) : 0;

    x->asked = false; /* another attempt begins from the start */
    return status != 0 ? status : route->handle(&x->c);
}

/* One try: transaction, handler, commit or roll back. */
static int attempt(struct exchange *x) {
    const struct route *route = x->match.route;
    struct store *store = x->w->store;
    enum rc rc = RC_OK;
    int status;

    if (route->flags & ROUTE_WRITE)
        rc = store_begin_write(store, x->request.identity, description(x));
    status = rc == RC_OK ? handle(x) : reply_rc(&x->c, rc);
    if ((route->flags & ROUTE_WRITE) && x->c.rc == RC_OK && status < 400)
        return commit(x, status);
    if (x->c.rc == RC_OK && status < 400)
        (void)store_commit(store); /* of a snapshot, if there was one */
    else
        store_rollback(store);
    return status;
}

/* True if what failed is worth another try, and nothing of the answer has left. After COMMIT was
 * sent the code is RC_UNKNOWN, and that is never tried again. */
static bool worth_another(const struct exchange *x, int attempts, bool was_connected) {
    if (x->response.started)
        return false;
    if (x->c.rc == RC_BROKEN) /* a connection that died since the last request is not news */
        return was_connected && attempts == 1;
    return x->c.rc == RC_RETRY && attempts < MAX_ATTEMPTS;
}

/* Longer each time, and never the same in two workers that got into each other's way. */
static void pause_before(int attempts) {
    long ms = 1 + random() % (PAUSE_MS << attempts);
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static void begin_again(struct exchange *x) {
    response_reset(&x->response);
    x->c.json_open = false;
    x->c.rc = RC_OK;
}

static int run(struct exchange *x) {
    struct response *response = &x->response;
    bool was_connected = store_connected(x->w->store);
    int status = 0;

    response->hold = (x->match.route->flags & ROUTE_WRITE) != 0;
    store_set_client(x->w->store, x->transport.client_fd);
    store_set_request(x->w->store, x->request.id);
    for (int attempts = 1;; attempts++) {
        status = attempt(x);
        if (!worth_another(x, attempts, was_connected))
            break;
        log_debug("%s: trying again", rc_name(x->c.rc));
        metrics_database(x->c.rc);
        metrics_count(METRIC_RETRIES);
        if (x->c.rc == RC_RETRY)
            pause_before(attempts);
        begin_again(x);
    }
    store_set_client(x->w->store, -1);
    store_set_request(x->w->store, NULL);
    return status;
}

/* --- the ladder --------------------------------------------------------------------------------
 */

static int answer_options(struct exchange *x) {
    if (x->match.allowed != 0)
        response_header(&x->response, "Allow", route_allow(x->arena, x->match.allowed));
    edge_preflight(x);
    return reply_empty(&x->c, 204);
}

static int fail_path(struct exchange *x, enum path_result result) {
    if (result == PATH_LIMIT)
        return reply_fail(&x->c, 414, "The path is too long.");
    return reply_fail(
        &x->c, 400,
        "The path has bytes that are no UTF-8, a broken %%-escape, or dots beside encoded "
        "slashes that lead elsewhere.");
}

static int fail_method(struct exchange *x) {
    int status = reply_fail(&x->c, 405, "%.32s is not allowed here.", x->request.method_text);

    response_header(&x->response, "Allow", route_allow(x->arena, x->match.allowed));
    return status;
}

static int fail_body(struct exchange *x) {
    switch (x->body_result) {
    case BODY_TOO_LARGE:
        return reply_fail(&x->c, 413, "The body is larger than %d bytes.",
                          x->w->settings->body_limit);
    case BODY_LATE: return reply_fail(&x->c, 408, "The body did not arrive in time.");
    case BODY_MALFORMED: return reply_fail(&x->c, 400, "Content-Length is not a number.");
    case BODY_CUT:
    case BODY_UNREAD:
    case BODY_OK: break;
    }
    return reply_fail(&x->c, 400, "The body is shorter than its Content-Length.");
}

/* Headers whose text goes into the database or an answer. */
static bool headers_valid(const struct request *request) {
    static const char *const names[] = {"HTTP_CLUSTO_DESCRIPTION", "HTTP_CLUSTO_MINIFY",
                                        "HTTP_CLUSTO_MODE",        "HTTP_CLUSTO_PAGE",
                                        "HTTP_CLUSTO_PER_PAGE",    "HTTP_CLUSTO_AFTER"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = request->variable(request->transport, names[i]);

        if (value != NULL && !utf8_valid(value, strlen(value)))
            return false;
    }
    return true;
}

static int fail_params(struct exchange *x, enum params_result result, const char *message) {
    if (result == PARAMS_LIMIT)
        return reply_fail(&x->c, x->request.body_length > 0 ? 413 : 414, "%s", message);
    return reply_fail(&x->c, 400, "%s", message);
}

/* Every rung in its order; a handler may assume all of them. The status of what was wrong, or 0:
 * run. Of who may not do this, not even the body is read. */
static int climb(struct exchange *x) {
    struct request *request = &x->request;
    enum path_result path = intake_path(x->w->settings, request);
    enum params_result params;
    const char *message = "";
    int refused = 0;

    if (path == PATH_OK)
        x->match = route_find(x->w->settings, &request->path, request->method);
    if (x->match.route != NULL)
        refused = auth_admit(x);
    if (refused == 0 || !intake_has_body(request))
        x->body_result = intake_body(&x->body, &x->transport, request);
    if (refused != 0)
        return refused;
    if (request->method == METHOD_OPTIONS)
        return answer_options(x);
    if (path != PATH_OK)
        return fail_path(x, path);
    if (x->match.allowed == 0)
        return reply_fail(&x->c, 404, "There is nothing at this path.");
    if (x->match.route == NULL)
        return fail_method(x);
    if (x->body_result != BODY_OK)
        return fail_body(x);
    if (!headers_valid(request))
        return reply_fail(&x->c, 400, "A header is not valid UTF-8.");
    x->c.args = x->match.args;
    x->c.arg_count = x->match.arg_count;
    x->c.mount = x->match.mount;
    params = intake_params(x->w->settings, request, (x->match.route->flags & ROUTE_RAW_BODY) == 0,
                           &message);
    if (params != PARAMS_OK)
        return fail_params(x, params, message);
    return 0;
}

/* --- around it ---------------------------------------------------------------------------------
 */

static void begin(struct exchange *x, const struct transport *transport) {
    struct worker_state *w = x->w;

    x->began = clock_us();
    x->transport = *transport;
    x->match = (struct route_match){0};
    x->body_result = BODY_UNREAD;
    x->answered = false;
    x->status = 0;
    x->key = NULL;
    x->asked = false;
    intake_begin(w, x->arena, transport, &x->request);
    response_begin(&x->response, x->arena, transport->out, x->request.method == METHOD_HEAD);
    edge_headers(x);
    x->c = (struct context){.options = &w->settings->api,
                            .request = &x->request,
                            .response = &x->response,
                            .store = w->store,
                            .arena = x->arena,
                            .json = w->json};
}

/* Several requests may be in hand: each line of the log names its own. */
static void take_up(const struct exchange *x) {
    log_set_request(x->request.id);
}

/* Who asked, and for whom where that is somebody else. */
static const char *caller(const struct exchange *x) {
    const struct request *r = &x->request;
    const char *who = r->identity != NULL ? r->identity : "-";

    if (r->user == NULL || r->user == r->identity)
        return who;
    return arena_printf(x->arena, "%s for %s", who, r->user);
}

static void log_access(const struct exchange *x, int status, long us) {
    const struct response *response = &x->response;

    if (!log_enabled(LOG_LEVEL_INFO))
        return;
    log_info("%.32s %.1024s %d %zu %ld.%03ld %s%s", x->request.method_text, x->request.target,
             status, response->body_bytes, us / 1000, us % 1000, caller(x),
             response->broken ? " (broken off)" : "");
}

static void count(const struct exchange *x, long us) {
    metrics_request(x->match.route, x->status, us);
    metrics_database(x->c.rc);
    if (x->response.broken)
        metrics_count(METRIC_BROKEN_OFF);
}

bool exchange_is_quick(const struct exchange *x) {
    return !x->answered && x->match.route->ask != NULL;
}

enum exchange_next exchange_begin(struct exchange *x, const struct transport *transport) {
    begin(x, transport);
    take_up(x);
    x->status = climb(x);
    x->answered = x->status != 0;
    if (!x->answered && kept_find(x))
        return EXCHANGE_KEPT;
    return exchange_is_quick(x) ? EXCHANGE_QUICK : EXCHANGE_RUN;
}

bool exchange_ask(struct exchange *x, struct store_prefetch *out) {
    take_up(x);
    x->kept_seq = kept_seq(x);
    x->status = x->match.route->ask(&x->c);
    x->answered = x->status != 0;
    x->asked = true;
    *out = (struct store_prefetch){.read = x->c.read, .request = x->request.id};
    return !x->answered;
}

void exchange_run(struct exchange *x) {
    if (x->answered)
        return;
    take_up(x);
    if (x->key != NULL)
        metrics_count(METRIC_KEPT_MISSED);
    if (!x->asked)
        x->kept_seq = kept_seq(x);
    x->status = run(x);
    x->answered = true;
    kept_store(x, x->kept_seq);
}

bool exchange_end(struct exchange *x, bool *body_drained) {
    long us;

    take_up(x);
    (void)response_finish(&x->response);
    us = (long)(clock_us() - x->began);
    log_access(x, x->status, us);
    count(x, us);
    log_set_request(NULL);
    *body_drained = x->body_result == BODY_OK || x->body_result == BODY_CUT;
    arena_reset(x->arena);
    return !x->response.broken;
}

bool dispatch(struct exchange *x, const struct transport *transport, bool *body_drained) {
    if (exchange_begin(x, transport) != EXCHANGE_KEPT || !worker_refresh(x->w) ||
        !exchange_serve(x))
        exchange_run(x);
    return exchange_end(x, body_drained);
}
