/* driverlist.c: handler of /driverlist. */
#include "api/driverlist.h"

#include <stdlib.h>
#include <string.h>

#include "api/input.h"
#include "api/reply.h"
#include "query/column.h"
#include "query/query.h"

struct counted {
    const struct driver *driver;
    const char *name;
    int64_t count;
};

struct drivers {
    struct arena *arena;
    struct counted *items;
    size_t count, capacity;
};

static struct counted *add(struct drivers *all, const char *name) {
    struct counted *added;

    all->items = arena_grow(all->arena, all->items, all->count, &all->capacity, sizeof *all->items);
    added = &all->items[all->count++];
    *added = (struct counted){.driver = driver_find(name), .name = name};
    return added;
}

static bool take_count(void *context, const char *value, int64_t count) {
    struct drivers *all = context;
    size_t i = 0;

    while (i < all->count && strcmp(all->items[i].name, value) != 0)
        i++;
    if (i == all->count)
        (void)add(all, arena_strdup(all->arena, value));
    all->items[i].count = count;
    return true;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct counted *)a)->name, ((const struct counted *)b)->name);
}

/* --- one driver --- */

static void show_ancestors(struct context *c, const struct driver *driver) {
    json_key(c->json, "is");
    json_array_open(c->json);
    for (size_t i = 0; i < driver_count(); i++)
        if (driver_is_a(driver, driver_at(i)))
            json_string(c->json, driver_at(i)->name);
    json_array_close(c->json);
}

static void show_properties(struct context *c, const struct driver *driver) {
    struct json_writer *w = c->json;

    json_key(w, "properties");
    json_object_open(w);
    for (size_t i = 0; i < driver->property_count; i++) {
        const struct driver_property *property = &driver->properties[i];

        json_key(w, property->name);
        if (property->default_text == NULL)
            json_null(w);
        else if (property->is_int)
            json_number(w, property->default_text);
        else
            json_string(w, property->default_text);
    }
    json_object_close(w);
}

/* What is in an object of a rule but the general one was put there to be contained. */
static bool contains(const struct driver *driver) {
    return driver->insert_rule != INSERT_ANY;
}

static void show_known(struct context *c, const struct driver *driver) {
    struct json_writer *w = c->json;

    json_key(w, "class");
    json_string(w, driver->class_path);
    json_key(w, "type");
    json_string(w, driver->type);
    json_key_string(w, "parent", driver->parent ? driver->parent->name : NULL);
    show_ancestors(c, driver);
    show_properties(c, driver);
    json_key(w, "has_ips");
    json_bool(w, driver->has_ips);
    json_key(w, "is_manager");
    json_bool(w, driver->allocator != ALLOCATOR_NONE);
    json_key(w, "contains");
    json_bool(w, contains(driver));
}

/* What there is of each in the database. */
static int count_objects(struct context *c, struct drivers *drivers) {
    static const struct query_node all = {.kind = QUERY_ALL};
    static const struct query_column column = {.kind = QUERY_COLUMN_DRIVER};
    struct list_extent extent = {0};

    return reply_rc(
        c, store_count_query(c->store, c->arena, &all, &column, &extent, take_count, drivers));
}

static void show_driver(struct context *c, const struct counted *counted) {
    json_object_open(c->json);
    if (counted->driver)
        show_known(c, counted->driver);
    json_key(c->json, "count");
    json_int(c->json, counted->count);
    json_object_close(c->json);
}

int driverlist_show(struct context *c) {
    enum context_mode mode = input_mode(c, MODE_COMPACT);
    struct drivers drivers = {.arena = c->arena};

    if (input_check_mode(c, mode))
        return c->response->status;
    for (size_t i = 0; i < driver_count(); i++)
        (void)add(&drivers, driver_at(i)->name);
    if (mode == MODE_EXPANDED && count_objects(c, &drivers))
        return c->response->status;
    qsort(drivers.items, drivers.count, sizeof *drivers.items, by_name);
    reply_json(c, 200);
    json_object_open(c->json);
    for (size_t i = 0; i < drivers.count; i++) {
        json_key(c->json, drivers.items[i].name);
        if (mode == MODE_EXPANDED)
            show_driver(c, &drivers.items[i]);
        else
            json_string(c->json, drivers.items[i].driver->class_path);
    }
    json_object_close(c->json);
    return reply_end(c);
}
