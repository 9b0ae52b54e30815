/* attribute_input.c: the attributes of a request, from parameters or a JSON body, checked and cast.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/attribute_input.h"
#include "api/attribute_value.h"
#include "base/num.h"
#include "model/driver.h"
#include "model/names.h"
#include "store/write.h"
#include "json/reader.h"

static const char *const known[] = {"key",      "value", "subkey", "number",
                                    "datatype", "mask",  "driver", NULL};

/* One attribute as it was sent. Texts are NULL where nothing was given. */
struct raw {
    const char *key;
    const char *subkey;
    const char *number;
    const char *datatype;
    const char *mask;
    const char *driver;
    const char *text;             /* the value as a parameter */
    const struct json_node *node; /* the value as JSON */
    const char *unknown;          /* a member or parameter that does not belong here */
    const char *wrong_type;       /* a member that is no string where it has to be one */
};

/* The index goes in front where there are several. */
static bool refuse(struct context *c, const struct attribute_input *input, size_t i, int status,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

static bool refuse(struct context *c, const struct attribute_input *input, size_t i, int status,
                   const char *format, ...) {
    char message[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (input->is_bulk)
        fail(c, status, "Attribute %zu: %s", i, message);
    else
        fail(c, status, "%s", message);
    return false;
}

/* --- from the path --- */

static const char *from_path(const struct context *c, size_t i) {
    return c->arg_count > i ? c->args[i] : NULL;
}

/* What the path says and what a parameter says must not differ. */
static bool merge_path(struct context *c, const char *name, const char *path, const char **value) {
    if (!path)
        return true;
    if (*value && strcmp(*value, path) != 0) {
        fail(c, 400, "Two different values were submitted for \"%s\": ['%s', '%s']", name, path,
             *value);
        return false;
    }
    *value = path;
    return true;
}

/* --- from parameters --- */

static bool read_params(struct context *c, struct raw *raw) {
    const struct params *params = &c->request->params;
    const struct param *unknown = params_unknown(params, known);

    raw->key = params_last(params, "key");
    raw->subkey = params_last(params, "subkey");
    raw->number = params_last(params, "number");
    raw->datatype = params_last(params, "datatype");
    raw->mask = params_last(params, "mask");
    raw->driver = params_last(params, "driver");
    raw->text = params_last(params, "value");
    raw->unknown = unknown ? unknown->name : NULL;
    return merge_path(c, "key", from_path(c, 1), &raw->key) &&
           merge_path(c, "subkey", from_path(c, 2), &raw->subkey) &&
           merge_path(c, "number", from_path(c, 3), &raw->number);
}

/* --- from JSON --- */

/* A member that is a string; null is as good as none. */
static const char *member_text(struct raw *raw, const struct json_node *object, const char *name) {
    const struct json_node *node = json_member(object, name);

    if (!node || node->type == JSON_NULL)
        return NULL;
    if (node->type == JSON_STRING)
        return node->text;
    raw->wrong_type = name;
    return NULL;
}

/* number may be a JSON number or a string of one. */
static const char *member_number(const struct json_node *object, const char *otherwise) {
    const struct json_node *node = json_member(object, "number");

    if (!node)
        return otherwise;
    if (node->type == JSON_NULL)
        return NULL;
    return node->type == JSON_NUMBER || node->type == JSON_STRING ? node->text : "";
}

static const char *unknown_member(const struct json_node *object) {
    for (const struct json_node *node = object->children; node; node = node->next) {
        size_t i = 0;

        while (known[i] && strcmp(known[i], node->key) != 0)
            i++;
        if (!known[i])
            return node->key;
    }
    return NULL;
}

static struct raw read_member(const struct context *c, const struct json_node *object) {
    struct raw raw = {.unknown = unknown_member(object)};

    raw.key = member_text(&raw, object, "key");
    if (!raw.key)
        raw.key = from_path(c, 1);
    raw.subkey =
        json_member(object, "subkey") ? member_text(&raw, object, "subkey") : from_path(c, 2);
    raw.number = member_number(object, from_path(c, 3));
    raw.datatype = member_text(&raw, object, "datatype");
    raw.mask = member_text(&raw, object, "mask");
    raw.driver = member_text(&raw, object, "driver");
    raw.node = json_member(object, "value");
    return raw;
}

static bool is_container(const struct json_node *node) {
    return node->type == JSON_OBJECT || node->type == JSON_ARRAY;
}

/* The request's JSON; {}, [], null and an empty body are none: *out is NULL then. False: answered.
 */
static bool read_body(struct context *c, struct json_node **out) {
    const struct json_limits limits = {.depth = (size_t)c->settings->json_depth};
    const struct request *r = c->request;
    struct json_error error;
    struct json_node *node;

    *out = NULL;
    if (!request_has_type(r, "application/json") || r->body_length == 0)
        return true;
    node = json_read(c->arena, r->body, r->body_length, &limits, &error);
    if (!node) {
        fail(c, 400, "%s: line %zu column %zu", error.message, error.line, error.column);
        return false;
    }
    if (node->type == JSON_NULL || (is_container(node) && node->count == 0))
        return true;
    if (*r->query) {
        fail(c, 400, "Error: json and query params may not be passed in the same request.");
        return false;
    }
    if (!is_container(node)) {
        fail(c, 412, "Provide at least \"key\" and \"value\"");
        return false;
    }
    *out = node;
    return true;
}

/* --- checking --- */

static bool check_number(struct context *c, const struct attribute_input *input, size_t i,
                         const char *text, struct attr *out) {
    int64_t number = 0;

    out->has_number = text != NULL;
    if (!text)
        return true;
    switch (num_parse_range(text, INT32_MIN, INT32_MAX, &number)) {
    case NUM_OK: out->number = (int32_t)number; return true;
    case NUM_MALFORMED:
        return refuse(c, input, i, 400, "invalid literal for int() with base 10: '%s'", text);
    case NUM_OUT_OF_RANGE: break;
    }
    return refuse(c, input, i, 400, "The number %s is out of range: %" PRId32 " to %" PRId32, text,
                  INT32_MIN, INT32_MAX);
}

static bool check_value(struct context *c, const struct attribute_input *input, size_t i,
                        const struct raw *raw, struct attr *out) {
    enum datatype datatype = DATATYPE_STRING;
    const char *problem;

    if (raw->datatype && !datatype_parse(raw->datatype, &datatype))
        return refuse(
            c, input, i, 400,
            "%s is not a valid datatype. datatypes include: ('int', 'string', 'datetime', "
            "'relation', 'json')",
            raw->datatype);
    if (raw->node)
        problem = cast_node(c, raw->node, raw->datatype ? &datatype : NULL, raw->mask, &out->value);
    else
        problem = cast_text(c, raw->text, datatype, raw->mask, &out->value);
    return !problem || refuse(c, input, i, 400, "%s", problem);
}

/* Memberships have rules that only insert and remove keep. */
static const char *reserved_key(struct arena *arena, const char *key) {
    if (strcmp(key, "_contains") != 0)
        return NULL;
    return arena_strdup(arena, "\"_contains\" cannot be set: insert the object into its container");
}

static bool check_names(struct context *c, const struct attribute_input *input, size_t i,
                        const struct raw *raw) {
    const char *problem = key_check(c->arena, raw->key);

    if (raw->wrong_type)
        return refuse(c, input, i, 400, "\"%s\" must be a string", raw->wrong_type);
    if (raw->unknown)
        return refuse(
            c, input, i, 400,
            "Unknown parameter \"%s\". Please choose from: key, value, subkey, number, datatype, "
            "mask, driver.",
            raw->unknown);
    if (!problem && raw->subkey)
        problem = subkey_check(c->arena, raw->subkey);
    if (problem)
        return refuse(c, input, i, 400, "%s", problem);
    problem = reserved_key(c->arena, raw->key);
    return !problem || refuse(c, input, i, 409, "%s", problem);
}

static bool check_range(struct context *c, const struct attribute_input *input, size_t i,
                        const struct value *value, int64_t minimum, int64_t maximum) {
    if (value->datatype != DATATYPE_INT || (value->number >= minimum && value->number <= maximum))
        return true;
    return refuse(c, input, i, 400,
                  "Error casting %" PRId64 " into a(n) int: this database takes %" PRId64
                  " to %" PRId64,
                  value->number, minimum, maximum);
}

/* An old installation's column may hold 32 bits only. */
static bool check_ranges(struct context *c, const struct attribute_input *input) {
    int64_t minimum, maximum;
    bool any = false;
    enum rc rc;

    for (size_t i = 0; i < input->count; i++)
        any = any || (input->attrs[i].value.datatype == DATATYPE_INT &&
                      (input->attrs[i].value.number < INT32_MIN ||
                       input->attrs[i].value.number > INT32_MAX));
    if (!any)
        return true;
    rc = store_int_range(c->store, &minimum, &maximum);
    if (rc != RC_OK) {
        fail_rc(c, rc);
        return false;
    }
    for (size_t i = 0; i < input->count; i++)
        if (!check_range(c, input, i, &input->attrs[i].value, minimum, maximum))
            return false;
    return true;
}

static bool check(struct context *c, struct attribute_input *input, size_t i,
                  const struct raw *raw) {
    struct attr *out = &input->attrs[i];

    if (!raw->key || !*raw->key || (!raw->text && !raw->node))
        return refuse(c, input, i, 412, "Provide at least \"key\" and \"value\"");
    out->key = raw->key;
    out->subkey = raw->subkey;
    if (raw->driver)
        input->driver = raw->driver;
    return check_number(c, input, i, raw->number, out) && check_value(c, input, i, raw, out) &&
           check_names(c, input, i, raw);
}

static bool read_json(struct context *c, const struct json_node *body,
                      struct attribute_input *out) {
    const struct json_node *node;
    size_t i = 0;

    out->is_bulk = body->type == JSON_ARRAY;
    out->count = out->is_bulk ? body->count : 1;
    out->attrs = arena_array(c->arena, out->count, sizeof *out->attrs);
    for (node = out->is_bulk ? body->children : body; node;
         node = out->is_bulk ? node->next : NULL, i++) {
        struct raw raw = {0};

        if (node->type == JSON_OBJECT)
            raw = read_member(c, node);
        if (!check(c, out, i, &raw))
            return false;
    }
    return true;
}

bool read_attributes(struct context *c, struct attribute_input *out) {
    struct json_node *body;
    struct raw raw = {0};

    *out = (struct attribute_input){0};
    if (!read_body(c, &body))
        return false;
    if (body)
        return read_json(c, body, out) && check_ranges(c, out);
    out->count = 1;
    out->attrs = arena_array(c->arena, 1, sizeof *out->attrs);
    return read_params(c, &raw) && check(c, out, 0, &raw) && check_ranges(c, out);
}

/* --- relations --- */

static bool resolve(struct context *c, const struct attribute_input *input, size_t i,
                    const struct ref *ref) {
    struct value *value = &input->attrs[i].value;
    const struct driver *driver = driver_find(value->related_driver);

    if (ref->id == 0)
        return refuse(c, input, i, 404, "Object \"%s\" not found (%s does not exist.)",
                      value->related_name, value->related_name);
    if (!driver ? strcmp(ref->driver, value->related_driver) != 0
                : !driver_is_a(driver_of(ref->driver, ref->type), driver))
        return refuse(c, input, i, 409, "The driver for object \"%s\" is not \"%s\"",
                      value->related_name, value->related_driver);
    value->related_id = ref->id;
    value->related_driver = ref->driver;
    return true;
}

bool resolve_relations(struct context *c, struct attribute_input *input) {
    const char **names = arena_array(c->arena, input->count, sizeof *names);
    size_t *indexes = arena_array(c->arena, input->count, sizeof *indexes);
    struct ref *refs = arena_array(c->arena, input->count, sizeof *refs);
    size_t count = 0;
    enum rc rc;

    for (size_t i = 0; i < input->count; i++)
        if (input->attrs[i].value.datatype == DATATYPE_RELATION) {
            names[count] = input->attrs[i].value.related_name;
            indexes[count++] = i;
        }
    if (count == 0)
        return true;
    rc = store_lock(c->store, c->arena, names, count, LOCK_REFER, refs);
    if (rc != RC_OK) {
        fail_rc(c, rc);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!resolve(c, input, indexes[i], &refs[i]))
            return false;
    return true;
}
