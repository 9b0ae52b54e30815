/* export_lines.c: an export as JSON, an object a line. */
#include "api/export_lines.h"

#include <string.h>

void export_lines_head(struct json_writer *w, const struct export_head *head) {
    json_object_open(w);
    json_key_string(w, "muster", "export");
    json_key(w, "version");
    json_int(w, head->version);
    json_key_string(w, "taken", head->taken);
    json_object_close(w);
}

/* Names and drivers are that short in the tables of clusto; in wider ones they need not be. */
static void add_path(struct buf *b, struct json_writer *w, const char *driver, const char *name) {
    size_t driver_length = strlen(driver), name_length = strlen(name);
    char path[700];
    struct arena *arena;

    if (driver_length + name_length + 2 <= sizeof path) {
        path[0] = path[driver_length + 1] = '/';
        memcpy(path + 1, driver, driver_length);
        memcpy(path + driver_length + 2, name, name_length);
        json_flat_string_n(b, w, path, driver_length + name_length + 2);
        return;
    }
    arena = arena_new();
    json_flat_string(b, w, value_path(arena, driver, name));
    arena_free(&arena);
}

/* JSON as the text that is stored: parsed and written again it might be another. */
static void add_value(struct buf *b, struct json_writer *w, const struct value *value) {
    if (value->datatype == DATATYPE_INT)
        json_flat_int(b, value->number);
    else if (value->datatype != DATATYPE_RELATION)
        json_flat_string(b, w, value->text);
    else if (value->related_name)
        add_path(b, w, value->related_driver, value->related_name);
    else
        json_flat_literal(b, "null");
}

static void add_subkey_and_number(struct buf *b, struct json_writer *w, const char *subkey,
                                  bool has_number, int32_t number) {
    json_flat_literal(b, ", \"subkey\": ");
    json_flat_string(b, w, subkey);
    json_flat_literal(b, ", \"number\": ");
    if (has_number)
        json_flat_int(b, number);
    else
        json_flat_literal(b, "null");
}

static void add_attr(struct buf *b, struct json_writer *w, const struct attr *attr) {
    json_flat_literal(b, "{\"key\": ");
    json_flat_string(b, w, attr->key);
    add_subkey_and_number(b, w, attr->subkey, attr->has_number, attr->number);
    json_flat_literal(b, ", \"datatype\": \"");
    json_flat_literal(b, value_datatype_name(attr->value.datatype));
    json_flat_literal(b, "\", \"value\": ");
    add_value(b, w, &attr->value);
    json_flat_literal(b, "}");
}

static void add_place(struct buf *b, struct json_writer *w, const struct export_place *place) {
    json_flat_literal(b, "{\"name\": ");
    json_flat_string(b, w, place->container);
    add_subkey_and_number(b, w, place->subkey, place->has_number, place->number);
    json_flat_literal(b, "}");
}

void export_lines_object(struct buf *b, struct json_writer *w, const struct export_object *object) {
    json_flat_literal(b, "{\"driver\": ");
    json_flat_string(b, w, object->ref.driver);
    json_flat_literal(b, ", \"name\": ");
    json_flat_string(b, w, object->ref.name);
    json_flat_literal(b, ", \"attrs\": [");
    for (size_t i = 0; i < object->attr_count; i++) {
        if (i > 0)
            json_flat_literal(b, ", ");
        add_attr(b, w, &object->attrs[i]);
    }
    json_flat_literal(b, "], \"in\": [");
    for (size_t i = 0; i < object->place_count; i++) {
        if (i > 0)
            json_flat_literal(b, ", ");
        add_place(b, w, &object->places[i]);
    }
    json_flat_literal(b, "]}\n");
}

void export_lines_end(struct json_writer *w, int64_t objects) {
    json_object_open(w);
    json_key(w, "complete");
    json_bool(w, true);
    json_key(w, "objects");
    json_int(w, objects);
    json_object_close(w);
}
