/* attribute.c: handlers of /attribute: attributes are shown, added, set, deleted. */
#include "api/attribute.h"

#include <stdlib.h>
#include <string.h>

#include "api/attribute_input.h"
#include "api/find.h"
#include "api/reply.h"
#include "api/show.h"
#include "model/value_json.h"
#include "store/write.h"

/* KEY, SUBKEY and NUMBER; NULL: any. */
static struct verdict make_filter(struct context *c, const char *key, const char *subkey,
                                  const char *number, struct attr_filter *filter) {
    *filter = (struct attr_filter){key, subkey, .has_number = number != NULL};
    return number ? attribute_input_number(c->arena, number, &filter->number) : verdict_of(RC_OK);
}

static const char *arg(const struct context *c, size_t i) {
    return c->arg_count > i ? c->args[i] : NULL;
}

static int answer_attrs(struct context *c, int status, const struct object *object, bool hidden) {
    reply_json(c, status);
    show_attrs(c, object->attrs, object->attr_count, hidden);
    return reply_end(c);
}

/* If the number is not one, the object comes first. */
int attribute_ask(struct context *c) {
    struct attr_filter filter;
    struct verdict *verdict = arena_array(c->arena, 1, sizeof *verdict);

    *verdict = make_filter(c, arg(c, 1), arg(c, 2), arg(c, 3), &filter);
    c->asked = verdict;
    c->read = verdict->rc != RC_OK ? store_ask_ref(c->arena, c->args[0])
                                   : store_ask_attrs(c->arena, c->args[0], &filter);
    return 0;
}

int attribute_show(struct context *c) {
    const struct verdict *verdict = c->asked;
    struct object object = {0};
    enum rc rc = verdict->rc != RC_OK ? store_take_ref(c->store, c->read, &object.ref)
                                      : store_take_attrs(c->store, c->read, &object);

    if (find_check(c, rc, c->args[0], &object.ref, params_last(&c->request->params, "driver")) ||
        reply_verdict(c, *verdict))
        return c->response->status;
    reply_depends_on(c, object.ref.id);
    return answer_attrs(c, 200, &object, c->arg_count > 1 && c->args[1][0] == '_');
}

/* --- changing --- */

/* All visible attributes of the object, as they are now. */
static int answer_changed(struct context *c, int status) {
    struct object object;

    if (reply_rc(c, store_attrs_by_name(c->store, c->arena, c->args[0], NULL, &object)))
        return c->response->status;
    return answer_attrs(c, status, &object, false);
}

int attribute_add(struct context *c) {
    struct attribute_input input;
    struct attribute_raws raws;
    struct ref object;
    enum rc rc = store_lock_one(c->store, c->arena, c->args[0], LOCK_REFER, &object);

    if (find_check(c, rc, c->args[0], &object, params_last(&c->request->params, "driver")) ||
        reply_verdict(c, attribute_raw_read(c, &raws)) ||
        attribute_input_read(c, &object, &raws, &input))
        return c->response->status;
    store_add_attrs(c->store, object.id, input.attrs, input.count);
    return answer_changed(c, 201);
}

