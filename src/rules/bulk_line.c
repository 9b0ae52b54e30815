/* bulk_line.c: a line of NDJSON: an object, or the first or last line of an export. */
#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "base/quote.h"
#include "model/value_json.h"
#include "rules/bulk_row.h"

/* --- members --- */

/* A string; null is as good as none. */
static struct verdict read_text(struct bulk *b, const struct json_node *object, const char *name,
                                const char **out) {
    const struct json_node *node = json_member(object, name);

    *out = node && node->type == JSON_STRING ? node->text : NULL;
    if (node && node->type != JSON_STRING && node->type != JSON_NULL)
        return verdict_no(b->arena, RC_INVALID, "\"%s\" must be a string", name);
    return verdict_of(RC_OK);
}

static struct verdict read_number(struct bulk *b, const struct json_node *object, bool *has,
                                  int32_t *out) {
    const struct json_node *node = json_member(object, "number");
    int64_t number;

    *has = node && node->type != JSON_NULL;
    if (!*has)
        return verdict_of(RC_OK);
    if (node->type != JSON_NUMBER ||
        num_parse_range(node->text, INT32_MIN, INT32_MAX, &number) != NUM_OK)
        return verdict_no(b->arena, RC_INVALID,
                          "\"number\" must be an integer from %" PRId32 " to %" PRId32, INT32_MIN,
                          INT32_MAX);
    *out = (int32_t)number;
    return verdict_of(RC_OK);
}

/* Nothing else than what is listed is in the object; `known` ends with NULL. */
static struct verdict check_members(struct bulk *b, const struct json_node *object,
                                    const char *const *known) {
    if (object->type != JSON_OBJECT)
        return verdict_no(b->arena, RC_INVALID, "An object is expected, with the member \"%s\"",
                          known[0]);
    for (const struct json_node *node = object->children; node; node = node->next) {
        size_t i = 0;

        while (known[i] && strcmp(known[i], node->key) != 0)
            i++;
        if (!known[i])
            return verdict_no(b->arena, RC_INVALID, "Unknown member %s",
                              quote(b->arena, node->key));
    }
    return verdict_of(RC_OK);
}

/* --- attributes --- */

/* The stored text of a JSON value stays as it is. */
static struct verdict keep_json(struct bulk *b, const struct json_node *node, struct value *out) {
    struct json_error error;

    if (!json_read(b->arena, node->text, node->length, &b->options.limits, &error))
        return verdict_no(b->arena, RC_INVALID, "Error casting %s into a(n) json: %s",
                          quote(b->arena, node->text), error.message);
    *out = (struct value){.datatype = DATATYPE_JSON, .text = node->text};
    return verdict_of(RC_OK);
}

static struct verdict read_value(struct bulk *b, const struct json_node *entry,
                                 struct import_attr *a, struct value *out) {
    const struct json_node *node = json_member(entry, "value");
    enum value_datatype datatype = DATATYPE_STRING;
    const char *name;

    VERDICT_TRY(read_text(b, entry, "datatype", &name));
    if (name && !value_datatype_parse(name, &datatype))
        return verdict_no(b->arena, RC_INVALID,
                          "%s is not a valid datatype. datatypes include: ('int', 'string', "
                          "'datetime', 'relation', 'json')",
                          quote(b->arena, name));
    if (!node)
        return verdict_no(b->arena, RC_INVALID, "Provide at least \"key\" and \"value\"");
    a->is_null = node->type == JSON_NULL;
    *out = (struct value){.datatype = datatype};
    if (a->is_null)
        return verdict_of(RC_OK);
    if (name && datatype == DATATYPE_JSON && node->type == JSON_STRING)
        return keep_json(b, node, out);
    return value_cast_node(b->arena, node, name ? &datatype : NULL, NULL, &b->options.limits, out);
}

static struct verdict read_attr(struct bulk *b, const struct json_node *entry,
                                struct bulk_row *row) {
    static const char *const known[] = {"key", "subkey", "number", "datatype", "value", NULL};
    struct attr *attr = arena_alloc(b->arena, sizeof *attr);
    struct import_attr *a = bulk_row_attr(b, row);

    a->attr = attr;
    VERDICT_TRY(check_members(b, entry, known));
    VERDICT_TRY(read_text(b, entry, "key", &attr->key));
    VERDICT_TRY(read_text(b, entry, "subkey", &attr->subkey));
    VERDICT_TRY(read_number(b, entry, &attr->has_number, &attr->number));
    if (!attr->key)
        return verdict_no(b->arena, RC_INVALID, "Provide at least \"key\" and \"value\"");
    return read_value(b, entry, a, &attr->value);
}

