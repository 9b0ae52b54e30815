/* tree.c: JSON values as trees in memory. */
#include "json/tree.h"

#include <assert.h>

#include "json/decimal.h"

/* Two sorted lists as one; among equal keys those of `a` come first. */
static struct json_node *merge(struct json_node *a, struct json_node *b) {
    struct json_node *head = NULL;
    struct json_node **tail = &head;

    while (a != NULL && b != NULL) {
        struct json_node **first = json_key_order(a, b->key, b->key_length) <= 0 ? &a : &b;

        *tail = *first;
        tail = &(*first)->next;
        *first = *tail;
    }
    *tail = a != NULL ? a : b;
    return head;
}

static bool is_sorted(const struct json_node *member) {
    while (member != NULL && member->next != NULL &&
           json_key_order(member, member->next->key, member->next->key_length) <= 0)
        member = member->next;
    return member == NULL || member->next == NULL;
}

/* A merge sort: runs[i] has 2^i members, or none. */
void json_sort(struct json_node *object) {
    struct json_node *runs[8 * sizeof(size_t)] = {0};
    struct json_node *sorted = NULL;
    struct json_node *next;
    size_t used = 0;
    size_t i;

    assert(object->type == JSON_OBJECT);
    if (is_sorted(object->children))
        return;
    for (struct json_node *run = object->children; run != NULL; run = next) {
        next = run->next;
        run->next = NULL;
        for (i = 0; runs[i] != NULL; i++) {
            run = merge(runs[i], run);
            runs[i] = NULL;
        }
        runs[i] = run;
        used = i >= used ? i + 1 : used;
    }
    for (i = 0; i < used; i++)
        sorted = merge(runs[i], sorted);
    object->children = sorted;
}

const struct json_node *json_find(const struct json_node *object, const char *key, size_t length) {
    const struct json_node *child;

    assert(key != NULL);
    if (object == NULL || object->type != JSON_OBJECT)
        return NULL;
    child = object->children;
    while (child != NULL && (child->key_length != length || memcmp(child->key, key, length) != 0))
        child = child->next;
    return child;
}

const char *json_scalar_text(const struct json_node *node) {
    switch (node->type) {
    case JSON_STRING:
    case JSON_NUMBER: return node->text;
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    default: return NULL;
    }
}

/* Recurses as deep as the trees are, which the reader limits. */
bool json_equal(const struct json_node *a, const struct json_node *b) {
    const struct json_node *x;
    const struct json_node *y;

    assert(a != NULL && b != NULL);
    if (a->type != b->type || a->count != b->count)
        return false;
    if (a->type == JSON_NUMBER)
        return json_decimal_equal(a->text, a->length, b->text, b->length);
    if (a->length != b->length || (a->length > 0 && memcmp(a->text, b->text, a->length) != 0))
        return false;
    for (x = a->children, y = b->children; x != NULL && y != NULL; x = x->next, y = y->next)
        if (json_key_order(x, y->key, y->key_length) != 0 || !json_equal(x, y))
            return false;
    return x == y;
}

size_t json_depth(const struct json_node *node) {
    size_t deepest = 0;

    if (node->type != JSON_ARRAY && node->type != JSON_OBJECT)
        return 0;
    for (const struct json_node *child = node->children; child != NULL; child = child->next) {
        size_t depth = json_depth(child);

        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

struct json_node *json_copy(struct arena *arena, const struct json_node *node) {
    struct json_node *copy = arena_alloc(arena, sizeof(*copy));
    struct json_node **tail = &copy->children;

    *copy = *node;
    copy->key = NULL;
    copy->key_length = 0;
    copy->next = NULL;
    for (const struct json_node *child = node->children; child != NULL; child = child->next) {
        *tail = json_copy(arena, child);
        (*tail)->key = child->key;
        (*tail)->key_length = child->key_length;
        tail = &(*tail)->next;
    }
    return copy;
}
