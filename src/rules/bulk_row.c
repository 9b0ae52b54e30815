/* bulk_row.c: an object of an import: what can be said of it without looking at others. */
#include "rules/bulk_row.h"

#include <string.h>

#include "base/quote.h"
#include "model/driver.h"
#include "model/names.h"
#include "rules/properties.h"

struct import_attr *bulk_row_attr(struct bulk *b, struct bulk_row *row) {
    struct import_attr *a;

    row->attrs =
        arena_grow(b->arena, row->attrs, row->attr_count, &row->attr_capacity, sizeof *row->attrs);
    a = &row->attrs[row->attr_count];
    *a = (struct import_attr){.line = b->line, .ord = (int32_t)row->attr_count++};
    return a;
}

struct import_membership *bulk_row_membership(struct bulk *b, struct bulk_row *row) {
    struct import_membership *m;

    row->in = arena_grow(b->arena, row->in, row->in_count, &row->in_capacity, sizeof *row->in);
    m = &row->in[row->in_count];
    *m = (struct import_membership){.line = b->line, .ord = (int32_t)row->in_count++};
    return m;
}

static struct verdict check_driver(struct bulk *b, const struct bulk_row *row,
                                   const struct driver **driver) {
    *driver = row->driver ? driver_find(row->driver) : NULL;
    if (row->driver && !*driver)
        return verdict_no(b->arena, RC_INVALID, "Requested driver %s does not exist",
                          quote(b->arena, row->driver));
    if (*driver && (*driver)->allocator != ALLOCATOR_NONE && !b->options.may_manage)
        return verdict_no(b->arena, RC_INVALID,
                          "To import a resource manager, the role \"write\" on \"resourcemanager\" "
                          "is required, too.");
    return verdict_of(RC_OK);
}

static struct verdict check_attr(struct bulk *b, const struct attr *attr) {
    VERDICT_TRY(names_check_key(b->arena, attr->key, b->options.max_key));
    if (attr->subkey)
        VERDICT_TRY(names_check_subkey(b->arena, attr->subkey, b->options.max_key));
    if (strcmp(attr->key, "_contains") == 0)
        return verdict_no(b->arena, RC_INVALID,
                          "\"_contains\" cannot be set: name the container in \"in\"");
    return verdict_of(RC_OK);
}

static bool has_property(const struct bulk_row *row, const char *name) {
    for (size_t i = 0; i < row->attr_count; i++) {
        const struct attr *attr = row->attrs[i].attr;

        if (attr->subkey && strcmp(attr->subkey, "property") == 0 && strcmp(attr->key, name) == 0)
            return true;
    }
    return false;
}

/* What a new object gets, as if it were created alone. */
static void add_defaults(struct bulk *b, const struct driver *driver, struct bulk_row *row) {
    const struct attrs defaults = properties_default(b->arena, driver);

    for (size_t i = 0; i < defaults.count; i++) {
        struct import_attr *a;

        if (has_property(row, defaults.items[i].key))
            continue;
        a = bulk_row_attr(b, row);
        a->attr = &defaults.items[i];
        a->only_new = true;
    }
}

static void hand_on(struct bulk *b, const struct driver *driver, const struct bulk_row *row) {
    const struct import_object object = {.line = b->line,
                                         .name = row->name,
                                         .driver = row->driver,
                                         .type = driver ? driver->type : NULL,
                                         .all_attrs = row->all_attrs,
                                         .all_in = row->all_in};

    store_import_add_object(b->to, &object);
    for (size_t i = 0; i < row->attr_count; i++)
        store_import_add_attr(b->to, &row->attrs[i]);
    for (size_t i = 0; i < row->in_count; i++)
        store_import_add_membership(b->to, &row->in[i]);
}

struct verdict bulk_row_add(struct bulk *b, struct bulk_row *row) {
    const struct driver *driver;

    VERDICT_TRY(names_check(b->arena, row->name, b->options.max_name));
    VERDICT_TRY(check_driver(b, row, &driver));
    for (size_t i = 0; i < row->attr_count; i++)
        VERDICT_TRY(check_attr(b, row->attrs[i].attr));
    for (size_t i = 0; i < row->in_count; i++)
        if (row->in[i].subkey)
            VERDICT_TRY(names_check_subkey(b->arena, row->in[i].subkey, b->options.max_key));
    if (driver && !b->exact && b->options.mode != BULK_REPLACE)
        add_defaults(b, driver, row);
    b->objects++;
    if (b->to && b->error_count == 0) /* else nothing is applied */
        hand_on(b, driver, row);
    return verdict_of(RC_OK);
}
