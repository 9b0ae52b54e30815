/* dispatch.c: a request from its transport to its response: the checks that every request passes,
 * its transaction and its handler. */
#include "server/dispatch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/condition.h"
#include "api/input.h"
#include "api/list_tag.h"
#include "api/preferences.h"
#include "api/reply.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "server/auth.h"
#include "server/cors.h"
#include "server/idempotency.h"
#include "server/metrics.h"
#include "server/min_version.h"
#include "server/parameters.h"
#include "server/preconditions.h"
#include "server/response_cache.h"
#include "server/standby.h"
#include "server/target.h"
#include "server/transaction.h"
#include "server/write_limit.h"
#include "server/write_options.h"

enum { MAX_ATTEMPTS = 5, BACKOFF_MS = 4, DESCRIPTION_MAX = 1000 };

/* --- transaction and handler --- */

/* Of the version that this write makes. */
static const char *description(const struct exchange *x) {
    const char *given = request_header(&x->request, "Clusto-Description");
    const char *text = x->request.method_text;

    if (given != NULL && *given != '\0')
        return given;
    given = x->transaction != NULL ? transaction_description(x) : NULL;
    if (given != NULL)
        return given;
    for (size_t i = 0; i < x->request.path.count && strlen(text) < DESCRIPTION_MAX; i++)
        text = arena_printf(x->arena, "%s%s%s", text, i == 0 ? " /" : "/",
                            x->request.path.segments[i]);
    return text;
}

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

/* After the handler of a write has succeeded. */
static int end_write(struct exchange *x, int status) {
    status = idempotency_end(x, write_options_show(x, status));
    if (x->c.rc != RC_OK || status >= 400) {
        store_rollback(x->w->store);
        return status;
    }
    return x->c.dry_run ? write_options_undo(x, status) : commit(x, status);
}

/* Both steps of a quick read, unless the first was taken by dispatch_ask; of a write what has to be
 * ahead of its transaction, and the rest. */
static int handle(struct exchange *x) {
    const struct route *route = x->match.route;
    int status = 0;

    if (x->transaction != NULL)
        status = transaction_ask(x);
    else if (route->ask != NULL && !x->asked)
        status = route->ask(&x->c);
    x->asked = false; /* another attempt begins at the start */
    if (status == 0)
        status = idempotency_begin(x);
    if (status == 0 && x->c.list_vary != NULL)
        status = condition_list(&x->c);
    if (status != 0)
        return status;
    return x->transaction != NULL ? transaction_run(x) : route->handle(&x->c);
}

/* Transaction, handler, commit or rollback. */
static int transact(struct exchange *x) {
    const struct route *route = x->match.route;
    struct store *store = x->c.store;
    int status;

    if (route->flags & ROUTE_WRITE)
        store_begin_write(store, x->request.identity, description(x));
    x->c.is_past = x->as_of.wanted;
    status = x->as_of.wanted ? as_of_begin(x) : 0;
    status = status != 0 ? status : as_of_end(x, handle(x));
    if (x->write_only && status < 300 && x->c.rc == RC_OK && !x->replayed)
        status = reply_empty(&x->c, 204);
    if ((route->flags & ROUTE_WRITE) && x->c.rc == RC_OK && status < 400 && !x->replayed)
        return end_write(x, status);
    if (x->c.rc == RC_OK && status < 400 && !x->replayed)
        (void)store_commit(store); /* of a snapshot, if there was one */
    else
        store_rollback(store);
    return status;
}

/* One attempt. The store knows meanwhile for whom it works. */
static int attempt(struct exchange *x) {
    struct store *store = x->c.store;
    int status;

    store_set_client(store, x->transport.client_fd);
    store_set_request(store, x->request.id);
    status = transact(x);
    store_set_client(store, -1);
    store_set_request(store, NULL);
    return status;
}

/* True if another attempt may succeed, and nothing of the response has been sent. Never RC_BROKEN:
 * what was lost in the middle may have been the cause. After COMMIT was sent the code is
 * RC_UNKNOWN. */
static bool should_retry(const struct exchange *x, int attempts) {
    return x->c.rc == RC_RETRY && attempts < MAX_ATTEMPTS && !x->response.started &&
           !x->request.stream;
}

/* Longer each time, and not the same in two workers whose transactions met. */
static void backoff(int attempts) {
    clock_sleep_ms(1 + random() % (BACKOFF_MS << attempts));
}

static void reset_attempt(struct exchange *x) {
    response_reset(&x->response);
    x->c.json_open = false;
    x->c.rc = RC_OK;
    x->replayed = false;
}

/* The read's result, with which its second step begins, is there already. */
static bool is_prefetched(const struct exchange *x) {
    return x->asked && store_read_is_done(x->c.read);
}

/* One attempt by a standby, where that is possible. False: the primary is to be asked. */
static bool run_at_standby(struct exchange *x, int *status) {
    if (is_prefetched(x) || !standby_begin(x))
        return false;
    *status = attempt(x);
    if (standby_end(x, *status))
        return true;
    reset_attempt(x);
    return false;
}