static struct verdict read_membership(struct bulk *b, const struct json_node *entry,
                                      struct bulk_row *row) {
    static const char *const known[] = {"name", "subkey", "number", NULL};
    struct import_membership *m = bulk_row_membership(b, row);

    VERDICT_TRY(check_members(b, entry, known));
    VERDICT_TRY(read_text(b, entry, "name", &m->container));
    VERDICT_TRY(read_text(b, entry, "subkey", &m->subkey));
    VERDICT_TRY(read_number(b, entry, &m->has_number, &m->number));
    if (!m->container)
        return verdict_no(b->arena, RC_INVALID, "A member of \"in\" has no \"name\"");
    return verdict_of(RC_OK);
}

/* --- the line --- */

typedef struct verdict (*entry_reader)(struct bulk *b, const struct json_node *entry,
                                       struct bulk_row *row);

/* A list, if it was sent: *is_sent. */
static struct verdict read_list(struct bulk *b, const struct json_node *object, const char *name,
                                struct bulk_row *row, entry_reader read, bool *is_sent) {
    const struct json_node *list = json_member(object, name);

    *is_sent = list && list->type != JSON_NULL;
    if (!*is_sent)
        return verdict_of(RC_OK);
    if (list->type != JSON_ARRAY)
        return verdict_no(b->arena, RC_INVALID, "\"%s\" must be a list", name);
    for (const struct json_node *entry = list->children; entry; entry = entry->next)
        VERDICT_TRY(read(b, entry, row));
    return verdict_of(RC_OK);
}

static struct verdict read_object(struct bulk *b, const struct json_node *object) {
    static const char *const known[] = {"name", "driver", "attrs", "in", NULL};
    struct bulk_row row = {.name = NULL};
    bool has_attrs, has_in;

    VERDICT_TRY(check_members(b, object, known));
    VERDICT_TRY(read_text(b, object, "name", &row.name));
    VERDICT_TRY(read_text(b, object, "driver", &row.driver));
    if (!row.name)
        return verdict_no(b->arena, RC_INVALID, "The object has no \"name\"");
    VERDICT_TRY(read_list(b, object, "attrs", &row, read_attr, &has_attrs));
    VERDICT_TRY(read_list(b, object, "in", &row, read_membership, &has_in));
    row.all_attrs = has_attrs && b->options.mode == BULK_REPLACE;
    row.all_in = has_in && b->options.mode == BULK_REPLACE;
    return bulk_row_add(b, &row);
}

/* {"muster": "export", "version": N, "taken": "..."} */
static struct verdict read_first(struct bulk *b, const struct json_node *object) {
    const struct json_node *what = json_member(object, "muster");

    if (b->line != 1 || what->type != JSON_STRING || strcmp(what->text, "export") != 0)
        return verdict_no(b->arena, RC_INVALID,
                          "\"muster\" is a member of the first line of an export only");
    b->exact = true;
    return verdict_of(RC_OK);
}

/* {"complete": true, "objects": N} */
static struct verdict read_last(struct bulk *b, const struct json_node *object) {
    const struct json_node *complete = json_member(object, "complete");
    const struct json_node *objects = json_member(object, "objects");
    int64_t count = 0;

    if (complete->type != JSON_TRUE || !objects || objects->type != JSON_NUMBER ||
        num_parse(objects->text, &count) != NUM_OK)
        return verdict_no(b->arena, RC_INVALID,
                          "The last line is {\"complete\": true, \"objects\": N}");
    b->complete = true;
    if (b->error_count == 0 && count != b->objects)
        return verdict_no(b->arena, RC_INVALID,
                          "The export has %" PRId64 " objects, not %" PRId64
                          " as its last line says",
                          b->objects, count);
    return verdict_of(RC_OK);
}

struct verdict bulk_line_read(struct bulk *b, const char *text, size_t n) {
    struct json_error error;
    const struct json_node *node;

    for (size_t i = 0; text[i] == ' ' || text[i] == '\t'; i++)
        if (i + 1 == n)
            return verdict_of(RC_OK);
    node = json_read(b->arena, text, n, &b->options.limits, &error);
    if (!node)
        return verdict_no(b->arena, RC_INVALID, "%s: column %zu", error.message, error.column);
    if (b->complete)
        return verdict_no(b->arena, RC_INVALID, "The last line of the export came before");
    if (node->type == JSON_OBJECT && json_member(node, "muster"))
        return read_first(b, node);
    if (node->type == JSON_OBJECT && json_member(node, "complete"))
        return read_last(b, node);
    return read_object(b, node);
}
