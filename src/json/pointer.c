/* pointer.c: a path into a JSON tree (RFC 6901). */
#include "json/pointer.h"

#include <assert.h>
#include <string.h>

#include "base/num.h"

/* Undoes the escapes of one step, from `text` to `end`, in place, and ends it with a NUL.
 * False: a "~" without 0 or 1. */
static bool unescape(char *text, const char *end, struct json_token *token) {
    char *out = text;

    token->text = text;
    for (; text < end; text++) {
        char c = *text;

        if (c == '~') {
            text++;
            if (text == end || (*text != '0' && *text != '1'))
                return false;
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

    for (; n > 0; n--)
        count += *text++ == '/';
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
    if (n == 0)
        return true;
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
        if (slash == NULL)
            slash = end;
        if (!unescape(step, slash, &out->tokens[i])) {
            *message = "in a JSON pointer \"~\" stands before 0 or 1 only";
            return false;
        }
        step = slash;
    }
    return true;
}

bool json_pointer_index(const struct json_node *array, const struct json_token *token,
                        size_t *index) {
    const char *end = token->text + token->length;
    uint64_t value;

    assert(array != NULL && token != NULL && index != NULL);
    *index = array->count;
    if (token->length == 1 && *token->text == '-')
        return true;
    if (token->length == 0 || (*token->text == '0' && token->length > 1))
        return false;
    if (num_digits(token->text, end, &value) != end || value > array->count)
        return false;
    *index = value;
    return true;
}

static const struct json_node *element(const struct json_node *array,
                                       const struct json_token *token) {
    const struct json_node *child = array->children;
    size_t index;

    if (!json_pointer_index(array, token, &index))
        return NULL;
    for (; index > 0; index--)
        child = child->next;
    return child;
}

const struct json_node *json_pointer_get(const struct json_node *root,
                                         const struct json_pointer *pointer) {
    const struct json_node *node = root;

    assert(pointer != NULL);
    for (size_t i = 0; i < pointer->count && node != NULL; i++) {
        const struct json_token *token = &pointer->tokens[i];

        if (node->type == JSON_ARRAY)
            node = pointer->keys_only ? NULL : element(node, token);
        else
            node = json_find(node, token->text, token->length);
    }
    return node;
}

struct json_node *json_pointer_wrap(struct arena *arena, const struct json_pointer *pointer,
                                    const struct json_node *value) {
    struct json_node *inner = arena_alloc(arena, sizeof(*inner));

    *inner = *value;
    inner->key = NULL;
    inner->key_length = 0;
    inner->next = NULL;
    for (size_t i = pointer->count; i > 0; i--) {
        struct json_node *object = arena_alloc(arena, sizeof(*object));

        inner->key = pointer->tokens[i - 1].text;
        inner->key_length = pointer->tokens[i - 1].length;
        object->type = JSON_OBJECT;
        object->children = inner;
        object->count = 1;
        inner = object;
    }
    return inner;
}