static int run(struct exchange *x) {
    struct response *response = &x->response;
    int status = 0;

    response->hold = (x->match.route->flags & ROUTE_WRITE) != 0 || x->write_only;
    if (run_at_standby(x, &status))
        return status;
    for (int attempts = 1;; attempts++) {
        status = attempt(x);
        if (!should_retry(x, attempts))
            break;
        log_debug("%s: trying again", rc_name(x->c.rc));
        metrics_database(x->c.rc);
        metrics_count(METRIC_RETRIES);
        backoff(attempts);
        reset_attempt(x);
    }
    return status;
}

/* Not all workers may wait for the database to confirm writes: reads are served meanwhile. */
static int run_write(struct exchange *x) {
    int status;

    if (x->request.stream) /* there is one at most, and it takes long: others go on beside it */
        return run(x);
    if (!write_limit_begin(x->w->settings)) {
        metrics_count(METRIC_WRITES_REFUSED);
        return reply_busy(&x->c, "Too many writes are waiting. Please try again.");
    }
    status = run(x);
    write_limit_end();
    return status;
}

/* A point is a write: where no more workers may wait for the database to confirm, the latest one
 * has to do. What follows the point only reads. */
static int run_feed(struct exchange *x) {
    int status;

    if (write_limit_begin(x->w->settings))
        x->c.point_made = write_limit_end;
    status = run(x);
    write_limit_end();
    return status;
}

/* --- checks --- */

static int respond_options(struct exchange *x) {
    if (x->match.allowed != 0)
        response_header(&x->response, "Allow", route_allow(x->arena, x->match.allowed));
    if (x->match.allowed & METHOD_BIT(METHOD_PATCH))
        response_header(&x->response, "Accept-Patch", PREFERENCES_PATCHES);
    cors_preflight(x);
    return reply_empty(&x->c, 204);
}

static bool is_streamed(const struct exchange *x) {
    return x->match.route != NULL && (x->match.route->flags & ROUTE_STREAM);
}

static int body_limit(const struct exchange *x) {
    return is_streamed(x) ? x->w->settings->import_limit : x->w->settings->body_limit;
}

static enum body_result take_body(struct exchange *x) {
    if (is_streamed(x))
        return intake_stream(&x->stream, &x->transport, &x->request, body_limit(x));
    return intake_body(&x->body, &x->transport, &x->request);
}

static int fail_body(struct exchange *x) {
    switch (x->body_result) {
    case BODY_TOO_LARGE:
        return reply_fail(&x->c, 413, "The body is larger than %d bytes.", body_limit(x));
    case BODY_TIMEOUT: return reply_fail(&x->c, 408, "The body did not arrive in time.");
    case BODY_MALFORMED: return reply_fail(&x->c, 400, "Content-Length is not a number.");
    case BODY_TRUNCATED:
    case BODY_UNREAD:
    case BODY_OK: break;
    }
    return reply_fail(&x->c, 400, "The body is shorter than its Content-Length.");
}

/* A body that is compressed, or only a part of one (RFC 9110 sections 14.5 and 15.5.16). 0: it can
 * be read. */
static int check_content(struct exchange *x) {
    const char *coding = request_header(&x->request, "Content-Encoding");
    int status = 0;

    if ((x->request.body_length > 0 || x->request.stream) && coding != NULL && *coding != '\0' &&
        strcasecmp(coding, "identity") != 0) {
        status =
            reply_fail(&x->c, 415, "Content-Encoding %s is not supported: send the body as it is.",
                       quote(x->arena, coding));
        response_header(&x->response, "Accept-Encoding", "identity");
    } else if (x->request.method == METHOD_PUT &&
               request_header(&x->request, "Content-Range") != NULL) {
        status = reply_fail(&x->c, 400, "Content-Range is not supported: PUT replaces the whole.");
    }
    return status;
}

static bool is_valid(const struct request *request, const char *variable) {
    const char *value = request->variable(request->transport, variable);

    return value == NULL || utf8_valid(value, strlen(value));
}

/* Headers whose text goes into the database or a response. */
static bool headers_valid(const struct request *request) {
    for (size_t i = 0; i < INPUT_HEADERS; i++)
        if (!is_valid(request, input_headers[i]))
            return false;
    return is_valid(request, "HTTP_CLUSTO_DESCRIPTION") && is_valid(request, "HTTP_CLUSTO_AS_OF");
}

/* A response without what is inherited would look like one where nothing is. */
static int check_inherit(struct exchange *x) {
    const struct route *route = x->match.route;
    bool inherit;

    if (route->operation->has_inherited ||
        (route->flags & (ROUTE_TRANSACTION | ROUTE_ALONE | ROUTE_MONITOR)))
        return 0;
    if (input_inherit(&x->c, &inherit))
        return x->response.status;
    if (!inherit)
        return 0;
    return reply_fail(&x->c, 400,
                      "Clusto-Inherit can't be obeyed here: it is for GET of attributes. /query "
                      "finds objects by what they inherit: attr inherited KEY.");
}

