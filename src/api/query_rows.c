/* query_rows.c: what /query finds, row by row. */
#include "api/query_rows.h"

#include <string.h>

#include "api/input.h"
#include "api/reply.h"
#include "api/show.h"
#include "http/accept.h"

enum query_form query_rows_form(const struct context *c) {
    static const char *const types[] = {"application/json", "text/csv", "application/x-ndjson",
                                        NULL};
    static const enum query_form forms[] = {QUERY_FORM_JSON, QUERY_FORM_CSV, QUERY_FORM_LINES};

    return forms[accept_preferred(request_header(c->request, "Accept"), types)];
}

struct answer {
    struct context *c;
    const struct query_rows *rows;
    struct reply_list list;
    struct arena *arena; /* of one row */
    struct buf line;
};

/* --- CSV (RFC 4180) --- */

static bool begins_formula(const char *text) {
    return *text != '\0' && strchr("=+-@", *text) != NULL;
}

static void add_cell(struct buf *line, const char *text, bool safe) {
    bool quoted = text[strcspn(text, ",\"\r\n")] != '\0';

    if (quoted)
        buf_addc(line, '"');
    if (safe && begins_formula(text))
        buf_addc(line, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            buf_addc(line, '"');
        buf_addc(line, *text);
    }
    if (quoted)
        buf_addc(line, '"');
}

/* The titles, or with an object what it has. */
static bool write_csv(struct answer *a, const struct object *object) {
    const struct query_fields *fields = &a->rows->fields;

    buf_clear(&a->line);
    for (size_t i = 0; i < fields->count; i++) {
        const struct query_column *column = &fields->columns[i];

        if (i > 0)
            buf_addc(&a->line, ',');
        add_cell(&a->line, object ? query_fields_text(a->arena, column, object) : column->title,
                 a->rows->csv_safe);
    }
    if (a->line.len == 0)
        buf_adds(&a->line, "\"\""); /* a blank line would be no row to many programs */
    buf_adds(&a->line, "\r\n");
    arena_reset(a->arena);
    return !a->line.failed && response_write(a->c->response, a->line.data, a->line.len);
}

/* The header line, or with a value how many objects have it. */
static bool write_csv_count(struct answer *a, const char *value, int64_t count) {
    buf_clear(&a->line);
    if (value) {
        add_cell(&a->line, value, a->rows->csv_safe);
        buf_printf(&a->line, ",%lld\r\n", (long long)count);
    } else {
        buf_adds(&a->line, "value,count\r\n");
    }
    return !a->line.failed && response_write(a->c->response, a->line.data, a->line.len);
}

/* --- rows --- */

static void begin(struct answer *a) {
    struct context *c = a->c;

    if (a->rows->form == QUERY_FORM_JSON) {
        reply_list_begin(&a->list);
        return;
    }
    if (!reply_list_headers(&a->list))
        return;
    c->response->status = 200;
    response_header(c->response, "Content-Type",
                    a->rows->form == QUERY_FORM_CSV ? "text/csv; charset=UTF-8; header=present"
                                                    : "application/x-ndjson");
    if (a->rows->form == QUERY_FORM_CSV && a->rows->count_by)
        (void)write_csv_count(a, NULL, 0);
    else if (a->rows->form == QUERY_FORM_CSV)
        (void)write_csv(a, NULL);
}

static void begin_row(struct answer *a) {
    begin(a);
    if (a->rows->form == QUERY_FORM_LINES)
        reply_line_begin(a->c);
}

/* False once the client takes no more. */
static bool end_row(struct answer *a) {
    return a->rows->form == QUERY_FORM_LINES ? reply_line_end(a->c) : reply_list_is_wanted(a->c);
}

static bool take_ref(void *context, const struct ref *ref) {
    struct answer *a = context;

    begin_row(a);
    show_ref(a->c, ref);
    return end_row(a);
}

static bool take_object(void *context, const struct object *object) {
    struct answer *a = context;

    begin_row(a);
    if (a->rows->form == QUERY_FORM_CSV)
        return write_csv(a, object) && end_row(a);
    if (a->rows->fields.count > 0)
        query_fields_show(a->c, &a->rows->fields, object);
    else
        show_object(a->c, object);
    return end_row(a);
}

static bool take_count(void *context, const char *value, int64_t count) {
    struct answer *a = context;

    begin_row(a);
    if (a->rows->form == QUERY_FORM_CSV)
        return write_csv_count(a, value, count) && end_row(a);
    json_object_open(a->c->json);
    json_key(a->c->json, "value");
    json_string(a->c->json, value);
    json_key(a->c->json, "count");
    json_int(a->c->json, count);
    json_object_close(a->c->json);
    return end_row(a);
}

static int end(struct answer *a) {
    if (a->rows->form == QUERY_FORM_JSON)
        return reply_list_end(&a->list);
    begin(a);
    return a->c->response->status;
}

static enum rc list(struct answer *a, struct listing *listing) {
    struct context *c = a->c;
    const struct query_rows *rows = a->rows;

    if (rows->count_by)
        return store_count_query(c->store, c->arena, listing->question, rows->count_by,
                                 &a->list.extent, take_count, a);
    if (rows->fields.count == 0 && rows->mode == MODE_COMPACT)
        return store_list_refs(c->store, c->arena, listing, &a->list.extent, take_ref, a);
    return store_list_objects(c->store, c->arena, listing, &a->list.extent, take_object, a);
}

int query_rows_show(struct context *c, struct listing *listing, const struct query_rows *rows,
                    const struct page *page) {
    static const struct page whole = {0};
    struct answer a = {.c = c,
                       .rows = rows,
                       .list = {.context = c, .page = rows->count_by ? &whole : page},
                       .arena = arena_new()};
    enum rc rc;

    buf_init(&a.line, 0);
    listing->page = reply_list_page(page);
    listing->versions = query_fields_have_version(&rows->fields);
    rc = list(&a, listing);
    if (rc == RC_OK)
        (void)end(&a);
    else
        (void)reply_rc(c, rc);
    buf_release(&a.line);
    arena_free(&a.arena);
    return c->response->status;
}
