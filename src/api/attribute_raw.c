/* attribute_raw.c: the attributes of a request as they were sent: path, parameters, JSON body. */
#include "api/attribute_raw.h"

#include <string.h>

#include "api/input.h"
#include "json/writer.h"

static const char *const known[] = {"key",      "value", "subkey", "number", "resource",
                                    "datatype", "mask",  "driver", NULL};

/* --- from the path --- */

static const char *from_path(const struct context *c, size_t i) {
    return c->arg_count > i ? c->args[i] : NULL;
}

static struct verdict two_values(const struct context *c, const char *name, const char *path,
                                 const char *value) {
    return verdict_no(c->arena, RC_INVALID,
                      "Two different values were submitted for \"%s\": ['%s', '%s']", name, path,
                      value);
}

/* What the path says and what a parameter says must not differ. */
static struct verdict merge_path(const struct context *c, const char *name, size_t i,
                                 const char **value) {
    const char *path = from_path(c, i);

    if (path && *value && strcmp(*value, path) != 0)
        return two_values(c, name, path, *value);
    if (path)
        *value = path;
    return verdict_of(RC_OK);
}

/* --- from parameters --- */

static struct verdict read_params(const struct context *c, struct attribute_raw *raw) {
    const struct params *params = &c->request->params;

    raw->key = params_last(params, "key");
    raw->subkey = params_last(params, "subkey");
    raw->number = params_last(params, "number");
    raw->resource = params_last(params, "resource");
    raw->datatype = params_last(params, "datatype");
    raw->mask = params_last(params, "mask");
    raw->driver = params_last(params, "driver");
    raw->text = params_last(params, "value");
    VERDICT_TRY(merge_path(c, "key", 1, &raw->key));
    VERDICT_TRY(merge_path(c, "subkey", 2, &raw->subkey));
    return merge_path(c, "number", 3, &raw->number);
}

/* --- from JSON --- */

/* A member that is a string; null is as good as none. */
static const char *member_text(struct attribute_raw *raw, const struct json_node *object,
                               const char *name) {
    const struct json_node *node = json_member(object, name);

    if (!node || node->type == JSON_NULL)
        return NULL;
    if (node->type == JSON_STRING)
        return node->text;
    raw->wrong_type = name;
    return NULL;
}

/* number may be a JSON number or a string of one; anything else is no number, as its text shows. */
static const char *member_number(struct arena *arena, const struct json_node *object,
                                 const char *otherwise) {
    const struct json_node *node = json_member(object, "number");

    if (!node)
        return otherwise;
    if (node->type == JSON_NULL)
        return NULL;
    if (node->type == JSON_NUMBER || node->type == JSON_STRING)
        return node->text;
    return json_text(arena, node);
}

static const char *unknown_member(const struct json_node *object) {
    for (const struct json_node *node = object->children; node; node = node->next) {
        size_t i = 0;

        while (known[i] && strcmp(known[i], node->key) != 0)
            i++;
        if (!known[i])
            return node->key;
    }
    return NULL;
}

static struct attribute_raw read_member(const struct context *c, const struct json_node *object) {
    struct attribute_raw raw = {.unknown = unknown_member(object)};

    raw.key = member_text(&raw, object, "key");
    if (!raw.key)
        raw.key = from_path(c, 1);
    raw.subkey =
        json_member(object, "subkey") ? member_text(&raw, object, "subkey") : from_path(c, 2);
    raw.number = member_number(c->arena, object, from_path(c, 3));
    raw.resource = member_text(&raw, object, "resource");
    raw.datatype = member_text(&raw, object, "datatype");
    raw.mask = member_text(&raw, object, "mask");
    raw.driver = member_text(&raw, object, "driver");
    raw.node = json_member(object, "value");
    return raw;
}

static bool is_container(const struct json_node *node) {
    return node->type == JSON_OBJECT || node->type == JSON_ARRAY;
}

/* The request's JSON; {}, [], null and an empty body are not: *out is NULL then. But to delete an
 * empty list is to delete nothing. */
static struct verdict read_body(const struct context *c, struct json_node **out) {
    const struct json_limits limits = input_json_limits(c->options, (size_t)c->options->json_depth);
    const struct request *r = c->request;
    struct json_error error;
    struct json_node *node;

    *out = NULL;
    if (!request_has_type(r, "application/json") || r->body_length == 0)
        return verdict_of(RC_OK);
    node = json_read(c->arena, r->body, r->body_length, &limits, &error);
    if (!node)
        return verdict_no(c->arena, RC_INVALID, "%s: line %zu column %zu", error.message,
                          error.line, error.column);
    if (node->type == JSON_ARRAY && r->method == METHOD_DELETE)
        *out = node;
    if (node->type == JSON_NULL || (is_container(node) && node->count == 0))
        return verdict_of(RC_OK);
    if (*r->query)
        return verdict_no(c->arena, RC_INVALID,
                          "Error: json and query params may not be passed in the same request.");
    if (!is_container(node))
        return verdict_no(c->arena, RC_PRECONDITION, "Provide at least \"key\" and \"value\"");
    *out = node;
    return verdict_of(RC_OK);
}

/* --- all of it --- */

static void take_json(const struct context *c, const struct json_node *body,
                      struct attribute_raws *out) {
    const struct json_node *node = body->type == JSON_ARRAY ? body->children : body;

    for (size_t i = 0; i < out->count; i++, node = node->next)
        if (node->type == JSON_OBJECT)
            out->items[i] = read_member(c, node);
}

struct verdict attribute_raw_read(const struct context *c, struct attribute_raws *out) {
    struct json_node *body;

    *out = (struct attribute_raws){0};
    VERDICT_TRY(read_body(c, &body));
    out->is_json = body != NULL;
    out->is_list = body && body->type == JSON_ARRAY;
    out->count = out->is_list ? body->count : 1;
    out->items = arena_array(c->arena, out->count, sizeof *out->items);
    if (!body)
        return read_params(c, out->items);
    take_json(c, body, out);
    return verdict_of(RC_OK);
}

bool attribute_raw_is_next(const struct context *c, const struct attribute_raw *raw) {
    return c->request->method == METHOD_POST && raw->number && strcmp(raw->number, "next") == 0;
}

struct verdict attribute_raw_check_resource(const struct context *c,
                                            const struct attribute_raw *raw) {
    if (!raw->resource)
        return verdict_of(RC_OK);
    if (!*raw->resource)
        return verdict_no(c->arena, RC_INVALID, "\"resource\" is empty");
    if (raw->number)
        return verdict_no(c->arena, RC_INVALID,
                          "Only one of \"number\" and \"resource\" may be sent");
    return verdict_of(RC_OK);
}

struct verdict attribute_raw_check_path(const struct context *c, const struct attribute_raw *raw) {
    const char *const names[] = {"key", "subkey", "number"};
    const char *const values[] = {raw->key, raw->subkey, raw->number};

    for (size_t i = 0; i < 3; i++) {
        const char *path = from_path(c, i + 1);

        if (path && (!values[i] || strcmp(values[i], path) != 0))
            return two_values(c, names[i], path, values[i] ? values[i] : "null");
    }
    return verdict_of(RC_OK);
}
