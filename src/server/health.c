/* health.c: handlers for monitoring. */
#include "server/health.h"
#include "api/reply.h"
#include "server/metrics.h"

/* That a worker responds is all. */
int health_live(struct context *c) {
    return reply_string(c, 200, "alive");
}

/* Half of the workers are enough: one that was just replaced is no reason to send requests
 * elsewhere. */
static bool enough_workers(const struct metrics_workers *w) {
    return w->alive * 2 >= w->wanted;
}

int health_ready(struct context *c) {
    const struct metrics_workers workers = metrics_workers();
    struct store_status status;
    enum rc rc = store_status(c->store, &status);
    bool database = rc == RC_OK, ready = database && enough_workers(&workers);
    struct json_writer *w = reply_json(c, ready ? 200 : 503);

    c->rc = rc; /* RC_RETRY: the connection had died while it was idle, dispatch retries */
    if (!ready)
        response_header(c->response, "Retry-After", "1");
    json_object_open(w);
    json_key(w, "database");
    json_bool(w, database);
    json_key(w, "writable");
    json_bool(w, status.writable);
    json_key(w, "timeline");
    json_int(w, status.timeline);
    json_key(w, "workers");
    json_int(w, (int64_t)workers.alive);
    json_key(w, "workers_wanted");
    json_int(w, (int64_t)workers.wanted);
    json_object_close(w);
    return reply_end(c);
}

int health_metrics(struct context *c) {
    struct buf text;

    buf_init(&text, 0);
    metrics_print(&text, c->options->version, c->store);
    c->response->status = 200;
    response_header(c->response, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    if (text.failed)
        response_break(c->response);
    else
        (void)response_write(c->response, text.data, text.len);
    buf_release(&text);
    return 200;
}
