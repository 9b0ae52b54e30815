/* print.c: writing a whole JSON tree, its keys sorted. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "json/reader.h"
#include "json/writer.h"

/* Objects up to this size are sorted on the stack. */
enum { FEW = 32 };

/* A member with its place, which decides between equal keys. */
struct entry {
    const struct json_node *node;
    size_t place;
};

/* The order of bytes is that of code points in UTF-8. */
static int compare_keys(const struct json_node *a, const struct json_node *b) {
    size_t n = a->key_length < b->key_length ? a->key_length : b->key_length;
    int order = n == 0 ? 0 : memcmp(a->key, b->key, n);

    if (order == 0) {
        order = (a->key_length > b->key_length) - (a->key_length < b->key_length);
    }
    return order;
}

static int compare_entries(const void *a, const void *b) {
    const struct entry *x = a;
    const struct entry *y = b;
    int order = compare_keys(x->node, y->node);

    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

static bool is_sorted(const struct json_node *object) {
    const struct json_node *child;

    for (child = object->children; child != NULL && child->next != NULL; child = child->next) {
        if (compare_keys(child, child->next) > 0) {
            return false;
        }
    }
    return true;
}

static void member(struct json_writer *w, const struct json_node *node) {
    json_key_n(w, node->key, node->key_length);
    json_tree(w, node);
}

static void sorted_members(struct json_writer *w, const struct json_node *object) {
    struct entry few[FEW];
    struct entry *entries = object->count <= FEW ? few : calloc(object->count, sizeof(*entries));
    const struct json_node *child;
    size_t n = 0;
    size_t i;

    if (entries == NULL) {
        json_null(w); /* out of memory: a member without a key makes the writer fail */
        return;
    }
    for (child = object->children; child != NULL; child = child->next, n++) {
        assert(n < object->count);
        entries[n] = (struct entry){.node = child, .place = n};
    }
    qsort(entries, n, sizeof(*entries), compare_entries);
    for (i = 0; i < n && !json_failed(w); i++) {
        member(w, entries[i].node);
    }
    if (entries != few) {
        free(entries);
    }
}

static void tree_object(struct json_writer *w, const struct json_node *node) {
    const struct json_node *child;

    json_object_open(w);
    if (!json_failed(w) && !is_sorted(node)) {
        sorted_members(w, node);
    } else {
        for (child = node->children; child != NULL && !json_failed(w); child = child->next) {
            member(w, child);
        }
    }
    json_object_close(w);
}

static void tree_array(struct json_writer *w, const struct json_node *node) {
    const struct json_node *child;

    json_array_open(w);
    for (child = node->children; child != NULL && !json_failed(w); child = child->next) {
        json_tree(w, child);
    }
    json_array_close(w);
}

/* Recurses no deeper than the writer lets containers be opened inside each other. */
void json_tree(struct json_writer *w, const struct json_node *node) {
    assert(node != NULL);
    switch (node->type) {
    case JSON_NULL: json_null(w); break;
    case JSON_FALSE: json_bool(w, false); break;
    case JSON_TRUE: json_bool(w, true); break;
    case JSON_NUMBER: json_number(w, node->text); break;
    case JSON_STRING: json_string_n(w, node->text, node->length); break;
    case JSON_ARRAY: tree_array(w, node); break;
    case JSON_OBJECT: tree_object(w, node); break;
    default: assert(false);
    }
}
