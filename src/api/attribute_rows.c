/* attribute_rows.c: the attributes of an object, found, sorted and shown for all of /attribute. */
#include "api/attribute_rows.h"

#include <stdlib.h>
#include <string.h>

#include "api/attribute_input.h"
#include "api/reply.h"
#include "api/show.h"
#include "model/ip.h"

/* KEY, SUBKEY and NUMBER; NULL: any. */
struct verdict attribute_rows_filter(struct context *c, const char *key, const char *subkey,
                                     const char *number, struct attr_filter *filter) {
    *filter = (struct attr_filter){key, subkey, .has_number = number != NULL};
    return number ? attribute_input_number(c->arena, number, &filter->number) : verdict_of(RC_OK);
}

int attribute_rows_show(struct context *c, int status, const struct object *object, bool hidden) {
    reply_json(c, status);
    show_attrs(c, object->attrs, object->attr_count, hidden);
    return reply_end(c);
}

/* All visible attributes of the object, as they are now. */
int attribute_rows_answer(struct context *c, int status) {
    struct object object;

    if (reply_rc(c, store_attrs_by_name(c->store, c->arena, c->args[0], NULL, &object)))
        return c->response->status;
    return attribute_rows_show(c, status, &object, false);
}

static int compare_texts(const char *a, const char *b) {
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

/* By key, subkey and number, missing ones included: where an attribute is. */
int attribute_rows_by_place(const void *x, const void *y) {
    const struct attr *a = *(const struct attr *const *)x, *b = *(const struct attr *const *)y;
    int order = compare_texts(a->key, b->key);

    if (order == 0)
        order = compare_texts(a->subkey, b->subkey);
    if (order == 0)
        order = a->has_number - b->has_number;
    if (order == 0 && a->has_number)
        order = (a->number > b->number) - (a->number < b->number);
    return order;
}

/* The same, and of those in one place the first of their array first. */
int attribute_rows_by_place_in_order(const void *x, const void *y) {
    const struct attr *a = *(const struct attr *const *)x, *b = *(const struct attr *const *)y;
    int order = attribute_rows_by_place(x, y);

    return order != 0 ? order : (a > b) - (a < b);
}

/* By place and value. */
int attribute_rows_by_value(const void *x, const void *y) {
    const struct attr *a = *(const struct attr *const *)x, *b = *(const struct attr *const *)y;
    int order = attribute_rows_by_place(x, y);

    return order != 0 ? order : value_compare(&a->value, &b->value);
}

const struct attr **attribute_rows_sorted(struct arena *arena, const struct attr *attrs,
                                          size_t count,
                                          int (*compare)(const void *, const void *)) {
    const struct attr **pointers = arena_array(arena, count, sizeof *pointers);

    for (size_t i = 0; i < count; i++)
        pointers[i] = &attrs[i];
    qsort(pointers, count, sizeof *pointers, compare);
    return pointers;
}

/* An address may be given as its stored number, or dotted. */
static bool is_value(struct arena *arena, const struct attr *attr, const char *resource) {
    uint32_t address;

    if (strcmp(value_text(arena, &attr->value), resource) == 0)
        return true;
    return strcmp(attr->key, "ip") == 0 && attr->value.datatype == DATATYPE_INT &&
           ip_parse(resource, &address) && attr->value.number == ip_to_stored(address);
}

bool attribute_rows_number_of(struct arena *arena, const struct object *object, const char *key,
                              const char *resource, int32_t *number) {
    for (size_t i = 0; i < object->attr_count; i++) {
        const struct attr *attr = &object->attrs[i];

        if (!attr->has_number || attr->subkey || strcmp(attr->key, key) != 0 ||
            !is_value(arena, attr, resource))
            continue;
        *number = attr->number;
        return true;
    }
    return false;
}

static bool is_subkey(const struct attr *attr, const char *subkey) {
    return !subkey || (attr->subkey && strcmp(attr->subkey, subkey) == 0);
}

void attribute_rows_keep_resource(struct arena *arena, struct object *object, const char *key,
                                  const char *subkey, const char *resource) {
    int32_t number;
    bool has = attribute_rows_number_of(arena, object, key, resource, &number);
    size_t kept = 0;

    for (size_t i = 0; has && i < object->attr_count; i++) {
        const struct attr *attr = &object->attrs[i];

        if (attr->has_number && attr->number == number && is_subkey(attr, subkey))
            object->attrs[kept++] = *attr;
    }
    object->attr_count = kept;
}
