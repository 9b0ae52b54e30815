/* attribute_input.c: the attributes that a request is to write, checked, cast and resolved. */
#include "api/attribute_input.h"

#include <inttypes.h>
#include <string.h>

#include "api/find.h"
#include "api/input.h"
#include "api/reply.h"
#include "base/num.h"
#include "model/names.h"
#include "model/value_json.h"
#include "store/write.h"

/* In a bulk request the message names the index. */
int attribute_input_reply(struct context *c, const struct attribute_input *input, size_t i,
                          struct verdict verdict) {
    if (verdict.message && input->raws->is_list)
        verdict.message = arena_printf(c->arena, "Attribute %zu: %s", i, verdict.message);
    return reply_verdict(c, verdict);
}

/* --- checking one --- */

struct verdict attribute_input_number(struct arena *arena, const char *text, int32_t *out) {
    int64_t number = 0;

    switch (num_parse_range(text, INT32_MIN, INT32_MAX, &number)) {
    case NUM_OK: *out = (int32_t)number; return verdict_of(RC_OK);
    case NUM_MALFORMED:
        return verdict_no(arena, RC_INVALID, "invalid literal for int() with base 10: '%s'", text);
    case NUM_OUT_OF_RANGE: break;
    }
    return verdict_no(arena, RC_INVALID, "The number %s is out of range: %" PRId32 " to %" PRId32,
                      text, INT32_MIN, INT32_MAX);
}

static struct verdict check_driver(struct context *c, const struct attribute_raw *raw,
                                   const struct ref *object) {
    if (!raw->driver || !*raw->driver || find_is_a(object, raw->driver))
        return verdict_of(RC_OK);
    if (!driver_find(raw->driver))
        return verdict_no(c->arena, RC_PRECONDITION, "The driver \"%s\" is not a valid driver",
                          raw->driver);
    return verdict_no(c->arena, RC_CONFLICT, "The driver for object \"%s\" is not \"%s\"",
                      object->name, raw->driver);
}

struct verdict attribute_input_cast(struct context *c, const struct attribute_raw *raw,
                                    struct value *out) {
    const struct json_limits limits = input_json_limits(c->options, (size_t)c->options->json_depth);
    enum value_datatype datatype = DATATYPE_STRING;

    if (raw->datatype && !value_datatype_parse(raw->datatype, &datatype))
        return verdict_no(c->arena, RC_INVALID,
                          "%s is not a valid datatype. datatypes include: ('int', 'string', "
                          "'datetime', 'relation', 'json')",
                          raw->datatype);
    if (raw->node)
        return value_cast_node(c->arena, raw->node, raw->datatype ? &datatype : NULL, raw->mask,
                               &limits, out);
    if (datatype == DATATYPE_JSON)
        return value_cast_json(c->arena, raw->text, &limits, out);
    return value_cast(c->arena, raw->text, datatype, raw->mask, out);
}

/* All that can be said without looking at other objects. */
static struct verdict check(struct context *c, const struct attribute_raw *raw, struct attr *out) {
    if (!raw->key || !*raw->key || (!raw->text && !raw->node))
        return verdict_no(c->arena, RC_PRECONDITION, "Provide at least \"key\" and \"value\"");
    out->key = raw->key;
    out->subkey = raw->subkey;
    out->has_number = raw->number != NULL;
    if (raw->number && !attribute_raw_is_next(c, raw))
        VERDICT_TRY(attribute_input_number(c->arena, raw->number, &out->number));
    VERDICT_TRY(attribute_raw_check_resource(c, raw));
    return attribute_input_cast(c, raw, &out->value);
}

static struct verdict check_members(struct context *c, const struct attribute_raw *raw) {
    if (raw->wrong_type)
        return verdict_no(c->arena, RC_INVALID, "\"%s\" must be a string", raw->wrong_type);
    if (raw->unknown)
        return verdict_no(c->arena, RC_INVALID,
                          "Unknown parameter \"%s\". Please choose from: key, value, subkey, "
                          "number, resource, datatype, mask, driver.",
                          raw->unknown);
    return verdict_of(RC_OK);
}

static struct verdict check_names(struct context *c, const struct attribute_raw *raw) {
    size_t max = (size_t)c->options->max_key_characters;

    VERDICT_TRY(check_members(c, raw));
    VERDICT_TRY(names_check_key(c->arena, raw->key, max));
    if (raw->subkey)
        VERDICT_TRY(names_check_subkey(c->arena, raw->subkey, max));
    if (strcmp(raw->key, "_contains") == 0) /* only insert and remove keep the rules */
        return verdict_no(c->arena, RC_CONFLICT,
                          "\"_contains\" cannot be set: insert the object into its container");
    return verdict_of(RC_OK);
}

