/* attribute_delete.c: the handler of DELETE /attribute. */
#include "api/attribute.h"

#include <string.h>

#include "api/attribute_input.h"
#include "api/attribute_numbers.h"
#include "api/attribute_rows.h"
#include "api/condition.h"
#include "api/find.h"
#include "api/reply.h"
#include "model/value_json.h"
#include "store/write.h"

/* --- those that match --- */

/* JSON as we would write it, whoever stored it. */
static void normalise_json(struct context *c, struct object *object) {
    const struct json_limits limits = {.depth = 100};

    for (size_t i = 0; i < object->attr_count; i++) {
        struct value *value = &object->attrs[i].value, again;

        if (value->datatype == DATATYPE_JSON &&
            value_cast_json(c->arena, value->text, &limits, &again).rc == RC_OK)
            *value = again;
    }
}

/* A value to be deleted: of a datatype, or any whose text it is. */
struct wanted {
    const char *text;
    bool is_typed;
    struct value typed;   /* the value; */
    const char *datetime; /* or what the text is as a date, NULL: none */
    struct value json;    /* and as JSON, without text: none */
};

static struct verdict read_wanted(struct context *c, const struct attribute_raw *raw,
                                  struct wanted *out) {
    const struct json_limits limits = {.depth = 100};

    *out = (struct wanted){.text = raw->text, .is_typed = raw->datatype != NULL};
    if (raw->datatype && !raw->text)
        return verdict_no(c->arena, RC_INVALID, "\"datatype\" is the value's: send it, too");
    if (!raw->text || out->is_typed)
        return raw->text ? attribute_input_cast(c, raw, &out->typed) : verdict_of(RC_OK);
    if (datetime_parse(c->arena, raw->text, raw->mask, &out->datetime) != NULL)
        out->datetime = NULL;
    if (value_cast_json(c->arena, raw->text, &limits, &out->json).rc != RC_OK)
        out->json.text = NULL;
    return verdict_of(RC_OK);
}

static bool same_text(const char *a, const char *b) {
    return a && b && strcmp(a, b) == 0;
}

/* A relation is compared as it is shown. */
static bool is_wanted(struct context *c, const struct value *value, const struct wanted *wanted) {
    if (wanted->is_typed && wanted->typed.datatype != value->datatype)
        return false;
    if (wanted->is_typed && value->datatype != DATATYPE_RELATION)
        return value_equal(value, &wanted->typed);
    switch (value->datatype) {
    case DATATYPE_DATETIME: return same_text(value->text, wanted->datetime);
    case DATATYPE_JSON:
        return wanted->json.datatype == DATATYPE_JSON && same_text(value->text, wanted->json.text);
    case DATATYPE_STRING: return same_text(value->text, wanted->text);
    case DATATYPE_INT:
    case DATATYPE_RELATION:
    case DATATYPE_COUNT: break;
    }
    return strcmp(value_text(c->arena, value), wanted->text) == 0;
}

static int delete_matching(struct context *c, struct object *object, const struct wanted *wanted) {
    int32_t *ids = arena_array(c->arena, object->attr_count, sizeof *ids);
    size_t count = 0;

    if (wanted->text)
        normalise_json(c, object);
    for (size_t i = 0; i < object->attr_count; i++)
        if (!wanted->text || is_wanted(c, &object->attrs[i].value, wanted))
            ids[count++] = object->attrs[i].id;
    store_delete_attrs(c->store, ids, count);
    return attribute_rows_answer(c, 200);
}

/* What of the parameters is to be looked for, under the lock. */
static struct verdict read_parameters(struct context *c, const struct attribute_raw *raw,
                                      struct attr_filter *filter, struct wanted *wanted) {
    VERDICT_TRY(attribute_raw_check_resource(c, raw));
    VERDICT_TRY(attribute_rows_filter(c, raw->key, raw->resource ? NULL : raw->subkey, raw->number,
                                      filter));
    return read_wanted(c, raw, wanted);
}

/* --- those of a list --- */

/* Each row for one attribute of the request: both are sorted alike. */
static int delete_exactly(struct context *c, struct object *object,
                          const struct attribute_input *input) {
    const struct attr **wanted = attribute_rows_sorted(c->arena, input->attrs, input->count,
                                                       attribute_rows_by_value),
                      **rows;
    int32_t *ids = arena_array(c->arena, input->count, sizeof *ids);
    size_t at = 0;

    normalise_json(c, object);
    rows =
        attribute_rows_sorted(c->arena, object->attrs, object->attr_count, attribute_rows_by_value);
    for (size_t i = 0; i < input->count; i++) {
        while (at < object->attr_count && attribute_rows_by_value(&rows[at], &wanted[i]) < 0)
            at++;
        if (at == object->attr_count || attribute_rows_by_value(&rows[at], &wanted[i]) != 0)
            return reply_fail(c, 409, "Attribute %zu: the object has no such attribute",
                              (size_t)(wanted[i] - input->attrs));
        ids[i] = rows[at++]->id;
    }
    store_delete_attrs(c->store, ids, input->count);
    return attribute_rows_answer(c, 200);
}

/* Without a key, only a list says what is to be deleted. */
static int fail_keyless(struct context *c) {
    int status = reply_fail(c, 405, "DELETE is not allowed here.");

    response_header(c->response, "Allow", "GET, HEAD, POST, OPTIONS");
    return status;
}

int attribute_delete(struct context *c) {
    struct attr_filter filter = {.members = true};
    struct wanted wanted = {0};
    struct attribute_input input;
    struct attribute_raws raws;
    struct object object;
    struct verdict verdict = attribute_raw_read(c, &raws);
    enum rc rc;

    if (verdict.rc == RC_OK && !raws.is_json)
        verdict = read_parameters(c, raws.items, &filter, &wanted);
    rc = store_lock_attrs(c->store, c->arena, c->args[0], &filter, &object);
    if (find_check(c, rc, c->args[0], &object.ref, params_last(&c->request->params, "driver")) ||
        reply_verdict(c, verdict))
        return c->response->status;
    if (!raws.is_json && c->arg_count == 1)
        return fail_keyless(c);
    if (condition_check(c, &object.ref))
        return c->response->status;
    if (!raws.is_json && raws.items->resource)
        attribute_rows_keep_resource(c->arena, &object, raws.items->key, raws.items->subkey,
                                     raws.items->resource);
    if (!raws.is_json)
        return delete_matching(c, &object, &wanted);
    if (attribute_input_existing(c, &object.ref, &raws, &input) ||
        attribute_numbers_resolve(c, &object, &input))
        return c->response->status;
    return delete_exactly(c, &object, &input);
}
