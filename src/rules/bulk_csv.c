/* bulk_csv.c: a record of CSV (RFC 4180): the first one names the columns, the others are objects.
 */
#include <string.h>

#include "base/num.h"
#include "base/quote.h"
#include "rules/bulk_row.h"

enum { MAX_COLUMNS = 10000 };

enum column_kind { COLUMN_NAME, COLUMN_DRIVER, COLUMN_IN, COLUMN_UNITS, COLUMN_ATTR };

struct column {
    enum column_kind kind;
    struct attr attr; /* its key, subkey and number */
};

struct bulk_csv {
    struct column *columns;
    size_t count;
};

struct fields {
    const char **items;
    size_t count, capacity;
};

/* --- fields --- */

/* From after its opening quote; *end is what follows the closing one. NULL: there is none. */
static const char *read_quoted(struct arena *arena, const char *at, const char **end) {
    char *text = arena_alloc(arena, strlen(at) + 1), *out = text;

    for (; *at; at++) {
        if (*at == '"' && at[1] != '"') {
            *end = at + 1;
            return text;
        }
        at += *at == '"';
        *out++ = *at;
    }
    return NULL;
}

static struct verdict read_field(struct bulk *b, const char **at, const char **out) {
    size_t n = strcspn(*at, ",");

    if (**at == '"') {
        *out = read_quoted(b->arena, *at + 1, at);
        if (!*out || (**at != ',' && **at != '\0'))
            return verdict_no(b->arena, RC_INVALID, "Text after the end of a quoted field");
        return verdict_of(RC_OK);
    }
    *out = arena_strndup(b->arena, *at, n);
    *at += n;
    if (strchr(*out, '"'))
        return verdict_no(b->arena, RC_INVALID, "A quote inside a field that is not quoted");
    return verdict_of(RC_OK);
}

static struct verdict split(struct bulk *b, const char *text, size_t n, struct fields *out) {
    const char *at = arena_strndup(b->arena, text, n);
    bool more = true;

    *out = (struct fields){.count = 0};
    while (more) {
        out->items =
            arena_grow(b->arena, out->items, out->count, &out->capacity, sizeof *out->items);
        VERDICT_TRY(read_field(b, &at, &out->items[out->count++]));
        more = *at == ',';
        at += more;
    }
    return verdict_of(RC_OK);
}

/* --- the first record --- */

/* KEY[.SUBKEY][:NUMBER] */
static struct verdict read_attr_column(struct bulk *b, const char *text, struct attr *out) {
    const char *colon = strrchr(text, ':'), *dot = strchr(text, '.');
    const char *end = colon ? colon : text + strlen(text);
    int64_t number = 0;

    out->key = arena_strndup(b->texts, text, (size_t)((dot && dot < end ? dot : end) - text));
    if (dot && dot < end)
        out->subkey = arena_strndup(b->texts, dot + 1, (size_t)(end - dot) - 1);
    out->has_number = colon != NULL;
    if (colon && num_parse_range(colon + 1, INT32_MIN, INT32_MAX, &number) != NUM_OK)
        return verdict_no(b->arena, RC_INVALID, "The column %s has no number after its colon",
                          quote(b->arena, text));
    out->number = (int32_t)number;
    return verdict_of(RC_OK);
}

static struct verdict read_column(struct bulk *b, const char *text, struct column *out) {
    static const struct {
        const char *name;
        enum column_kind kind;
    } known[] = {{"name", COLUMN_NAME},
                 {"driver", COLUMN_DRIVER},
                 {"in", COLUMN_IN},
                 {"in.ru", COLUMN_UNITS}};

    *out = (struct column){.kind = COLUMN_ATTR};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, text) == 0) {
            out->kind = known[i].kind;
            return verdict_of(RC_OK);
        }
    }
    return read_attr_column(b, text, &out->attr);
}

static struct verdict read_columns(struct bulk *b, const struct fields *fields) {
    struct bulk_csv *csv = arena_alloc(b->texts, sizeof *csv);
    size_t names = 0;

