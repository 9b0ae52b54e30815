/* export.c: handler of /export: all objects, or some, an object a line. */
#include "api/export.h"

#include "api/export_lines.h"
#include "api/input.h"
#include "api/reply.h"

struct answer {
    struct context *c;
    struct buf line;
    int64_t objects;
};

static bool take_head(void *context, const struct export_head *head) {
    struct answer *a = context;

    reply_line_begin(a->c);
    export_lines_head(a->c->json, head);
    return reply_line_end(a->c);
}

static bool take_object(void *context, const struct export_object *object) {
    struct answer *a = context;

    buf_clear(&a->line);
    export_lines_object(&a->line, a->c->json, object);
    a->objects++;
    return !a->line.failed && response_write(a->c->response, a->line.data, a->line.len) &&
           reply_list_is_wanted(a->c);
}

static int read_selection(struct context *c, struct export_selection *out) {
    struct listing filters = {.driver_count = 0};

    *out = (struct export_selection){.driver_count = 0};
    if (input_question(c, c->arena, "q", &out->question) || input_filters(c, &filters))
        return c->response->status;
    out->drivers = filters.drivers;
    out->driver_count = filters.driver_count;
    return 0;
}

int export_show(struct context *c) {
    struct answer a = {.c = c};
    const struct export_sink sink = {take_head, take_object, &a};
    struct export_selection selection;
    enum rc rc;

    if (read_selection(c, &selection))
        return c->response->status;
    c->response->status = 200;
    response_header(c->response, "Content-Type", "application/x-ndjson");
    buf_init(&a.line, 0);
    rc = store_export(c->store, c->arena, &selection, &sink);
    buf_release(&a.line);
    if (rc != RC_OK)
        return reply_rc(c, rc);
    reply_line_begin(c);
    export_lines_end(c->json, a.objects);
    (void)reply_line_end(c);
    return c->response->status;
}
