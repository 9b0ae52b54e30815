/* pointer.c: a path into a JSON tree (RFC 6901). */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "json/pointer.h"
#include "json/reader.h"

/* Undoes the escapes of one step, from `text` to `end`, where it stands, and puts a NUL behind it.
 * False: a "~" without 0 or 1. */
static bool unescape(char *text, const char *end, struct json_token *token) {
    char *out = text;

    token->text = text;
    for (; text < end; text++) {
        char c = *text;

        if (c == '~') {
            text++;
            if (text == end || (*text != '0' && *text != '1')) {
                return false;
            }
            c = *text == '0' ? '~' : '/';
        }
        *out++ = c;
    }
    *out = '\0';
    token->length = (size_t)(out - token->text);
    return true;
}

static size_t count_steps(const char *text, size_t n) {
    size_t count = 0;

    for (; n > 0; n--) {
        count += *text++ == '/';
    }
    return count;
}

bool json_pointer_parse(struct arena *arena, const char *text, size_t n, struct json_pointer *out,
                        const char **message) {
    char *step;
    char *end;
    size_t i;

    assert(arena != NULL && out != NULL && message != NULL);
    assert(text != NULL || n == 0);
    *out = (struct json_pointer){0};
    if (n == 0) {
        return true;
    }
    if (*text != '/') {
        *message = "a JSON pointer is empty or begins with \"/\"";
        return false;
    }
    out->count = count_steps(text, n);
    out->tokens = arena_array(arena, out->count, sizeof(*out->tokens));
    step = arena_strndup(arena, text, n);
    end = step + n;
    for (i = 0; i < out->count; i++) {
        char *slash;

        step++;
        slash = memchr(step, '/', (size_t)(end - step));
        if (slash == NULL) {
            slash = end;
        }
        if (!unescape(step, slash, &out->tokens[i])) {
            *message = "in a JSON pointer \"~\" stands before 0 or 1 only";
            return false;
        }
        step = slash;
    }
    return true;
}

bool json_pointer_index(const struct json_token *token, size_t *index) {
    size_t value = 0;
    size_t i;

    assert(token != NULL && index != NULL);
    if (token->length == 0 || (token->text[0] == '0' && token->length > 1)) {
        return false;
    }
    for (i = 0; i < token->length; i++) {
        char c = token->text[i];

        if (c < '0' || c > '9' || __builtin_mul_overflow(value, (size_t)10, &value) ||
            __builtin_add_overflow(value, (size_t)(c - '0'), &value)) {
            return false;
        }
    }
    *index = value;
    return true;
}

static const struct json_node *step(const struct json_node *node, const struct json_token *token) {
    const struct json_node *child = node->children;
    size_t index;

    if (node->type == JSON_ARRAY) {
        if (!json_pointer_index(token, &index) || index >= node->count) {
            return NULL;
        }
        for (; index > 0; index--) {
            child = child->next;
        }
        return child;
    }
    if (node->type != JSON_OBJECT) {
        return NULL;
    }
    while (child != NULL && (child->key_length != token->length ||
                             memcmp(child->key, token->text, token->length) != 0)) {
        child = child->next;
    }
    return child;
}

const struct json_node *json_pointer_get(const struct json_node *root,
                                         const struct json_pointer *pointer) {
    const struct json_node *node = root;
    size_t i;

    assert(pointer != NULL);
    for (i = 0; i < pointer->count && node != NULL; i++) {
        node = step(node, &pointer->tokens[i]);
    }
    return node;
}