/* --- ranges --- */

static bool is_outside(const struct value *value, int64_t minimum, int64_t maximum) {
    return value->datatype == DATATYPE_INT && (value->number < minimum || value->number > maximum);
}

/* An old installation's column may hold 32 bits only. */
static int check_ranges(struct context *c, const struct attribute_input *input) {
    int64_t minimum, maximum;
    bool any = false;

    for (size_t i = 0; i < input->count; i++)
        any = any || is_outside(&input->attrs[i].value, INT32_MIN, INT32_MAX);
    if (!any)
        return 0;
    if (reply_rc(c, store_int_range(c->store, &minimum, &maximum)))
        return c->response->status;
    for (size_t i = 0; i < input->count; i++)
        if (is_outside(&input->attrs[i].value, minimum, maximum))
            return attribute_input_reply(
                c, input, i,
                verdict_no(c->arena, RC_INVALID,
                           "Error casting %" PRId64 " into a(n) int: this database takes %" PRId64
                           " to %" PRId64,
                           input->attrs[i].value.number, minimum, maximum));
    return 0;
}

/* --- relations --- */

static struct verdict resolve(struct context *c, struct value *value, const struct ref *ref) {
    if (ref->id == 0)
        return verdict_no(c->arena, RC_NOTFOUND, "Object \"%s\" not found (%s does not exist.)",
                          value->related_name, value->related_name);
    if (!find_is_a(ref, value->related_driver))
        return verdict_no(c->arena, RC_CONFLICT, "The driver for object \"%s\" is not \"%s\"",
                          value->related_name, value->related_driver);
    value->related_id = ref->id;
    value->related_driver = ref->driver;
    return verdict_of(RC_OK);
}

/* Locks what the relations name and fills in the ids. */
static int resolve_relations(struct context *c, struct attribute_input *input, bool must_exist) {
    const char **names = arena_array(c->arena, input->count, sizeof *names);
    size_t *indexes = arena_array(c->arena, input->count, sizeof *indexes);
    struct ref *refs = arena_array(c->arena, input->count, sizeof *refs);
    size_t count = 0;
    int status = 0;

    for (size_t i = 0; i < input->count; i++) {
        if (input->attrs[i].value.datatype == DATATYPE_RELATION) {
            names[count] = input->attrs[i].value.related_name;
            indexes[count++] = i;
        }
    }
    if (count > 0)
        status = reply_rc(c, store_lock(c->store, c->arena, names, count, LOCK_REFER, refs));
    for (size_t i = 0; status == 0 && i < count; i++) {
        struct verdict verdict = resolve(c, &input->attrs[indexes[i]].value, &refs[i]);

        if (must_exist)
            status = attribute_input_reply(c, input, indexes[i], verdict);
    }
    return status;
}

/* --- all of it --- */

static int read_all(struct context *c, const struct ref *object, const struct attribute_raws *raws,
                    struct attribute_input *out) {
    int status = 0;

    *out = (struct attribute_input){raws, arena_array(c->arena, raws->count, sizeof *out->attrs),
                                    raws->count};
    for (size_t i = 0; status == 0 && i < out->count; i++)
        status = attribute_input_reply(c, out, i, check_driver(c, &raws->items[i], object));
    for (size_t i = 0; status == 0 && i < out->count; i++)
        status = attribute_input_reply(c, out, i, check(c, &raws->items[i], &out->attrs[i]));
    return status;
}

int attribute_input_read(struct context *c, const struct ref *object,
                         const struct attribute_raws *raws, struct attribute_input *out) {
    if (read_all(c, object, raws, out) || resolve_relations(c, out, true))
        return c->response->status;
    for (size_t i = 0; i < out->count; i++)
        if (attribute_input_reply(c, out, i, check_names(c, &raws->items[i])))
            return c->response->status;
    return check_ranges(c, out);
}

int attribute_input_existing(struct context *c, const struct ref *object,
                             const struct attribute_raws *raws, struct attribute_input *out) {
    if (read_all(c, object, raws, out))
        return c->response->status;
    for (size_t i = 0; i < out->count; i++)
        if (attribute_input_reply(c, out, i, attribute_raw_check_path(c, &raws->items[i])) ||
            attribute_input_reply(c, out, i, check_members(c, &raws->items[i])))
            return c->response->status;
    return resolve_relations(c, out, false);
}
