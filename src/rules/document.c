/* document.c: what a write does to a preferences document, on JSON trees. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rules/document.h"

static bool has_key(const struct json_node *node, const struct json_token *token) {
    return node->key_length == token->length && memcmp(node->key, token->text, token->length) == 0;
}

/* The link that points to the child which the step names; *link is NULL at the end of the list when
 * there is none. NULL: the step can't be taken from here at all. */
static struct json_node **find_link(struct json_node *parent, const struct json_token *token,
                                    bool positions) {
    struct json_node **link = &parent->children;
    size_t index;

    if (parent->type == JSON_OBJECT) {
        while (*link != NULL && !has_key(*link, token))
            link = &(*link)->next;
        return link;
    }
    if (parent->type != JSON_ARRAY || !positions)
        return NULL;
    if (strcmp(token->text, "-") == 0)
        index = parent->count;
    else if (!json_pointer_index(token, &index) || index > parent->count)
        return NULL;
    while (index-- > 0)
        link = &(*link)->next;
    return link;
}

static const struct json_node *find_member(const struct json_node *object,
                                           const struct json_token *token) {
    const struct json_node *child = object->type == JSON_OBJECT ? object->children : NULL;

    while (child != NULL && !has_key(child, token))
        child = child->next;
    return child;
}

const struct json_node *document_at(const struct json_node *document, const struct place *place) {
    if (place->positions)
        return json_pointer_get(document, &place->pointer);
    for (size_t i = 0; i < place->pointer.count && document != NULL; i++)
        document = find_member(document, &place->pointer.tokens[i]);
    return document;
}

/* Replaces what `node` is, keeping its key and its place among its siblings. */
static void become(struct json_node *node, const struct json_node *value) {
    struct json_node old = *node;

    *node = *value;
    node->key = old.key;
    node->key_length = old.key_length;
    node->next = old.next;
}

static struct json_node *copy_named(struct arena *arena, const struct json_node *value,
                                    const char *key, size_t length) {
    struct json_node *node = arena_alloc(arena, sizeof *node);

    *node = *value;
    node->key = key;
    node->key_length = length;
    node->next = NULL;
    return node;
}

bool document_set(struct arena *arena, struct json_node *document, const struct place *place,
                  const struct json_node *value, size_t *blocked) {
    const struct json_pointer *pointer = &place->pointer;
    struct json_node *parent = document;

    assert(pointer->count > 0);
    for (size_t i = 0; i < pointer->count; i++) {
        const struct json_token *token = &pointer->tokens[i];
        struct json_node **link = find_link(parent, token, place->positions);

        if (link == NULL) {
            *blocked = i;
            return false;
        }
        if (*link == NULL) {
            struct json_pointer rest = {pointer->tokens + i + 1, pointer->count - i - 1};
            bool named = parent->type == JSON_OBJECT;

            *link = copy_named(arena, document_wrap(arena, &rest, value),
                               named ? token->text : NULL, named ? token->length : 0);
            parent->count++;
            return true;
        }
        parent = *link;
    }
    become(parent, value);
    return true;
}

bool document_remove(struct json_node *document, const struct place *place) {
    struct json_node *parent = document;

    assert(place->pointer.count > 0);
    for (size_t i = 0;; i++) {
        struct json_node **link = find_link(parent, &place->pointer.tokens[i], place->positions);

        if (link == NULL || *link == NULL)
            return false;
        if (i + 1 == place->pointer.count) {
            *link = (*link)->next;
            parent->count--;
            return true;
        }
        parent = *link;
    }
}

static int compare_keys(const void *a, const void *b) {
    const struct json_node *x = *(struct json_node *const *)a;
    const struct json_node *y = *(struct json_node *const *)b;

    if (x->key_length != y->key_length)
        return x->key_length < y->key_length ? -1 : 1;
    return memcmp(x->key, y->key, x->key_length);
}

