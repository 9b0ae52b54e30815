/* query_fields.c: columns of /query. */
#include "api/query_fields.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/reply.h"
#include "api/show.h"
#include "base/num.h"
#include "base/quote.h"
#include "query/lexer.h"

/* --- reading --- */

static const char *const names[] = {
    [QUERY_COLUMN_NAME] = "name",      [QUERY_COLUMN_DRIVER] = "driver",
    [QUERY_COLUMN_TYPE] = "type",      [QUERY_COLUMN_PATH] = "path",
    [QUERY_COLUMN_IPS] = "ips",        [QUERY_COLUMN_PARENTS] = "parents",
    [QUERY_COLUMN_ATTR] = "attr",      [QUERY_COLUMN_CONTENTS] = "contents",
    [QUERY_COLUMN_VERSION] = "version"};

static bool find_kind(const struct lexer_token *token, enum query_column_kind *out) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (token->kind == TOKEN_WORD && strcasecmp(token->text, names[i]) == 0) {
            *out = (enum query_column_kind)i;
            return true;
        }
    }
    return false;
}

/* The column at `at`; the end of it, or NULL: it is none. */
static const char *read_column(struct arena *arena, const char *at, struct query_column *out) {
    struct lexer_token token = lexer_next(arena, at);
    const char *end = token.end;
    struct lexer_path path;
    int64_t number = 0;

    if (!find_kind(&token, &out->kind))
        return NULL;
    if (out->kind == QUERY_COLUMN_ATTR) {
        path = lexer_attr(arena, end);
        end = path.token.end;
        if (path.token.kind != TOKEN_WORD ||
            (path.number && num_parse_range(path.number, 0, INT32_MAX, &number) != NUM_OK))
            return NULL;
        out->key = path.key;
        out->subkey = path.subkey;
        out->has_number = path.number != NULL;
        out->number = (int32_t)number;
    }
    out->title = arena_strndup(arena, token.begin, (size_t)(end - token.begin));
    return end;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Two members of an object can't have the same name. There may be thousands of columns. */
static int check_titles(struct context *c, const struct query_fields *fields) {
    const char **titles = arena_array(c->arena, fields->count, sizeof *titles);

    for (size_t i = 0; i < fields->count; i++)
        titles[i] = fields->columns[i].title;
    qsort(titles, fields->count, sizeof *titles, by_text);
    for (size_t i = 1; i < fields->count; i++)
        if (strcmp(titles[i - 1], titles[i]) == 0)
            return reply_fail(c, 400, "The column %s is named twice.", quote(c->arena, titles[i]));
    return 0;
}

int query_fields_read(struct context *c, const char *text, struct query_fields *out) {
    const char *at = text;
    size_t most = 1;
    struct lexer_token after = {.kind = TOKEN_COMMA};

    for (const char *p = text; *p != '\0'; p++)
        most += *p == ',';
    *out = (struct query_fields){.columns = arena_array(c->arena, most, sizeof *out->columns)};
    while (after.kind == TOKEN_COMMA) {
        struct query_column *column = &out->columns[out->count];
        const char *end = read_column(c->arena, at, column);

        if (end == NULL)
            return reply_fail(
                c, 400,
                "%s is not a list of columns: name, driver, type, path, ips, parents, "
                "contents, attr KEY.SUBKEY:NUMBER, version",
                quote(c->arena, text));
        out->count++;
        after = lexer_next(c->arena, end);
        at = after.end;
    }
    if (after.kind == TOKEN_END)
        return check_titles(c, out);
    return reply_fail(c, 400, "In the list of columns %s a comma is expected before %s.",
                      quote(c->arena, text), quote(c->arena, after.begin));
}

bool query_fields_have_version(const struct query_fields *fields) {
    for (size_t i = 0; i < fields->count; i++)
        if (fields->columns[i].kind == QUERY_COLUMN_VERSION)
            return true;
    return false;
}

/* --- what an object has --- */

static bool has_attr(const struct query_column *column, const struct attr *attr) {
    if (column->kind == QUERY_COLUMN_IPS)
        return show_is_ip(attr);
    return attr->key && strcmp(attr->key, column->key) == 0 &&
           (!column->subkey || (attr->subkey && strcmp(attr->subkey, column->subkey) == 0)) &&
           (!column->has_number || (attr->has_number && attr->number == column->number));
}

static bool is_of_refs(const struct query_column *column) {
    return column->kind == QUERY_COLUMN_PARENTS || column->kind == QUERY_COLUMN_CONTENTS;
}

static void show_column(struct context *c, const struct query_column *column,
                        const struct object *object) {
    const struct ref *refs =
        column->kind == QUERY_COLUMN_PARENTS ? object->parents : object->contents;
    size_t count =
        column->kind == QUERY_COLUMN_PARENTS ? object->parent_count : object->content_count;

    switch (column->kind) {
    case QUERY_COLUMN_NAME: json_string(c->json, object->ref.name); return;
    case QUERY_COLUMN_DRIVER: json_string(c->json, object->ref.driver); return;
    case QUERY_COLUMN_TYPE: json_string(c->json, object->ref.type); return;
    case QUERY_COLUMN_PATH: show_ref(c, &object->ref); return;
    case QUERY_COLUMN_VERSION: json_int(c->json, object->version); return;
    default: break;
    }
    json_array_open(c->json);
    for (size_t i = 0; is_of_refs(column) && i < count; i++)
        show_ref(c, &refs[i]);
    for (size_t i = 0; !is_of_refs(column) && i < object->attr_count; i++)
        if (has_attr(column, &object->attrs[i]))
            show_value(c, &object->attrs[i].value);
    json_array_close(c->json);
}

void query_fields_show(struct context *c, const struct query_fields *fields,
                       const struct object *object) {
    json_object_open(c->json);
    for (size_t i = 0; i < fields->count; i++) {
        json_key(c->json, fields->columns[i].title);
        show_column(c, &fields->columns[i], object);
    }
    json_object_close(c->json);
}

/* --- as text --- */

static const char *path_text(struct arena *arena, const struct ref *ref) {
    return ref->id == 0 ? "" : value_path(arena, ref->driver, ref->name);
}

static const char *join(struct arena *arena, const char *const *texts, size_t count) {
    struct buf joined;
    const char *text;

    buf_init(&joined, 0);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_addc(&joined, ' ');
        buf_adds(&joined, texts[i]);
    }
    text = arena_strdup(arena, buf_cstr(&joined));
    buf_release(&joined);
    return text;
}

