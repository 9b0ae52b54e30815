/* show_units.c: the member "units" of an expanded object. */
#include "api/show_units.h"

#include <stdlib.h>
#include <string.h>

/* A unit, and the path of what is at its other side. */
struct unit {
    const char *path;
    int32_t number;
};

static int by_path(const void *a, const void *b) {
    const struct unit *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

/* Sorts them, and writes each path once. */
static void write_units(struct context *c, struct unit *units, size_t count) {
    struct json_writer *w = c->json;

    if (count > 1)
        qsort(units, count, sizeof *units, by_path);
    json_key(w, "units");
    json_object_open(w);
    for (size_t i = 0; i < count;) {
        const char *path = units[i].path;

        json_key(w, path);
        json_array_open(w);
        for (; i < count && strcmp(units[i].path, path) == 0; i++)
            json_int(w, units[i].number);
        json_array_close(w);
    }
    json_object_close(w);
}

void show_units(struct context *c, const struct show_units *units) {
    struct unit *all = arena_array(c->arena, units->count, sizeof *all);
    const char *path = value_path(c->arena, units->device->driver, units->device->name);

    for (size_t i = 0; i < units->count; i++)
        all[i] = (struct unit){path, units->units[i]};
    write_units(c, all, units->count);
}

bool show_units_is_taken(const struct attr *attr) {
    return attr->has_number && attr->key && attr->subkey && attr->value.related_name &&
           strcmp(attr->key, "_contains") == 0 && strcmp(attr->subkey, "ru") == 0;
}

void show_units_of(struct context *c, const struct object *object) {
    struct unit *all = arena_array(c->arena, object->unit_count + object->attr_count, sizeof *all);
    size_t count = 0;

    for (size_t i = 0; i < object->unit_count; i++) {
        const struct rack_unit *u = &object->units[i];

        all[count++] = (struct unit){value_path(c->arena, u->rack.driver, u->rack.name), u->unit};
    }
    for (size_t i = 0; i < object->attr_count; i++) {
        const struct attr *attr = &object->attrs[i];
        const struct value *value = &attr->value;

        if (!show_units_is_taken(attr))
            continue;
        all[count++] = (struct unit){
            value_path(c->arena, value->related_driver, value->related_name), attr->number};
    }
    write_units(c, all, count);
}
