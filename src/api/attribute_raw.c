/* attribute_raw.c: the attributes of a request as they were sent: path, parameters, JSON body. */
#include "api/attribute_raw.h"

#include <string.h>

#include "api/input.h"
#include "api/reply.h"

static const char *const known[] = {"key",      "value", "subkey", "number",
                                    "datatype", "mask",  "driver", NULL};

/* --- from the path --- */

static const char *from_path(const struct context *c, size_t i) {
    return c->arg_count > i ? c->args[i] : NULL;
}

/* What the path says and what a parameter says must not differ. */
static int merge_path(struct context *c, const char *name, const char *path, const char **value) {
    if (path && *value && strcmp(*value, path) != 0)
        return reply_fail(c, 400, "Two different values were submitted for \"%s\": ['%s', '%s']",
                          name, path, *value);
    if (path)
        *value = path;
    return 0;
}

/* --- from parameters --- */

static int read_params(struct context *c, struct attribute_raw *raw) {
    const struct params *params = &c->request->params;
    const struct param *unknown = params_unknown(params, known);

    raw->key = params_last(params, "key");
    raw->subkey = params_last(params, "subkey");
    raw->number = params_last(params, "number");
    raw->datatype = params_last(params, "datatype");
    raw->mask = params_last(params, "mask");
    raw->driver = params_last(params, "driver");
    raw->text = params_last(params, "value");
    raw->unknown = unknown ? unknown->name : NULL;
    if (merge_path(c, "key", from_path(c, 1), &raw->key) ||
        merge_path(c, "subkey", from_path(c, 2), &raw->subkey) ||
        merge_path(c, "number", from_path(c, 3), &raw->number))
        return c->response->status;
    return 0;
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

/* number may be a JSON number or a string of one. */
static const char *member_number(const struct json_node *object, const char *otherwise) {
    const struct json_node *node = json_member(object, "number");

    if (!node)
        return otherwise;
    if (node->type == JSON_NULL)
        return NULL;
    return node->type == JSON_NUMBER || node->type == JSON_STRING ? node->text : "";
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
    raw.number = member_number(object, from_path(c, 3));
    raw.datatype = member_text(&raw, object, "datatype");
    raw.mask = member_text(&raw, object, "mask");
    raw.driver = member_text(&raw, object, "driver");
    raw.node = json_member(object, "value");
    return raw;
}

static bool is_container(const struct json_node *node) {
    return node->type == JSON_OBJECT || node->type == JSON_ARRAY;
}

/* The request's JSON; {}, [], null and an empty body are not: *out is NULL then. */
static int read_body(struct context *c, struct json_node **out) {
    const struct json_limits limits = input_json_limits(c, (size_t)c->options->json_depth);
    const struct request *r = c->request;
    struct json_error error;
    struct json_node *node;

    *out = NULL;
    if (!request_has_type(r, "application/json") || r->body_length == 0)
        return 0;
    node = json_read(c->arena, r->body, r->body_length, &limits, &error);
    if (!node)
        return reply_fail(c, 400, "%s: line %zu column %zu", error.message, error.line,
                          error.column);
    if (node->type == JSON_NULL || (is_container(node) && node->count == 0))
        return 0;
    if (*r->query)
        return reply_fail(c, 400,
                          "Error: json and query params may not be passed in the same request.");
    if (!is_container(node))
        return reply_fail(c, 412, "Provide at least \"key\" and \"value\"");
    *out = node;
    return 0;
}

/* --- all of it --- */

static void take_json(struct context *c, const struct json_node *body, struct attribute_raw *out,
                      size_t count) {
    const struct json_node *node = body->type == JSON_ARRAY ? body->children : body;

    for (size_t i = 0; i < count; i++, node = node->next)
        if (node->type == JSON_OBJECT)
            out[i] = read_member(c, node);
}

int attribute_raw_read(struct context *c, struct attribute_raw **out, size_t *count,
                       bool *is_bulk) {
    struct json_node *body;

    if (read_body(c, &body))
        return c->response->status;
    *is_bulk = body && body->type == JSON_ARRAY;
    *count = *is_bulk ? body->count : 1;
    *out = arena_array(c->arena, *count, sizeof **out);
    if (!body)
        return read_params(c, *out);
    take_json(c, body, *out, *count);
    return 0;
}
