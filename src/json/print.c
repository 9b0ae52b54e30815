/* print.c: writing a whole JSON tree. */
#include "json/writer.h"

#include <assert.h>

#include "base/buf.h"
#include "json/tree.h"

static void write_object(struct json_writer *w, const struct json_node *node) {
    json_object_open(w);
    for (const struct json_node *child = node->children; child != NULL && !json_failed(w);
         child = child->next) {
        json_key_n(w, child->key, child->key_length);
        json_tree(w, child);
    }
    json_object_close(w);
}

static void write_array(struct json_writer *w, const struct json_node *node) {
    json_array_open(w);
    for (const struct json_node *child = node->children; child != NULL && !json_failed(w);
         child = child->next)
        json_tree(w, child);
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
    case JSON_ARRAY: write_array(w, node); break;
    case JSON_OBJECT: write_object(w, node); break;
    default: assert(false);
    }
}

void json_tree_flat(struct json_writer *w, const struct json_node *node) {
    bool before = json_set_minify(w, true);

    json_tree(w, node);
    json_set_minify(w, before);
}

size_t json_indentation(const struct json_node *node, size_t level) {
    size_t bytes = node->length + node->key_length + 1 + JSON_INDENT * level;

    for (const struct json_node *child = node->children; child != NULL; child = child->next)
        bytes += json_indentation(child, level + 1);
    return node->count > 0 ? bytes + 1 + JSON_INDENT * level : bytes;
}

bool json_to_buf(void *buf, const char *bytes, size_t n) {
    buf_add(buf, bytes, n);
    return !((struct buf *)buf)->failed;
}

const char *json_text(struct arena *arena, const struct json_node *node) {
    struct json_writer *writer = json_writer_new();
    const char *text = NULL;
    struct buf buf;

    buf_init(&buf, 0);
    json_begin(writer, true, json_to_buf, &buf);
    json_tree(writer, node);
    if (json_end(writer))
        text = arena_strndup(arena, buf_cstr(&buf), buf.len);
    buf_release(&buf);
    json_writer_free(&writer);
    return text;
}
