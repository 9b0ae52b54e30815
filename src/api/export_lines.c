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
static void write_path(struct json_writer *w, const char *driver, const char *name) {
    size_t driver_length = strlen(driver), name_length = strlen(name);
    char path[700];
    struct arena *arena;

    if (driver_length + name_length + 2 <= sizeof path) {
        path[0] = path[driver_length + 1] = '/';
        memcpy(path + 1, driver, driver_length);
        memcpy(path + driver_length + 2, name, name_length);
        json_string_n(w, path, driver_length + name_length + 2);
        return;
    }
    arena = arena_new();
    json_string(w, value_path(arena, driver, name));
    arena_free(&arena);
}

static void write_relation(struct json_writer *w, const struct value *value) {
    if (value->related_name)
        write_path(w, value->related_driver, value->related_name);
    else
        json_null(w);
}

/* JSON as the text that is stored: parsed and written again it might be another. */
static void write_value(struct json_writer *w, const struct value *value) {
    if (value->datatype == DATATYPE_INT)
        json_int(w, value->number);
    else if (value->datatype == DATATYPE_RELATION)
        write_relation(w, value);
    else
        json_string(w, value->text);
}

static void write_subkey_and_number(struct json_writer *w, const char *subkey, bool has_number,
                                    int32_t number) {
    json_key_string(w, "subkey", subkey);
    json_key(w, "number");
    json_int_or_null(w, has_number, number);
}

static void write_attr(struct json_writer *w, const struct attr *attr) {
    json_object_open(w);
    json_key_string(w, "key", attr->key);
    write_subkey_and_number(w, attr->subkey, attr->has_number, attr->number);
    json_key_string(w, "datatype", value_datatype_name(attr->value.datatype));
    json_key(w, "value");
    write_value(w, &attr->value);
    json_object_close(w);
}

static void write_place(struct json_writer *w, const struct export_place *place) {
    json_object_open(w);
    json_key_string(w, "name", place->container);
    write_subkey_and_number(w, place->subkey, place->has_number, place->number);
    json_object_close(w);
}

void export_lines_object(struct json_writer *w, const struct export_object *object) {
    json_object_open(w);
    json_key_string(w, "driver", object->ref.driver);
    json_key_string(w, "name", object->ref.name);
    json_key(w, "attrs");
    json_array_open(w);
    for (size_t i = 0; i < object->attr_count; i++)
        write_attr(w, &object->attrs[i]);
    json_array_close(w);
    json_key(w, "in");
    json_array_open(w);
    for (size_t i = 0; i < object->place_count; i++)
        write_place(w, &object->places[i]);
    json_array_close(w);
    json_object_close(w);
}

void export_lines_end(struct json_writer *w, int64_t objects) {
    json_object_open(w);
    json_key(w, "complete");
    json_bool(w, true);
    json_key(w, "objects");
    json_int(w, objects);
    json_object_close(w);
}