/* The members, sorted so that merging two large objects does not compare each with each. */
static struct json_node **index_members(struct arena *arena, struct json_node *object,
                                        struct json_node ***tail) {
    struct json_node **index = arena_array(arena, object->count + 1, sizeof *index);
    size_t n = 0;

    *tail = &object->children;
    for (; **tail != NULL; *tail = &(**tail)->next)
        index[n++] = **tail;
    assert(n == object->count);
    qsort(index, n, sizeof *index, compare_keys);
    return index;
}

void document_merge(struct arena *arena, struct json_node *document,
                    const struct json_node *members) {
    struct json_node **tail;
    struct json_node **index = index_members(arena, document, &tail);
    size_t indexed = document->count;

    assert(document->type == JSON_OBJECT && members->type == JSON_OBJECT);
    for (const struct json_node *m = members->children; m != NULL; m = m->next) {
        struct json_node **found = bsearch(&m, index, indexed, sizeof *index, compare_keys);

        if (found != NULL) {
            become(*found, m);
            continue;
        }
        *tail = copy_named(arena, m, m->key, m->key_length);
        tail = &(*tail)->next;
        document->count++;
    }
}

struct json_node *document_wrap(struct arena *arena, const struct json_pointer *pointer,
                                const struct json_node *value) {
    struct json_node *inner = copy_named(arena, value, NULL, 0);

    for (size_t i = pointer->count; i > 0; i--) {
        struct json_node *object = arena_alloc(arena, sizeof *object);

        inner->key = pointer->tokens[i - 1].text;
        inner->key_length = pointer->tokens[i - 1].length;
        object->type = JSON_OBJECT;
        object->children = inner;
        object->count = 1;
        inner = object;
    }
    return inner;
}

size_t document_depth(const struct json_node *node) {
    size_t deepest = 0;

    if (node->type != JSON_ARRAY && node->type != JSON_OBJECT)
        return 0;
    for (const struct json_node *child = node->children; child != NULL; child = child->next) {
        size_t depth = document_depth(child);

        if (depth > deepest)
            deepest = depth;
    }
    return deepest + 1;
}

static size_t string_size(const char *text, size_t n) {
    size_t size = n + 2;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\' || (c >= 0x08 && c <= 0x0d && c != 0x0b))
            size += 1;
        else if (c < 0x20)
            size += 5;
    }
    return size;
}

/* A number's digits around its point, as numeric prints them: no exponent, and as many digits
 * behind the point as were written there less the exponent. */
static size_t number_size(const char *text) {
    bool negative = *text == '-';
    const char *whole = text + negative;
    size_t whole_digits = strspn(whole, "0123456789");
    const char *point = whole + whole_digits;
    const char *fraction = point + (*point == '.');
    size_t fraction_digits = *point == '.' ? strspn(fraction, "0123456789") : 0;
    const char *e = fraction + fraction_digits;
    long exponent = *e == 'e' || *e == 'E' ? strtol(e + 1, NULL, 10) : 0;
    long scale = (long)fraction_digits - exponent;
    long magnitude = (long)whole_digits + exponent;
    size_t size;

    if (*whole == '0') {
        size_t zeros = strspn(fraction, "0");

        if (zeros >= fraction_digits) { /* all of it is zero, which has no sign */
            negative = false;
            magnitude = 1;
        } else {
            magnitude = exponent - (long)zeros;
        }
    }
    size = (size_t)(magnitude > 1 ? magnitude : 1) + negative;
    return scale > 0 ? size + 1 + (size_t)scale : size;
}

size_t document_size(const struct json_node *node) {
    size_t size = 2;

    switch (node->type) {
    case JSON_NULL:
    case JSON_TRUE: return 4;
    case JSON_FALSE: return 5;
    case JSON_NUMBER: return number_size(node->text);
    case JSON_STRING: return string_size(node->text, node->length);
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    for (const struct json_node *child = node->children; child != NULL; child = child->next) {
        size += document_size(child) + (child->next != NULL ? 2 : 0);
        if (node->type == JSON_OBJECT)
            size += string_size(child->key, child->key_length) + 2;
    }
    return size;
}