    b->stopped = true; /* unless all is well: without columns no record can be read */
    if (fields->count > MAX_COLUMNS)
        return verdict_no(b->arena, RC_INVALID, "There are more than %d columns", MAX_COLUMNS);
    csv->columns = arena_array(b->texts, fields->count, sizeof *csv->columns);
    csv->count = fields->count;
    for (size_t i = 0; i < csv->count; i++) {
        if (strchr(fields->items[i], '\r'))
            return verdict_no(b->arena, RC_INVALID,
                              "The column %s has a carriage return: lines "
                              "end with LF or CRLF",
                              quote(b->arena, fields->items[i]));
        VERDICT_TRY(read_column(b, fields->items[i], &csv->columns[i]));
        names += csv->columns[i].kind == COLUMN_NAME;
    }
    if (names > 1)
        return verdict_no(b->arena, RC_INVALID, "The column \"name\" is duplicated");
    if (names == 0)
        return verdict_no(b->arena, RC_INVALID, "There is no column \"name\"");
    b->stopped = false;
    b->csv = csv;
    return verdict_of(RC_OK);
}

/* --- the others --- */

/* An integer as it is printed is one; everything else is a text. */
static bool is_integer(const char *text, int64_t *number) {
    const char *digits = text + (*text == '-');

    return *digits >= '0' && *digits <= '9' && (*digits != '0' || strcmp(text, "0") == 0) &&
           digits[strspn(digits, "0123456789")] == '\0' && num_parse(text, number) == NUM_OK;
}

static void add_attr(struct bulk *b, const struct column *column, const char *text,
                     struct bulk_row *row) {
    struct attr *attr = arena_alloc(b->arena, sizeof *attr);
    struct import_attr *a = bulk_row_attr(b, row);

    *attr = column->attr;
    attr->value = (struct value){.datatype = DATATYPE_STRING, .text = text};
    if (is_integer(text, &attr->value.number))
        attr->value.datatype = DATATYPE_INT;
    a->gone = strcmp(text, "-") == 0;
    a->attr = attr;
}

/* "3", or "3-5" for all of these: of the container that was named last. */
static struct verdict add_units(struct bulk *b, const char *text, struct bulk_row *row) {
    const char *dash = strchr(text, '-'), *container;
    int64_t first, last;

    if (row->in_count == 0)
        return verdict_no(b->arena, RC_INVALID, "There are units, but no rack before them");
    if (num_parse_range(dash ? arena_strndup(b->arena, text, (size_t)(dash - text)) : text, 0, 9999,
                        &first) != NUM_OK ||
        num_parse_range(dash ? dash + 1 : text, first, 9999, &last) != NUM_OK)
        return verdict_no(b->arena, RC_INVALID, "rackU %s is not a unit of a rack",
                          quote(b->arena, text));
    container = row->in[--row->in_count].container;
    for (; first <= last; first++) {
        struct import_membership *m = bulk_row_membership(b, row);

        m->container = container;
        m->subkey = "ru";
        m->has_number = true;
        m->number = (int32_t)first;
    }
    return verdict_of(RC_OK);
}

static struct verdict add_cell(struct bulk *b, const struct column *column, const char *text,
                               struct bulk_row *row) {
    if (*text == '\0')
        return verdict_of(RC_OK);
    switch (column->kind) {
    case COLUMN_NAME: row->name = text; break;
    case COLUMN_DRIVER: row->driver = text; break;
    case COLUMN_UNITS: return add_units(b, text, row);
    case COLUMN_ATTR: add_attr(b, column, text, row); break;
    case COLUMN_IN:
        row->all_in = row->all_in || b->options.mode == BULK_REPLACE || strcmp(text, "-") == 0;
        if (strcmp(text, "-") != 0)
            bulk_row_membership(b, row)->container = text;
        break;
    }
    return verdict_of(RC_OK);
}

static struct verdict read_record(struct bulk *b, const struct fields *fields) {
    struct bulk_row row = {.all_attrs = b->options.mode == BULK_REPLACE};

    if (fields->count != b->csv->count)
        return verdict_no(b->arena, RC_INVALID, "The record has %zu fields, not %zu as the first",
                          fields->count, b->csv->count);
    for (size_t i = 0; i < fields->count; i++)
        VERDICT_TRY(add_cell(b, &b->csv->columns[i], fields->items[i], &row));
    if (!row.name)
        return verdict_no(b->arena, RC_INVALID, "The object has no \"name\"");
    return bulk_row_add(b, &row);
}

struct verdict bulk_csv_read(struct bulk *b, const char *text, size_t n) {
    static const char mark[] = "\xef\xbb\xbf"; /* that some programs begin UTF-8 with */
    size_t skip = b->line == 1 && n >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
    struct fields fields;

    VERDICT_TRY(split(b, text + skip, n - skip, &fields));
    return b->csv ? read_record(b, &fields) : read_columns(b, &fields);
}
