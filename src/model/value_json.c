/* value_json.c: JSON values as values of attributes. */
#include "model/value_json.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "json/writer.h"

static bool is_integer(const struct json_node *node) {
    return node->type == JSON_NUMBER && node->text[strcspn(node->text, ".eE")] == '\0';
}

static void add_unit(struct buf *out, uint32_t unit) {
    buf_printf(out, "\\u%04x", (unsigned)unit);
}

/* One character that is not ASCII; how many bytes it had. The text is known to be valid. */
static size_t add_character(struct buf *out, const unsigned char *at) {
    size_t length = *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
    uint32_t code = *at & (0xffu >> (length + 1));

    for (size_t i = 1; i < length; i++)
        code = code << 6 | (at[i] & 0x3f);
    if (code < 0x10000) {
        add_unit(out, code);
    } else {
        add_unit(out, 0xd800 + ((code - 0x10000) >> 10));
        add_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
    }
    return length;
}

/* An escape as the writer makes it; how many bytes it has. */
static size_t add_escape(struct buf *out, const unsigned char *at) {
    if (at[1] == 'u') {
        buf_printf(out, "\\u%c%c%c%c", tolower(at[2]), tolower(at[3]), tolower(at[4]),
                   tolower(at[5]));
        return 6;
    }
    buf_add(out, (const char *)at, 2);
    return 2;
}

/* As json.dumps of Python writes it: what is not printable ASCII (it is in strings only) as escapes
 * in lower case. Clients of the database look values up by their text. */
static const char *python_text(struct arena *arena, const struct json_node *node) {
    const unsigned char *at = (const unsigned char *)json_text(arena, node);
    const char *text;
    struct buf out;

    buf_init(&out, 0);
    while (at && *at) {
        if (*at >= 0x80)
            at += add_character(&out, at);
        else if (*at == '\\')
            at += add_escape(&out, at);
        else if (*at == 0x7f)
            add_unit(&out, *at++);
        else
            buf_add(&out, (const char *)at++, 1);
    }
    text = at ? arena_strndup(arena, buf_cstr(&out), out.len) : NULL;
    buf_release(&out);
    return text;
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
        *out = (struct value){.datatype = DATATYPE_JSON, .text = python_text(arena, node)};
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