/* What is past has entity tags of its own. */
static const char *list_vary(const struct exchange *x) {
    if (!(x->match.route->flags & ROUTE_LIST) || x->as_of.wanted)
        return NULL;
    return list_tag_vary(x->match.route->operation->lines != NULL);
}

/* Every check in its order; a handler may assume all of them. Returns 0, or the status of the
 * refusal. Where the caller lacks the role, not even the body is read. */
static int check_request(struct exchange *x) {
    struct request *request = &x->request;
    enum path_result path = intake_path(x->w->settings, request);
    int refused = 0;

    if (path == PATH_OK)
        x->match = route_find(x->w->settings, &request->path, request->method);
    if (x->match.route != NULL)
        refused = auth_admit(x);
    if (refused == 0 || !intake_has_body(request))
        x->body_result = take_body(x);
    if (refused != 0)
        return refused;
    if (request->method == METHOD_OPTIONS && path != PATH_DOTS)
        return respond_options(x);
    if ((refused = target_check(x, path)) != 0)
        return refused;
    if (x->body_result != BODY_OK)
        return fail_body(x);
    if (!headers_valid(request))
        return reply_fail(&x->c, 400, "A header is not valid UTF-8.");
    if ((refused = check_content(x)) != 0 || (refused = preconditions_check(x)) != 0 ||
        (refused = write_options_check(x)) != 0 || (refused = idempotency_check(x)) != 0)
        return refused;
    x->c.args = x->match.args;
    x->c.arg_count = x->match.arg_count;
    x->c.mount = x->match.mount;
    if ((refused = as_of_check(x)) != 0 || (refused = min_version_check(x)) != 0 ||
        (refused = check_inherit(x)) != 0 || (refused = parameters_read(x)) != 0)
        return refused;
    x->c.list_vary = list_vary(x);
    return (x->match.route->flags & ROUTE_TRANSACTION) ? transaction_read(x) : 0;
}

/* --- steps --- */

bool dispatch_is_quick(const struct exchange *x) {
    return !x->responded && x->match.route->ask != NULL && request_is_read(&x->request) &&
           x->min_version == 0 && (!x->as_of.wanted || as_of_is_quick(x));
}

enum dispatch_next dispatch_begin(struct exchange *x, const struct transport *transport) {
    exchange_begin(x, transport);
    x->status = check_request(x);
    x->responded = x->status != 0;
    if (!x->responded && response_cache_find(x))
        return DISPATCH_CACHED;
    return dispatch_is_quick(x) ? DISPATCH_QUICK : DISPATCH_RUN;
}

bool dispatch_ask(struct exchange *x, struct store_prefetch *out) {
    exchange_set_log_request(x);
    response_cache_note_seq(x);
    x->status = x->match.route->ask(&x->c);
    if (x->as_of.wanted)
        as_of_ask(x);
    x->responded = x->status != 0;
    x->asked = true;
    *out = (struct store_prefetch){.read = x->c.read, .request = x->request.id};
    return !x->responded;
}

static int run_read(struct exchange *x) {
    int status = min_version_begin(x);

    if (status != 0)
        return status;
    status = exchange_is_feed(x) ? run_feed(x) : run(x);
    min_version_end(x);
    return status;
}

void dispatch_run(struct exchange *x) {
    if (x->responded)
        return;
    exchange_set_log_request(x);
    if (!x->asked)
        response_cache_note_seq(x);
    if (exchange_is_read(x))
        x->status = run_read(x);
    else
        x->status = run_write(x);
    x->responded = true;
    response_cache_store(x);
}

/* A token is checked by the database, and what is shown in another mode may be counted there. */
bool dispatch_is_alone(struct exchange *x, const struct transport *transport) {
    struct route_match match = {.route = NULL};

    intake_begin(x->w, x->arena, transport, &x->request);
    if (intake_path(x->w->settings, &x->request) == PATH_OK)
        match = route_find(x->w->settings, &x->request.path, x->request.method);
    arena_reset(x->arena);
    return match.route != NULL && (match.route->flags & ROUTE_ALONE) &&
           transport->variable(transport->context, "HTTP_AUTHORIZATION") == NULL &&
           transport->variable(transport->context, "HTTP_CLUSTO_MODE") == NULL;
}

bool dispatch_refuse(struct exchange *x, const struct transport *transport, bool *body_drained) {
    exchange_begin(x, transport);
    x->body_result = intake_body(&x->body, &x->transport, &x->request);
    x->status =
        reply_busy(&x->c, "Too many requests are waiting for the database. Please try again.");
    return exchange_end(x, body_drained);
}

bool dispatch(struct exchange *x, const struct transport *transport, bool *body_drained) {
    if (dispatch_begin(x, transport) != DISPATCH_CACHED || !response_cache_refresh(x->w) ||
        !response_cache_serve(x))
        dispatch_run(x);
    return exchange_end(x, body_drained);
}
