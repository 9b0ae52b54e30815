/* parking.c: a request that waits goes from the worker to the waiter. */
#include "server/parking.h"

#include <string.h>
#include <sys/resource.h>

#include "api/changes_page.h"
#include "api/reply.h"
#include "base/clock.h"
#include "server/handover.h"
#include "server/metrics.h"

enum { OTHER_DESCRIPTORS = 64 };

size_t parking_limit(const struct settings *settings) {
    size_t limit = (size_t)settings->feed_waiters;
    struct rlimit most;

    if (getrlimit(RLIMIT_NOFILE, &most) != 0 || most.rlim_max >= limit + OTHER_DESCRIPTORS)
        return limit;
    return most.rlim_max > OTHER_DESCRIPTORS ? (size_t)most.rlim_max - OTHER_DESCRIPTORS : 0;
}

/* --- what the waiter has to know --- */

static void add_pair(struct buf *b, const char *name, const char *value) {
    if (value == NULL)
        return;
    buf_add(b, name, strlen(name) + 1);
    buf_add(b, value, strlen(value) + 1);
}

static void add_variable(struct buf *b, const struct request *r, const char *name) {
    add_pair(b, name, r->variable(r->transport, name));
}

static void add_encoded(struct buf *b, const char *text) {
    for (; *text != '\0'; text++) {
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", *text))
            buf_addc(b, *text);
        else
            buf_printf(b, "%%%02X", (unsigned char)*text);
    }
}

/* Without where the client is, so that many ask the same question. */
static void add_query(struct buf *b, const struct request *r) {
    buf_add(b, "QUERY_STRING", sizeof("QUERY_STRING"));
    for (size_t i = 0; i < r->params.count; i++) {
        const struct param *param = &r->params.items[i];

        if (strcmp(param->name, "since") == 0)
            continue;
        add_encoded(b, param->name);
        buf_addc(b, '=');
        add_encoded(b, param->value);
        buf_addc(b, '&');
    }
    buf_add(b, "", 1);
}

/* The variables from which the waiter makes the request again (waiter_answer.c). */
static void add_question(struct buf *b, const struct exchange *x) {
    const struct request *r = &x->request;
    const char *uri = r->variable(r->transport, "REQUEST_URI");

    add_pair(b, "REQUEST_METHOD", "GET");
    add_variable(b, r, "SCRIPT_NAME");
    add_variable(b, r, "PATH_INFO");
    if (uri != NULL)
        add_pair(b, "REQUEST_URI", arena_strndup(x->arena, uri, strcspn(uri, "?")));
    add_query(b, r);
    add_variable(b, r, "HTTP_CLUSTO_MINIFY");
    add_pair(b, "MUSTER_USER", r->user);
    add_pair(b, "HTTP_ACCEPT", x->c.wait.stream ? "text/event-stream" : NULL);
}

static void add_headers(struct buf *b, const struct response *r) {
    for (size_t i = 0; i < r->fixed_count; i++)
        add_pair(b, r->fixed[i].name, r->fixed[i].value);
}

static enum handover_result hand_over(const struct exchange *x, const struct fcgi *fcgi,
                                      int waiter) {
    const struct fcgi_connection connection = fcgi_connection(fcgi);
    struct handover h = {.fd = connection.fd,
                         .request_id = connection.request_id,
                         .keep = connection.keep,
                         .stream = x->c.wait.stream,
                         .began = x->began,
                         .until = clock_ms() + x->c.wait.seconds * INT64_C(1000),
                         .sent = x->c.wait.stream ? x->response.body_bytes : 0,
                         .cursor = x->c.wait.cursor,
                         .id = x->request.id,
                         .target = x->request.target,
                         .who = exchange_caller(x)};
    enum handover_result result = HANDOVER_FAILED;
    struct buf question, headers;

    buf_init(&question, 0);
    buf_init(&headers, 0);
    add_question(&question, x);
    add_headers(&headers, &x->response);
    h.question = (struct handover_strings){question.data, question.len};
    h.headers = (struct handover_strings){headers.data, headers.len};
    if (!question.failed && !headers.failed)
        result = handover_send(waiter, &h);
    buf_release(&question);
    buf_release(&headers);
    return result;
}

/* --- */

static bool may_wait(const struct exchange *x) {
    return x->c.wait.seconds > 0 && x->status == 200 && x->body_result == BODY_OK &&
           !x->write_only && !x->response.head_only && !x->response.failed;
}

/* A response that has begun can't become a refusal: it ends, and the client comes again. */
static void refuse(struct exchange *x, int status, const char *message, bool later) {
    if (x->response.started)
        return;
    x->status = reply_fail(&x->c, status, "%s", message);
    if (later)
        response_header(&x->response, "Retry-After", "1");
}

/* Without a body nginx may keep the head back until there is one; and who begins with since=now
 * knows from where to go on, should the connection break before a change. */
static bool begin_stream(struct exchange *x) {
    const char *text = changes_page_comment(x->arena, x->c.wait.cursor);

    if (x->response.body_bytes == 0 && !response_write(&x->response, text, strlen(text)))
        return false;
    return response_flush(&x->response);
}

bool parking_try(struct exchange *x, struct fcgi *fcgi, int waiter) {
    enum handover_result result;

    if (waiter < 0 || !may_wait(x))
        return false;
    if (metrics_waiting_count() >= parking_limit(x->w->settings)) {
        metrics_count(METRIC_WAITS_REFUSED);
        refuse(x, 429, "Too many clients are waiting for changes.", true);
        return false;
    }
    if (x->c.wait.stream && !begin_stream(x))
        return false;
    result = hand_over(x, fcgi, waiter);
    if (result == HANDOVER_OK) {
        fcgi_release(fcgi);
        exchange_forget(x);
        return true;
    }
    if (result == HANDOVER_FULL)
        refuse(x, 503, "Nobody can wait for changes right now. Please try again.", true);
    if (result == HANDOVER_TOO_LONG)
        refuse(x, 414, "The request is too long to wait.", false);
    return false;
}
