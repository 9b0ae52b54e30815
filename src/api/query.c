/* query.c: handler of /query: a query, answered as a list. */
#include "api/query.h"

#include "api/condition.h"
#include "api/input.h"
#include "api/query_rows.h"
#include "api/reply.h"

/* Of CSV, where others are not asked for. */
#define USUAL_FIELDS "name,driver,type,ips,parents"

static int read_count_by(struct context *c, const char *fields, struct query_rows *rows) {
    const char *text = input_nonempty(c, "count_by");
    struct query_fields columns;

    if (!text)
        return 0;
    if (fields)
        return reply_fail(c, 400, "fields and count_by can't be sent together.");
    if (query_fields_read(c, text, &columns))
        return c->response->status;
    if (columns.count > 1)
        return reply_fail(c, 400, "Objects are counted by one column, not by %zu.", columns.count);
    rows->count_by = columns.columns;
    return 0;
}

static int read_rows(struct context *c, struct query_rows *rows) {
    const char *fields = input_nonempty(c, "fields");

    *rows = (struct query_rows){.form = query_rows_form(c),
                                .mode = input_mode(c, MODE_COMPACT),
                                .csv_safe = input_boolean(c, "csv_safe", false)};
    if (read_count_by(c, fields, rows))
        return c->response->status;
    if (!fields && rows->form == QUERY_FORM_CSV)
        fields = USUAL_FIELDS;
    if (fields && query_fields_read(c, fields, &rows->fields))
        return c->response->status;
    return input_check_mode(c, rows->mode);
}

int query_show(struct context *c) {
    struct listing listing = {.kind = LIST_QUERY};
    struct query_rows rows;
    struct page page;

    if (input_question(c, c->arena, "q", &listing.question))
        return c->response->status;
    if (!listing.question)
        return reply_fail(c, 412, "Provide a query as q");
    if (input_page(c, &page) || read_rows(c, &rows) || condition_listed(c))
        return c->response->status;
    c->dependencies.anything = true;
    return query_rows_show(c, &listing, &rows, &page);
}