static const char *joined_refs(struct arena *arena, const struct ref *refs, size_t count) {
    const char **texts = arena_array(arena, count, sizeof *texts);

    for (size_t i = 0; i < count; i++)
        texts[i] = path_text(arena, &refs[i]);
    return join(arena, texts, count);
}

static const char *joined_attrs(struct arena *arena, const struct query_column *column,
                                const struct object *object) {
    const char **texts = arena_array(arena, object->attr_count, sizeof *texts);
    size_t count = 0;

    for (size_t i = 0; i < object->attr_count; i++)
        if (has_attr(column, &object->attrs[i]))
            texts[count++] = value_text(arena, &object->attrs[i].value);
    return join(arena, texts, count);
}

const char *query_fields_text(struct arena *arena, const struct query_column *column,
                              const struct object *object) {
    switch (column->kind) {
    case QUERY_COLUMN_NAME: return object->ref.name;
    case QUERY_COLUMN_DRIVER: return object->ref.driver;
    case QUERY_COLUMN_TYPE: return object->ref.type;
    case QUERY_COLUMN_PATH: return path_text(arena, &object->ref);
    case QUERY_COLUMN_VERSION: return arena_printf(arena, "%d", (int)object->version);
    case QUERY_COLUMN_PARENTS: return joined_refs(arena, object->parents, object->parent_count);
    case QUERY_COLUMN_CONTENTS: return joined_refs(arena, object->contents, object->content_count);
    default: return joined_attrs(arena, column, object);
    }
}