static int compare_texts(const char *a, const char *b) {
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

/* By key, subkey and number, missing ones included: where an attribute is. */
static int compare_places(const void *x, const void *y) {
    const struct attr *a = *(const struct attr *const *)x, *b = *(const struct attr *const *)y;
    int order = compare_texts(a->key, b->key);

    if (order == 0)
        order = compare_texts(a->subkey, b->subkey);
    if (order == 0)
        order = a->has_number - b->has_number;
    if (order == 0 && a->has_number)
        order = (a->number > b->number) - (a->number < b->number);
    return order;
}

/* The same, and of those in one place the first of their array first. */
static int compare_places_in_order(const void *x, const void *y) {
    const struct attr *a = *(const struct attr *const *)x, *b = *(const struct attr *const *)y;
    int order = compare_places(x, y);

    return order != 0 ? order : (a > b) - (a < b);
}

/* By place and value. */
static int compare_attrs(const void *x, const void *y) {
    const struct attr *a = *(const struct attr *const *)x, *b = *(const struct attr *const *)y;
    int order = compare_places(x, y);

    return order != 0 ? order : value_compare(&a->value, &b->value);
}

static const struct attr **sorted(struct arena *arena, const struct attr *attrs, size_t count,
                                  int (*compare)(const void *, const void *)) {
    const struct attr **pointers = arena_array(arena, count, sizeof *pointers);

    for (size_t i = 0; i < count; i++)
        pointers[i] = &attrs[i];
    qsort(pointers, count, sizeof *pointers, compare);
    return pointers;
}

/* --- setting --- */

/* What setting comes down to. */
struct changes {
    const struct attr **rows; /* as they are, by place */
    size_t row_count;
    int32_t *gone;
    size_t gone_count;
    struct attr *added;
    size_t added_count;
};

/* One attribute to set. False: several rows are in its place. */
static bool plan(struct changes *changes, const struct attr *wanted) {
    const struct attr **match =
        bsearch(&wanted, changes->rows, changes->row_count, sizeof *changes->rows, compare_places);
    const struct attr **end = changes->rows + changes->row_count;

    if (match && ((match > changes->rows && compare_places(match - 1, match) == 0) ||
                  (match + 1 < end && compare_places(match, match + 1) == 0)))
        return false;
    if (match && value_equal(&(*match)->value, &wanted->value))
        return true;
    if (match)
        changes->gone[changes->gone_count++] = (*match)->id;
    changes->added[changes->added_count++] = *wanted;
    return true;
}

/* Of several settings of one place in a request the last one counts: overridden[i] marks the
 * others. */
static bool *find_overridden(struct arena *arena, const struct attribute_input *input) {
    const struct attr **attrs = sorted(arena, input->attrs, input->count, compare_places_in_order);
    bool *overridden = arena_array(arena, input->count, sizeof *overridden);

    for (size_t i = 0; i + 1 < input->count; i++)
        overridden[attrs[i] - input->attrs] = compare_places(&attrs[i], &attrs[i + 1]) == 0;
    return overridden;
}

static int set_all(struct context *c, const struct object *object,
                   const struct attribute_input *input) {
    struct changes changes = {
        .rows = sorted(c->arena, object->attrs, object->attr_count, compare_places_in_order),
        .row_count = object->attr_count,
        .gone = arena_array(c->arena, input->count, sizeof *changes.gone),
        .added = arena_array(c->arena, input->count, sizeof *changes.added)};
    const bool *overridden = find_overridden(c->arena, input);

    for (size_t i = 0; i < input->count; i++) {
        if (overridden[i] || plan(&changes, &input->attrs[i]))
            continue;
        if (input->raws->is_list)
            return reply_fail(
                c, 409,
                "Attribute %zu: cannot set an attribute when args match more than one value", i);
        return reply_fail(c, 409, "cannot set an attribute when args match more than one value");
    }
    store_delete_attrs(c->store, changes.gone, changes.gone_count);
    store_add_attrs(c->store, object->ref.id, changes.added, changes.added_count);
    return answer_changed(c, 200);
}

int attribute_set(struct context *c) {
    struct attribute_input input;
    struct attribute_raws raws;
    struct object object;
    enum rc rc = store_lock_attrs(c->store, c->arena, c->args[0], NULL, &object);

    if (find_check(c, rc, c->args[0], &object.ref, params_last(&c->request->params, "driver")) ||
        reply_verdict(c, attribute_raw_read(c, &raws)) ||
        attribute_input_read(c, &object.ref, &raws, &input))
        return c->response->status;
    return set_all(c, &object, &input);
}

/* --- deleting --- */

static int delete_matching(struct context *c, const struct object *object) {
    int32_t *ids = arena_array(c->arena, object->attr_count, sizeof *ids);

    for (size_t i = 0; i < object->attr_count; i++)
        ids[i] = object->attrs[i].id;
    store_delete_attrs(c->store, ids, object->attr_count);
    return answer_changed(c, 200);
}

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

/* Each row for one attribute of the request: both are sorted alike. */
static int delete_exactly(struct context *c, struct object *object,
                          const struct attribute_input *input) {
    const struct attr **wanted = sorted(c->arena, input->attrs, input->count, compare_attrs),
                      **rows;
    int32_t *ids = arena_array(c->arena, input->count, sizeof *ids);
    size_t at = 0;

    normalise_json(c, object);
    rows = sorted(c->arena, object->attrs, object->attr_count, compare_attrs);
    for (size_t i = 0; i < input->count; i++) {
        while (at < object->attr_count && compare_attrs(&rows[at], &wanted[i]) < 0)
            at++;
        if (at == object->attr_count || compare_attrs(&rows[at], &wanted[i]) != 0)
            return reply_fail(c, 409, "Attribute %zu: the object has no such attribute",
                              (size_t)(wanted[i] - input->attrs));
        ids[i] = rows[at++]->id;
    }
    store_delete_attrs(c->store, ids, input->count);
    return answer_changed(c, 200);
}

/* Without a key, only a list says what is to be deleted. */
static int fail_keyless(struct context *c) {
    int status = reply_fail(c, 405, "DELETE is not allowed here.");

    response_header(c->response, "Allow", "GET, HEAD, POST, OPTIONS");
    return status;
}

int attribute_delete(struct context *c) {
    struct attr_filter filter = {.members = true};
    struct attribute_input input;
    struct attribute_raws raws;
    struct object object;
    struct verdict verdict = attribute_raw_read(c, &raws);
    enum rc rc;

    if (verdict.rc == RC_OK && !raws.is_json)
        verdict = make_filter(c, raws.items->key, raws.items->subkey, raws.items->number, &filter);
    rc = store_lock_attrs(c->store, c->arena, c->args[0], &filter, &object);
    if (find_check(c, rc, c->args[0], &object.ref, params_last(&c->request->params, "driver")) ||
        reply_verdict(c, verdict))
        return c->response->status;
    if (!raws.is_json)
        return c->arg_count > 1 ? delete_matching(c, &object) : fail_keyless(c);
    if (attribute_input_existing(c, &object.ref, &raws, &input))
        return c->response->status;
    return delete_exactly(c, &object, &input);
}
