/* reference.c: references in the texts of a transaction. */
#include "server/reference.h"

#include <string.h>

#include "base/buf.h"
#include "base/quote.h"
#include "json/pointer.h"

enum { MAX_DIGITS = 9 };

/* No name has it (model/names.h). */
#define UNKNOWN "\x01"

/* --- what they stand for --- */

static const char *name_in(const struct json_node *object) {
    const struct json_node *name = json_member(object, "name");
    const char *slash;

    if (object->type == JSON_OBJECT)
        return name != NULL && name->type == JSON_STRING ? name->text : NULL;
    if (object->type != JSON_STRING || object->text[0] != '/')
        return NULL;
    slash = strchr(object->text + 1, '/'); /* a driver has none in its name */
    return slash != NULL && slash[1] != '\0' ? slash + 1 : NULL;
}

/* The name of the object that a response shows, compact or expanded, or the first of a list; NULL:
 * it shows none. */
static const char *shown_name(const struct json_node *body) {
    if (body != NULL && body->type == JSON_ARRAY)
        body = body->children;
    return body != NULL ? name_in(body) : NULL;
}

/* --- one of them --- */

struct reference {
    const char *text; /* from "${" to "}" */
    size_t length;
    size_t number; /* of the operation */
    bool has_pointer;
    struct json_pointer pointer;
};

static const char *fail(struct arena *arena, const struct reference *r, const char *why) {
    return arena_printf(arena, "%s: %s", quote_bytes(arena, r->text, r->length), why);
}

/* Digits up to "#" or the end. False: they are none, or too many. */
static bool read_number(const char **at, const char *end, size_t *number) {
    size_t digits = 0;

    *number = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++, digits++)
        if (digits < MAX_DIGITS)
            *number = *number * 10 + (size_t)(**at - '0');
    return digits > 0 && digits <= MAX_DIGITS && (*at == end || **at == '#');
}

/* Reads the reference that begins at `text`. NULL: *message says why not. */
static const char *read_reference(struct arena *arena, const char *text, struct reference *out) {
    const char *end = strchr(text, '}'), *at = text + 2, *why;

    *out = (struct reference){.text = text, .length = strlen(text)};
    if (end == NULL)
        return fail(arena, out, "a reference ends with }; ${ itself is written $${");
    out->length = (size_t)(end - text) + 1;
    if (!read_number(&at, end, &out->number))
        return fail(arena, out,
                    "a reference is the number of an operation, as ${0} or ${0#/attrs/3/value}; "
                    "${ itself is written $${");
    out->has_pointer = at < end;
    if (out->has_pointer &&
        !json_pointer_parse(arena, at + 1, (size_t)(end - at) - 1, &out->pointer, &why))
        return fail(arena, out, why);
    return NULL;
}

/* What it stands for; NULL: *message says why nothing. */
static const char *find_value(struct arena *arena, const struct reference *r,
                              const struct reference_answers *answers, const char **message) {
    const struct json_node *body, *found;
    const char *value;

    if (r->number >= answers->count) {
        *message = fail(arena, r, "only operations before this one can be referred to");
        return NULL;
    }
    if (answers->bodies == NULL)
        return UNKNOWN;
    body = answers->bodies[r->number];
    if (!r->has_pointer) {
        value = shown_name(body);
        if (value == NULL)
            *message = fail(arena, r, "the answer of that operation shows no object");
        return value;
    }
    found = body != NULL ? json_pointer_get(body, &r->pointer) : NULL;
    value = found != NULL ? json_scalar_text(found) : NULL;
    if (value == NULL)
        *message = fail(arena, r,
                        found != NULL ? "there is no string, number or boolean"
                                      : "the answer of that operation has nothing there");
    return value;
}

/* --- texts --- */

static void add(struct buf *out, const char *text, bool encode) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *text != '\0'; text++) {
        if (!encode || strchr(plain, *text) != NULL)
            buf_addc(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}

/* A few references can stand for far more than the client has sent. */
static bool take_room(const struct reference_answers *answers, const char *value) {
    size_t n = strlen(value);

    if (answers->room == NULL)
        return true;
    if (n > *answers->room)
        return false;
    *answers->room -= n;
    return true;
}

static bool fill(struct arena *arena, const char *text, const struct reference_answers *answers,
                 bool encode, struct buf *out, const char **message) {
    for (const char *begin; (begin = strstr(text, "${")) != NULL;) {
        bool escaped = begin > text && begin[-1] == '$';
        struct reference reference;
        const char *value = "${";

        buf_add(out, text, (size_t)(begin - text) - escaped);
        text = begin + 2;
        if (!escaped) {
            *message = read_reference(arena, begin, &reference);
            if (*message != NULL)
                return false;
            value = find_value(arena, &reference, answers, message);
            text = begin + reference.length;
        }
        if (value == NULL || (!escaped && !take_room(answers, value)))
            return false;
        add(out, value, encode);
    }
    buf_adds(out, text);
    return true;
}

const char *reference_fill(struct arena *arena, const char *text,
                           const struct reference_answers *answers, bool encode,
                           const char **message) {
    const char *filled = NULL;
    struct buf out;

    *message = NULL;
    if (strstr(text, "${") == NULL)
        return text;
    buf_init(&out, 0);
    if (fill(arena, text, answers, encode, &out, message) && !out.failed)
        filled = arena_strndup(arena, buf_cstr(&out), out.len);
    buf_release(&out);
    return filled;
}

/* False: *message says why. Deeper than the reader's limit no value is. */
static bool fill_node(struct arena *arena, struct json_node *node,
                      const struct reference_answers *answers, const char **message) {
    if (node->type == JSON_STRING) {
        node->text = reference_fill(arena, node->text, answers, false, message);
        if (node->text == NULL)
            return false;
        node->length = strlen(node->text);
    }
    for (struct json_node *n = node->children; n != NULL; n = n->next)
        if (!fill_node(arena, n, answers, message))
            return false;
    return true;
}

const struct json_node *reference_fill_all(struct arena *arena, const struct json_node *node,
                                           const struct reference_answers *answers,
                                           const char **message) {
    struct json_node *copy = json_copy(arena, node);

    return fill_node(arena, copy, answers, message) ? copy : NULL;
}
