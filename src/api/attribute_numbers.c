/* attribute_numbers.c: numbers of attributes that a request leaves to the server. */
#include "api/attribute_numbers.h"

#include <stdlib.h>
#include <string.h>

#include "api/attribute_rows.h"
#include "api/reply.h"
#include "store/write.h"

bool attribute_numbers_depend(const struct context *c, const struct attribute_raws *raws) {
    for (size_t i = 0; i < raws->count; i++)
        if (raws->items[i].resource || attribute_raw_is_next(c, &raws->items[i]))
            return true;
    return false;
}

/* That of a resource that the object has. */
static int take_resource(struct context *c, const struct object *object,
                         struct attribute_input *input, size_t i) {
    const char *resource = input->raws->items[i].resource;
    struct attr *attr = &input->attrs[i];

    attr->has_number =
        attribute_rows_number_of(c->arena, object, attr->key, resource, &attr->number);
    if (attr->has_number)
        return 0;
    return attribute_input_reply(c, input, i,
                                 verdict_no(c->arena, RC_CONFLICT, "\"%s\" has no %s \"%s\"",
                                            object->ref.name, attr->key, resource));
}

/* By key, and as they were sent. */
static int by_key(const void *x, const void *y) {
    const struct attr *a = *(struct attr *const *)x, *b = *(struct attr *const *)y;
    int order = strcmp(a->key, b->key);

    return order != 0 ? order : (a > b) - (a < b);
}

/* Of one key a run of numbers. */
static int take_next(struct context *c, int32_t object, struct attr **attrs, size_t count) {
    qsort(attrs, count, sizeof *attrs, by_key);
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;
        int32_t number;

        while (end < count && strcmp(attrs[end]->key, attrs[i]->key) == 0)
            end++;
        if (reply_rc(c, store_next_numbers(c->store, object, attrs[i]->key, (int32_t)(end - i),
                                           &number)))
            return c->response->status;
        for (; i < end; i++)
            attrs[i]->number = number++;
    }
    return 0;
}

int attribute_numbers_resolve(struct context *c, const struct object *object,
                              struct attribute_input *input) {
    struct attr **next = arena_array(c->arena, input->count, sizeof *next);
    size_t count = 0;

    for (size_t i = 0; i < input->count; i++) {
        const struct attribute_raw *raw = &input->raws->items[i];

        if (raw->resource && take_resource(c, object, input, i))
            return c->response->status;
        if (attribute_raw_is_next(c, raw))
            next[count++] = &input->attrs[i];
    }
    return count > 0 ? take_next(c, object->ref.id, next, count) : 0;
}
