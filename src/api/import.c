/* import.c: handler of /import: many objects at once, all or none, from a body that is never in
 * memory as a whole. */
#include "api/import.h"

#include <string.h>

#include "api/input.h"
#include "api/reply.h"
#include "base/clock.h"
#include "base/quote.h"

enum { PIECE = 65536, PROGRESS_MS = 1000, LINE_BYTES = 1 << 20 };

struct bulk_options import_options(const struct api_options *options) {
    return (struct bulk_options){.mode = BULK_UPDATE,
                                 .max_name = (size_t)options->max_name_characters,
                                 .max_key = (size_t)options->max_key_characters,
                                 .max_line = LINE_BYTES,
                                 .limits = input_json_limits(options, (size_t)options->json_depth)};
}

/* One that is under way. */
struct work {
    struct context *c;
    struct bulk_options options;
    bool progress; /* lines are sent meanwhile */
    int64_t last;  /* clock_ms() of the last one */
    struct bulk *bulk;
    struct store_import *import;
};

/* --- what is asked for --- */

/* What any of its lines may need. */
static int check_role(struct context *c) {
    if (c->may_revert)
        return 0;
    return reply_forbid(c, "To import something, the role \"write\" on \"entity\" and "
                           "\"attribute\" is required, too.");
}

static int check_type(struct context *c, bool *is_csv) {
    static const char *const lines[] = {"application/x-ndjson", "application/ndjson",
                                        "application/jsonl"};
    const struct request *r = c->request;

    *is_csv = request_has_type(r, "text/csv");
    if (*is_csv || *r->content_type == '\0')
        return 0;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (request_has_type(r, lines[i]))
            return 0;
    reply_fail(c, 415, "Content-Type %s is not supported: send application/x-ndjson or text/csv.",
               quote(c->arena, r->content_type));
    response_header(c->response, "Accept", "application/x-ndjson, text/csv");
    return c->response->status;
}

static int get_options(struct work *w) {
    struct context *c = w->c;
    const char *mode = input_nonempty(c, "mode");

    w->options = import_options(c->options);
    w->options.may_manage = c->may_manage;
    if (check_role(c) || check_type(c, &w->options.is_csv))
        return c->response->status;
    if (mode && !bulk_mode_parse(mode, &w->options.mode))
        return reply_fail(c, 400, "\"mode\" must be create, update or replace, not %s.",
                          quote(c->arena, mode));
    c->dry_run = c->dry_run || input_boolean(c, "dry_run", false);
    w->progress = input_boolean(c, "progress", false);
    if (w->progress && request_header(c->request, "Clusto-Diff"))
        return reply_fail(c, 400, "Clusto-Diff can't be obeyed in a stream of lines.");
    return 0;
}

/* --- progress --- */

static void begin_lines(struct work *w) {
    struct context *c = w->c;

    c->response->hold = false;
    c->response->status = 200;
    response_header(c->response, "Content-Type", "application/x-ndjson");
    response_header(c->response, "X-Accel-Buffering", "no");
}

static void send_progress(void *context) {
    struct work *w = context;
    struct context *c = w->c;
    const struct request_stream *stream = c->request->stream;

    if (!w->progress || clock_ms() - w->last < PROGRESS_MS)
        return;
    w->last = clock_ms();
    reply_line_begin(c);
    json_object_open(c->json);
    json_key(c->json, "objects");
    json_int(c->json, bulk_objects(w->bulk));
    json_key(c->json, "of_bytes");
    json_int_or_null(c->json, stream->length >= 0, stream->length);
    json_key(c->json, "read");
    json_int(c->json, stream->count);
    json_object_close(c->json);
    if (reply_line_end(c))
        (void)response_flush(c->response);
}

/* --- the result --- */

static void show_done(struct work *w, const struct import_result *result) {
    struct json_writer *json = w->c->json;

    json_object_open(json);
    json_key(json, "changed");
    json_int(json, result->changed);
    json_key(json, "created");
    json_int(json, result->created);
    json_key(json, "objects");
    json_int(json, bulk_objects(w->bulk));
    json_object_close(json);
}

static void show_errors(struct json_writer *json, const struct import_result *result) {
    json_key(json, "count");
    json_int(json, result->all_errors);
    json_key(json, "errors");
    json_array_open(json);
    for (size_t i = 0; i < result->error_count; i++) {
        json_object_open(json);
        json_key_string(json, "error", result->errors[i].text);
        json_key(json, "line");
        json_int(json, result->errors[i].line);
        json_object_close(json);
    }
    json_array_close(json);
}

/* The last line, which leaves with the end of the response: after the commit. */
static int end_lines(struct work *w, const struct import_result *result, int status) {
    struct context *c = w->c;

    reply_line_begin(c);
    json_object_open(c->json);
    if (status == 200) {
        json_key(c->json, "result");
        show_done(w, result);
    } else {
        show_errors(c->json, result);
        json_key(c->json, "status");
        json_int(c->json, status);
    }
    json_object_close(c->json);
    (void)reply_line_end(c);
    return status;
}

static int answer(struct work *w, const struct import_result *result, int status) {
    struct context *c = w->c;

    if (w->progress)
        return end_lines(w, result, status);
    reply_json(c, status);
    if (status == 200) {
        show_done(w, result);
    } else {
        json_object_open(c->json);
        show_errors(c->json, result);
        json_object_close(c->json);
    }
    return reply_end(c);
}

/* --- doing it --- */

static int fail_stream(struct context *c) {
    return reply_fail(c, c->request->stream->status, "%s", c->request->stream->error);
}

static int read_all(struct work *w) {
    struct request_stream *stream = w->c->request->stream;
    char *bytes = arena_alloc(w->c->arena, PIECE);
    long n;

    while ((n = stream->read(stream, bytes, PIECE)) > 0)
        if (reply_rc(w->c, bulk_add(w->bulk, bytes, (size_t)n)))
            return w->c->response->status;
    return n < 0 ? fail_stream(w->c) : 0;
}

/* Nothing is sent before the body was read: nginx sends no more of it once the response has begun.
 */
static int work(struct work *w) {
    struct import_result *result = arena_alloc(w->c->arena, sizeof *result);
    bool malformed;

    if (read_all(w))
        return w->c->response->status;
    send_progress(w);
    store_import_set_tick(w->import, send_progress, w);
    if (reply_rc(w->c, bulk_end(w->bulk, w->c->arena, result, &malformed)))
        return w->c->response->status;
    return answer(w, result, result->error_count == 0 ? 200 : malformed ? 400 : 409);
}

int import_post(struct context *c) {
    struct work w = {.c = c, .last = clock_ms()};
    int status;
    enum rc rc;

    if (get_options(&w))
        return c->response->status;
    w.import = store_import_begin(c->store, &rc);
    if (rc == RC_EXISTS) {
        status = reply_fail(c, 503, "Another import is under way. Please try again.");
        response_header(c->response, "Retry-After", "10");
        return status;
    }
    if (reply_rc(c, rc))
        return c->response->status;
    w.bulk = bulk_new(w.import, &w.options);
    if (w.progress)
        begin_lines(&w);
    status = work(&w);
    bulk_free(&w.bulk);
    store_import_end(&w.import);
    return status;
}
