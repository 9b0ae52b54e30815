/* show.c: structs to JSON: compact paths, expanded objects, attributes, lists. */
#include "api/show.h"

#include <string.h>

#include "api/condition.h"
#include "api/input.h"
#include "api/reply.h"
#include "api/show_units.h"
#include "model/driver.h"
#include "json/reader.h"
#include "json/writer.h"

static void show_path(struct context *c, const char *driver, const char *name) {
    size_t driver_length = strlen(driver), name_length = strlen(name);
    char small[256], *text = small;

    if (driver_length + name_length + 3 > sizeof small)
        text = arena_alloc(c->arena, driver_length + name_length + 3);
    text[0] = '/';
    memcpy(text + 1, driver, driver_length);
    text[driver_length + 1] = '/';
    memcpy(text + driver_length + 2, name, name_length);
    json_string_n(c->json, text, driver_length + name_length + 2);
}

void show_ref(struct context *c, const struct ref *ref) {
    if (ref->id == 0)
        json_null(c->json);
    else
        show_path(c, ref->driver, ref->name);
}

/* Deep inside, a value of two bytes has a line with hundreds of blanks. */
static bool is_mostly_blanks(const struct json_node *node, size_t length) {
    enum { FEW = 65536, TIMES = 16 };
    size_t indented = json_indentation(node, 0);

    return indented > FEW && indented / TIMES > length;
}

void show_tree(struct context *c, const struct json_node *node, size_t length) {
    if (is_mostly_blanks(node, length))
        json_tree_flat(c->json, node);
    else
        json_tree(c->json, node);
}

/* What was stored as JSON text. A text that is none (written by hand) is shown as it is. The tree
 * lives in an arena of its own, so that a long list stays flat. */
static void show_json_value(struct context *c, const char *text) {
    const struct json_limits limits = {.depth = 100};
    struct arena *arena = arena_new();
    struct json_error error;
    const struct json_node *node = json_read(arena, text, strlen(text), &limits, &error);

    if (!node)
        json_string(c->json, text);
    else
        show_tree(c, node, strlen(text));
    arena_free(&arena);
}

static void show_relation(struct context *c, const struct value *value) {
    if (value->related_name)
        show_path(c, value->related_driver, value->related_name);
    else
        json_null(c->json);
}

void show_value(struct context *c, const struct value *value) {
    switch (value->datatype) {
    case DATATYPE_INT: json_int(c->json, value->number); break;
    case DATATYPE_RELATION: show_relation(c, value); break;
    case DATATYPE_JSON:
        if (value->text)
            show_json_value(c, value->text);
        else
            json_null(c->json);
        break;
    case DATATYPE_STRING:
    case DATATYPE_DATETIME:
    case DATATYPE_COUNT: json_string(c->json, value->text); break;
    }
}

void show_attr_from(struct context *c, const struct attr *attr, const struct ref *from) {
    struct json_writer *w = c->json;

    json_object_open(w);
    json_key_string(w, "datatype", value_datatype_name(attr->value.datatype));
    if (from) {
        json_key(w, "from");
        show_ref(c, from);
    }
    json_key_string(w, "key", attr->key);
    json_key(w, "number");
    json_int_or_null(w, attr->has_number, attr->number);
    json_key_string(w, "subkey", attr->subkey);
    json_key(w, "value");
    show_value(c, &attr->value);
    json_object_close(w);
}

void show_attr(struct context *c, const struct attr *attr) {
    show_attr_from(c, attr, NULL);
}

void show_attrs(struct context *c, const struct attr *attrs, size_t count, bool hidden) {
    json_array_open(c->json);
    for (size_t i = 0; i < count; i++)
        if (hidden || !attrs[i].key || attrs[i].key[0] != '_')
            show_attr(c, &attrs[i]);
    json_array_close(c->json);
}

static void show_refs(struct context *c, const char *key, const struct ref *refs, size_t count) {
    json_key(c->json, key);
    json_array_open(c->json);
    for (size_t i = 0; i < count; i++)
        show_ref(c, &refs[i]);
    json_array_close(c->json);
}

bool show_is_ip(const struct attr *attr) {
    return attr->key && attr->subkey && strcmp(attr->key, "ip") == 0 &&
           strcmp(attr->subkey, "ipstring") == 0;
}

static void show_ips(struct context *c, const struct object *object) {
    json_key(c->json, "ips");
    json_array_open(c->json);
    for (size_t i = 0; i < object->attr_count; i++)
        if (show_is_ip(&object->attrs[i]))
            show_value(c, &object->attrs[i].value);
    json_array_close(c->json);
}

void show_racked(struct context *c, const struct object *object, const struct show_units *units) {
    const struct driver *driver = driver_of(object->ref.driver, object->ref.type);
    struct json_writer *w = c->json;

    json_object_open(w);
    json_key(w, "attrs");
    show_attrs(c, object->attrs, object->attr_count, false);
    if (!object->no_contents)
        show_refs(c, "contents", object->contents, object->content_count);
    if (driver->allocator != ALLOCATOR_NONE) {
        json_key(w, "count");
        json_int(w, object->allocated);
    }
    json_key_string(w, "driver", object->ref.driver);
    if (driver->has_ips)
        show_ips(c, object);
    json_key_string(w, "name", object->ref.name);
    show_refs(c, "parents", object->parents, object->parent_count);
    if (c->options->expanded_type)
        json_key_string(w, "type", object->ref.type);
    if (units)
        show_units(c, units);
    else if (input_units(c))
        show_units_of(c, object);
    json_object_close(w);
}

void show_object(struct context *c, const struct object *object) {
    show_racked(c, object, NULL);
}

int show_one(struct context *c, int status, enum context_mode mode, const struct object *object) {
    reply_json(c, status);
    if (mode == MODE_COMPACT)
        show_ref(c, &object->ref);
    else
        show_object(c, object);
    return reply_end(c);
}

static bool list_ref(void *context, const struct ref *ref) {
    struct reply_list *list = context;

    reply_list_begin(list);
    show_ref(list->context, ref);
    return reply_list_is_wanted(list->context);
}

static bool list_object(void *context, const struct object *object) {
    struct reply_list *list = context;

    reply_list_begin(list);
    show_object(list->context, object);
    return reply_list_is_wanted(list->context);
}

int show_list(struct context *c, struct listing *listing, enum context_mode mode,
              const struct page *page) {
    struct reply_list list = {.context = c, .page = page};
    enum rc rc;

    if (condition_listed(c))
        return c->response->status;
    listing->page = reply_list_page(page);
    list.found_at = listing->found_at;
    if (mode == MODE_COMPACT)
        rc = store_list_refs(c->store, c->arena, listing, &list.extent, list_ref, &list);
    else
        rc = store_list_objects(c->store, c->arena, listing, &list.extent, list_object, &list);
    return rc == RC_OK ? reply_list_end(&list) : reply_rc(c, rc);
}

int show_empty_list(struct context *c, const struct page *page) {
    struct reply_list list = {.context = c, .page = page};

    return reply_list_end(&list);
}
