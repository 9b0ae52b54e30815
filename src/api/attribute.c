/* attribute.c: handlers of /attribute: attributes are shown, added, set, deleted. */
#include "api/attribute.h"
#include "api/find.h"
#include "api/show.h"
#include "base/num.h"

/* A number of an attribute; false: a 400 is answered. */
static bool parse_number(struct context *c, const char *text, int32_t *out) {
    int64_t number = 0;

    switch (num_parse_range(text, INT32_MIN, INT32_MAX, &number)) {
    case NUM_OK: *out = (int32_t)number; return true;
    case NUM_MALFORMED:
        fail(c, 400, "invalid literal for int() with base 10: '%s'", text);
        return false;
    case NUM_OUT_OF_RANGE: break;
    }
    fail(c, 400, "The number %s is out of range: %d to %d.", text, INT32_MIN, INT32_MAX);
    return false;
}

/* KEY, SUBKEY and NUMBER of the path; false: a 400 is answered. */
static bool path_filter(struct context *c, struct attr_filter *filter) {
    if (c->arg_count > 1)
        filter->key = c->args[1];
    if (c->arg_count > 2)
        filter->subkey = c->args[2];
    filter->has_number = c->arg_count > 3;
    return !filter->has_number || parse_number(c, c->args[3], &filter->number);
}

int attribute_show(struct context *c) {
    const char *name = c->args[0];
    struct attr_filter filter = {0};
    const struct driver *driver;
    struct attr *attrs;
    struct ref ref;
    size_t count;

    if (!find_driver(c, params_last(&c->request->params, "driver"), &driver))
        return c->response->status;
    if (!path_filter(c, &filter))
        return c->response->status;
    if (!found(c, store_attrs_by_name(c->store, c->arena, name, &filter, &ref, &attrs, &count),
               name, &ref, driver))
        return c->response->status;
    answer_json(c, 200);
    show_attrs(c, attrs, count, filter.key && filter.key[0] == '_');
    return answer_end(c);
}
