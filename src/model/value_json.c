/* value_json.c: JSON values as values of attributes. */
#include "model/value_json.h"

#include <string.h>

#include "json/writer.h"

static bool is_integer(const struct json_node *node) {
    return node->type == JSON_NUMBER && node->text[strcspn(node->text, ".eE")] == '\0';
}

/* The datatype follows the decoded value. */
static struct verdict value_of_json(struct arena *arena, const struct json_node *node,
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
    return verdict_of(RC_OK);
}

struct verdict value_cast_json(struct arena *arena, const char *text,
                               const struct json_limits *limits, struct value *out) {
    struct json_error error;
    const struct json_node *node = json_read(arena, text, strlen(text), limits, &error);

    if (!node)
        return verdict_no(arena, RC_INVALID,
                          "Error casting %s into a(n) json: %s: line %zu column %zu", text,
                          error.message, error.line, error.column);
    return value_of_json(arena, node, out);
}

/* The text of a scalar for a cast; containers are shown as they are. */
static const char *node_text(struct arena *arena, const struct json_node *node) {
    return node->type == JSON_STRING || node->type == JSON_NUMBER ? node->text
                                                                  : json_text(arena, node);
}

struct verdict value_cast_node(struct arena *arena, const struct json_node *node,
                               const enum value_datatype *datatype, const char *mask,
                               const struct json_limits *limits, struct value *out) {
    if (!datatype || (*datatype == DATATYPE_JSON && node->type != JSON_STRING))
        return value_of_json(arena, node, out);
    if (*datatype == DATATYPE_JSON)
        return value_cast_json(arena, node->text, limits, out);
    if (*datatype == DATATYPE_STRING && node->type == JSON_NULL) {
        *out = (struct value){.datatype = DATATYPE_STRING};
        return verdict_of(RC_OK);
    }
    if (node->type == JSON_OBJECT || node->type == JSON_ARRAY)
        return verdict_no(arena, RC_INVALID, "Error casting %s into a(n) %s: it is not a text",
                          node_text(arena, node), value_datatype_name(*datatype));
    return value_cast(arena, node_text(arena, node), *datatype, mask, out);
}
