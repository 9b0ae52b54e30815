/* show_repeats.c: how much an answer shows more than once. */
#include "api/show_repeats.h"

#include <stdlib.h>
#include <string.h>

#include "api/reply.h"

static int by_id(const void *a, const void *b) {
    const struct object *x = *(const struct object *const *)a,
                        *y = *(const struct object *const *)b;

    return (x->ref.id > y->ref.id) - (x->ref.id < y->ref.id);
}

/* A row for each attribute, content and parent, and another for every ROW_BYTES of a value. */
static size_t rows_of(const struct object *object) {
    enum { ROW_BYTES = 100 };
    size_t rows = object->attr_count + object->content_count + object->parent_count;

    for (size_t i = 0; i < object->attr_count; i++) {
        const struct value *value = &object->attrs[i].value;

        if ((value->datatype == DATATYPE_STRING || value->datatype == DATATYPE_JSON) && value->text)
            rows += strlen(value->text) / ROW_BYTES;
    }
    return rows;
}

int show_repeats_check(struct context *c, const struct object *objects, size_t count) {
    const struct object **sorted = arena_array(c->arena, count, sizeof *sorted);
    size_t rows = 0;

    for (size_t i = 0; i < count; i++)
        sorted[i] = &objects[i];
    qsort(sorted, count, sizeof *sorted, by_id);
    for (size_t i = 1, of_one = 0; i < count; i++) {
        if (sorted[i]->ref.id != sorted[i - 1]->ref.id) {
            of_one = 0;
        } else if (sorted[i]->ref.id != 0) {
            of_one = of_one > 0 ? of_one : rows_of(sorted[i]);
            rows += of_one;
        }
    }
    if (rows <= (size_t)c->options->max_repeated_rows)
        return 0;
    return reply_fail(c, 413,
                      "Too much would be shown more than once: name each object once, or send "
                      "Clusto-Mode: compact.");
}
