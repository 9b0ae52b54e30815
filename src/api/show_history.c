/* show_history.c: what versions changed, as JSON. */
#include "api/show.h"

#include "json/writer.h"

static const char *const kinds[] = {[HISTORY_CREATED] = "created",
                                    [HISTORY_DELETED] = "deleted",
                                    [HISTORY_RENAMED] = "renamed",
                                    [HISTORY_CHANGED] = "changed",
                                    [HISTORY_REFERENCED] = "referenced"};

static void show_side(struct context *c, const char *name, bool there, const struct value *value) {
    struct json_writer *w = c->json;

    json_key(w, name);
    if (!there) {
        json_null(w);
        return;
    }
    json_object_open(w);
    json_key_string(w, "datatype", value_datatype_name(value->datatype));
    json_key(w, "value");
    show_value(c, value);
    json_object_close(w);
}

static void show_changed_attr(struct context *c, const struct history_attr *attr) {
    struct json_writer *w = c->json;

    json_object_open(w);
    show_side(c, "after", attr->is, &attr->after);
    show_side(c, "before", attr->was, &attr->before);
    json_key_string(w, "key", attr->key);
    json_key(w, "number");
    json_int_or_null(w, attr->has_number, attr->number);
    json_key_string(w, "subkey", attr->subkey);
    json_object_close(w);
}

void show_change(struct context *c, const struct history_object *object) {
    struct json_writer *w = c->json;

    json_object_open(w);
    json_key(w, "attrs");
    json_array_open(w);
    for (size_t i = 0; i < object->attr_count; i++)
        show_changed_attr(c, &object->attrs[i]);
    json_array_close(w);
    json_key_string(w, "change", kinds[object->kind]);
    json_key(w, "id");
    json_int(w, object->ref.id);
    if (object->cut) {
        json_key(w, "more_attrs");
        json_bool(w, true);
    }
    json_key(w, "object");
    show_ref(c, &object->ref);
    if (object->kind == HISTORY_RENAMED) {
        json_key(w, "was");
        show_ref(c, &object->was);
    }
    json_object_close(w);
}

void show_changes(struct context *c, const struct history_object *objects, size_t count) {
    json_array_open(c->json);
    for (size_t i = 0; i < count; i++)
        show_change(c, &objects[i]);
    json_array_close(c->json);
}
