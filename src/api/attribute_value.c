/* attribute_value.c: what a request gives as a value, as a value of a datatype. */
#include <string.h>

#include "api/attribute_value.h"
#include "api/input.h"

static bool is_integer(const struct json_node *node) {
    return node->type == JSON_NUMBER && node->text[strcspn(node->text, ".eE")] == '\0';
}

/* The datatype follows the decoded value. Returns a message, or NULL. */
static const char *value_of_json(struct arena *arena, const struct json_node *node,
                                 struct value *out) {
    *out = (struct value){.datatype = DATATYPE_STRING, .text = node->text};
    switch (node->type) {
    case JSON_NULL: out->text = NULL; break;
    case JSON_TRUE:
    case JSON_FALSE:
        *out = (struct value){.datatype = DATATYPE_INT, .number = node->type == JSON_TRUE};
        break;
    case JSON_NUMBER:
        if (is_integer(node))
            return value_cast(arena, node->text, DATATYPE_INT, NULL, out);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        *out = (struct value){.datatype = DATATYPE_JSON, .text = json_text(arena, node)};
        break;
    case JSON_STRING: break;
    }
    return NULL;
}

/* datatype=json with a text: the text is JSON. */
static const char *value_of_json_text(struct context *c, const char *text, struct value *out) {
    const struct json_limits limits = input_json_limits(c, (size_t)c->options->json_depth);
    struct json_error error;
    const struct json_node *node = json_read(c->arena, text, strlen(text), &limits, &error);

    if (!node)
        return arena_printf(c->arena, "Error casting %s into a(n) json: %s: line %zu column %zu",
                            text, error.message, error.line, error.column);
    return value_of_json(c->arena, node, out);
}

/* The text of a scalar for a cast; containers are shown as they are. */
static const char *node_text(struct arena *arena, const struct json_node *node) {
    return node->type == JSON_STRING || node->type == JSON_NUMBER ? node->text
                                                                  : json_text(arena, node);
}

const char *cast_node(struct context *c, const struct json_node *node,
                      const enum value_datatype *datatype, const char *mask, struct value *out) {
    if (!datatype || (*datatype == DATATYPE_JSON && node->type != JSON_STRING))
        return value_of_json(c->arena, node, out);
    if (*datatype == DATATYPE_JSON)
        return value_of_json_text(c, node->text, out);
    if (*datatype == DATATYPE_STRING && node->type == JSON_NULL) {
        *out = (struct value){.datatype = DATATYPE_STRING};
        return NULL;
    }
    if (node->type == JSON_OBJECT || node->type == JSON_ARRAY)
        return arena_printf(c->arena, "Error casting %s into a(n) %s: it is no text",
                            node_text(c->arena, node), value_datatype_name(*datatype));
    return value_cast(c->arena, node_text(c->arena, node), *datatype, mask, out);
}

const char *cast_text(struct context *c, const char *text, enum value_datatype datatype,
                      const char *mask, struct value *out) {
    if (datatype == DATATYPE_JSON)
        return value_of_json_text(c, text, out);
    return value_cast(c->arena, text, datatype, mask, out);
}
