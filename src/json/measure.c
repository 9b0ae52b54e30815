/* measure.c: how large a JSON tree is, within limits. */
#include <assert.h>

#include "json/measure.h"
#include "json/patch.h"
#include "json/reader.h"

const char json_measure_too_deep[] = "the document would be nested too deeply";

/* Recurses no deeper than the limit. */
const char *json_measure_add(struct json_measure *m, const struct json_node *node, size_t level,
                             const struct json_patch_limits *limits) {
    const struct json_node *child;
    const char *over;

    assert(m != NULL && node != NULL && limits != NULL);
    m->nodes++;
    m->bytes += node->key_length + node->length;
    if (limits->nodes != 0 && m->nodes > limits->nodes) {
        return "the document would have too many values";
    }
    if (limits->bytes != 0 && m->bytes > limits->bytes) {
        return "the document would be too large";
    }
    if ((node->type == JSON_ARRAY || node->type == JSON_OBJECT) && level >= limits->depth) {
        return json_measure_too_deep;
    }
    for (child = node->children; child != NULL; child = child->next) {
        over = json_measure_add(m, child, level + 1, limits);
        if (over != NULL) {
            return over;
        }
    }
    return NULL;
}
