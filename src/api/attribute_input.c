/* attribute_input.c: the attributes that a request is to write, checked, cast and resolved. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/attribute_input.h"
#include "api/attribute_value.h"
#include "api/find.h"
#include "api/reply.h"
#include "base/num.h"
#include "model/driver.h"
#include "model/names.h"
#include "store/write.h"

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
        reply_fail(c, status, "Attribute %zu: %s", i, message);
    else
        reply_fail(c, status, "%s", message);
    return false;
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
                        const struct attribute_raw *raw, struct attr *out) {
    enum value_datatype datatype = DATATYPE_STRING;
    const char *problem;

    if (raw->datatype && !value_datatype_parse(raw->datatype, &datatype))
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

static bool check_names(struct context *c, const struct attribute_input *input, size_t i) {
    const struct attribute_raw *raw = &input->raws[i];
    size_t longest = (size_t)c->options->max_key_characters;
    const char *problem = names_check_key(c->arena, raw->key, longest);

    if (raw->wrong_type)
        return refuse(c, input, i, 400, "\"%s\" must be a string", raw->wrong_type);
    if (raw->unknown)
        return refuse(
            c, input, i, 400,
            "Unknown parameter \"%s\". Please choose from: key, value, subkey, number, datatype, "
            "mask, driver.",
            raw->unknown);
    if (!problem && raw->subkey)
        problem = names_check_subkey(c->arena, raw->subkey, longest);
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
        reply_rc(c, rc);
        return false;
    }
    for (size_t i = 0; i < input->count; i++)
        if (!check_range(c, input, i, &input->attrs[i].value, minimum, maximum))
            return false;
    return true;
}

static bool check_driver(struct context *c, const struct attribute_input *input, size_t i,
                         const struct ref *object) {
    const char *name = input->raws[i].driver;

    if (!name || !*name || find_is_a(object, name))
        return true;
    if (!driver_find(name))
        return refuse(c, input, i, 412, "The driver \"%s\" is not a valid driver", name);
    return refuse(c, input, i, 409, "The driver for object \"%s\" is not \"%s\"", object->name,
                  name);
}

/* All that can be said without a look at other objects. */
static bool check(struct context *c, struct attribute_input *input, size_t i) {
    const struct attribute_raw *raw = &input->raws[i];
    struct attr *out = &input->attrs[i];

    if (!raw->key || !*raw->key || (!raw->text && !raw->node))
        return refuse(c, input, i, 412, "Provide at least \"key\" and \"value\"");
    out->key = raw->key;
    out->subkey = raw->subkey;
    return check_number(c, input, i, raw->number, out) && check_value(c, input, i, raw, out);
}

/* --- relations --- */

static bool resolve(struct context *c, const struct attribute_input *input, size_t i,
                    const struct ref *ref) {
    struct value *value = &input->attrs[i].value;

    if (ref->id == 0)
        return refuse(c, input, i, 404, "Object \"%s\" not found (%s does not exist.)",
                      value->related_name, value->related_name);
    if (!find_is_a(ref, value->related_driver))
        return refuse(c, input, i, 409, "The driver for object \"%s\" is not \"%s\"",
                      value->related_name, value->related_driver);
    value->related_id = ref->id;
    value->related_driver = ref->driver;
    return true;
}

/* Locks what the relations name and fills in the ids. */
static bool resolve_relations(struct context *c, struct attribute_input *input) {
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
        reply_rc(c, rc);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!resolve(c, input, indexes[i], &refs[i]))
            return false;
    return true;
}

/* --- all of it --- */

bool attribute_input_read(struct context *c, const struct ref *object,
                          struct attribute_input *out) {
    *out = (struct attribute_input){0};
    if (!attribute_raw_read(c, &out->raws, &out->count, &out->is_bulk))
        return false;
    out->attrs = arena_array(c->arena, out->count, sizeof *out->attrs);
    for (size_t i = 0; i < out->count; i++)
        if (!check_driver(c, out, i, object))
            return false;
    for (size_t i = 0; i < out->count; i++)
        if (!check(c, out, i))
            return false;
    if (!resolve_relations(c, out))
        return false;
    for (size_t i = 0; i < out->count; i++)
        if (!check_names(c, out, i))
            return false;
    return check_ranges(c, out);
}
