/* export_objects.c: ids, names and drivers side by side, and a hash table of the ids. */
#include "store/export_objects.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"

/* Drivers whose text is shared: there are not many of them. */
#define SHARED_DRIVERS 64

/* Texts are where they begin in `texts`, which moves as it grows. */
struct object {
    int32_t id;
    uint32_t name, driver;
};

struct export_objects {
    struct buf items; /* of struct object */
    struct buf texts;
    uint32_t drivers[SHARED_DRIVERS];
    size_t driver_count;
    int32_t *table; /* numbers; open addressing */
    size_t size;    /* a power of two */
};

struct export_objects *export_objects_new(void) {
    struct export_objects *o = calloc(1, sizeof *o);

    if (!o)
        log_fatal("out of memory");
    buf_init(&o->items, 0);
    buf_init(&o->texts, UINT32_MAX);
    return o;
}

void export_objects_free(struct export_objects **objects) {
    buf_release(&(*objects)->items);
    buf_release(&(*objects)->texts);
    free((*objects)->table);
    free(*objects);
    *objects = NULL;
}

static const struct object *item(const struct export_objects *o, int32_t number) {
    return (const struct object *)(const void *)o->items.data + number;
}

static void check(const struct buf *b) {
    if (b->failed)
        log_fatal("out of memory");
}

static uint32_t add_text(struct export_objects *o, const char *text) {
    size_t at = o->texts.len;

    buf_add(&o->texts, text, strlen(text) + 1);
    check(&o->texts);
    return (uint32_t)at;
}

static uint32_t add_driver(struct export_objects *o, const char *driver) {
    uint32_t at;

    for (size_t i = 0; i < o->driver_count; i++)
        if (strcmp(o->texts.data + o->drivers[i], driver) == 0)
            return o->drivers[i];
    at = add_text(o, driver);
    if (o->driver_count < SHARED_DRIVERS)
        o->drivers[o->driver_count++] = at;
    return at;
}

void export_objects_add(struct export_objects *objects, int32_t id, const char *name,
                        const char *driver) {
    struct object object = {id, add_text(objects, name), add_driver(objects, driver)};

    buf_add(&objects->items, &object, sizeof object);
    check(&objects->items);
}

int32_t export_objects_count(const struct export_objects *objects) {
    return (int32_t)(objects->items.len / sizeof(struct object));
}

/* Where its number is, or is to be. */
static int32_t *slot_of(const struct export_objects *o, int32_t id) {
    size_t at = (uint32_t)id * UINT32_C(2654435769) & (o->size - 1);

    while (o->table[at] != EXPORT_NONE && item(o, o->table[at])->id != id)
        at = (at + 1) & (o->size - 1);
    return &o->table[at];
}

void export_objects_complete(struct export_objects *objects) {
    int32_t count = export_objects_count(objects);

    for (objects->size = 2; objects->size < (size_t)count + (size_t)count / 4;)
        objects->size *= 2;
    objects->table = malloc(objects->size * sizeof *objects->table);
    if (!objects->table)
        log_fatal("out of memory");
    for (size_t at = 0; at < objects->size; at++)
        objects->table[at] = EXPORT_NONE;
    for (int32_t number = 0; number < count; number++)
        *slot_of(objects, item(objects, number)->id) = number;
}

int32_t export_objects_find(const struct export_objects *objects, int32_t id) {
    return *slot_of(objects, id);
}

int32_t export_objects_id(const struct export_objects *objects, int32_t number) {
    return item(objects, number)->id;
}

const char *export_objects_name(const struct export_objects *objects, int32_t number) {
    return objects->texts.data + item(objects, number)->name;
}

const char *export_objects_driver(const struct export_objects *objects, int32_t number) {
    return objects->texts.data + item(objects, number)->driver;
}
