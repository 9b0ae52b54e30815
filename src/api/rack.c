/* rack.c: handler of /entity/DRIVER/NAME/units: what is in which unit of a rack, and what is free.
 */
#include "api/rack.h"

#include <stdlib.h>
#include <string.h>

#include "api/find.h"
#include "api/reply.h"
#include "api/show_units.h"
#include "rules/properties.h"

static int by_number(const void *a, const void *b) {
    const int32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The numbers of the units that are taken, sorted, some perhaps more than once. */
static int32_t *taken_units(struct arena *arena, const struct object *rack, size_t *count) {
    int32_t *units = arena_array(arena, rack->attr_count + 1, sizeof *units);

    *count = 0;
    for (size_t i = 0; i < rack->attr_count; i++)
        if (show_units_is_taken(&rack->attrs[i]))
            units[(*count)++] = rack->attrs[i].number;
    if (*count > 1)
        qsort(units, *count, sizeof *units, by_number);
    return units;
}

static void show_range(struct context *c, int64_t first, int64_t last) {
    if (first > last)
        return;
    json_array_open(c->json);
    json_int(c->json, first);
    json_int(c->json, last);
    json_array_close(c->json);
}

/* Free is what lies between those that are taken. */
static void show_free(struct context *c, const struct object *rack, int64_t first, int64_t last) {
    size_t count;
    const int32_t *units = taken_units(c->arena, rack, &count);

    json_key(c->json, "free");
    json_array_open(c->json);
    for (size_t i = 0; i < count; i++) {
        if (units[i] < first)
            continue;
        show_range(c, first, units[i] - 1 < last ? units[i] - 1 : last);
        first = (int64_t)units[i] + 1;
    }
    show_range(c, first, last);
    json_array_close(c->json);
}

int rack_units(struct context *c) {
    static const struct attr_filter members = {.members = true};
    struct object rack = {0};
    enum rc rc = store_attrs_by_name(c->store, c->arena, c->args[1], &members, &rack);
    int64_t first, last;

    if (find_check(c, rc, c->args[1], &rack.ref, c->args[0]))
        return c->response->status;
    if (driver_of(rack.ref.driver, rack.ref.type)->insert_rule != INSERT_RACK)
        return reply_fail(c, 409, "The object \"%s\" is not a rack", c->args[1]);
    if (reply_verdict(c, properties_units(c->arena, &rack, &first, &last)))
        return c->response->status;
    reply_depends_on(c, rack.ref.id);
    reply_json(c, 200);
    json_object_open(c->json);
    json_key(c->json, "first");
    json_int(c->json, first);
    json_key(c->json, "last");
    json_int(c->json, last);
    show_units_of(c, &rack);
    show_free(c, &rack, first, last);
    json_object_close(c->json);
    return reply_end(c);
}
