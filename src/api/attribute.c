/* attribute.c: handlers of /attribute: attributes are shown, added, set, deleted. */
#include "api/attribute.h"

#include <stdlib.h>
#include <string.h>

#include "api/attribute_input.h"
#include "api/attribute_numbers.h"
#include "api/attribute_rows.h"
#include "api/condition.h"
#include "api/find.h"
#include "api/input.h"
#include "api/reply.h"
#include "api/show.h"
#include "store/inherited.h"
#include "store/write.h"

static const char *arg(const struct context *c, size_t i) {
    return c->arg_count > i ? c->args[i] : NULL;
}

/* Of a resource all attributes of its key, among which is its number. */
static struct verdict read_filter(struct context *c, const char *resource,
                                  struct attr_filter *filter) {
    const struct attribute_raw raw = {.number = arg(c, 3), .resource = resource};

    *filter = (struct attr_filter){0};
    VERDICT_TRY(attribute_raw_check_resource(c, &raw));
    if (resource && !arg(c, 1))
        return verdict_no(c->arena, RC_INVALID, "\"resource\" needs a key in the path");
    return attribute_rows_filter(c, arg(c, 1), resource ? NULL : arg(c, 2), arg(c, 3), filter);
}

/* What the request asks for. */
struct wanted {
    bool inherit;
    struct attr_filter filter;
    struct verdict verdict; /* of the filter */
};

/* If the number is not one, the object comes first. */
int attribute_ask(struct context *c) {
    const char *resource = params_last(&c->request->params, "resource");
    struct wanted *wanted = arena_array(c->arena, 1, sizeof *wanted);

    if (input_inherit(c, &wanted->inherit))
        return c->response->status;
    if (wanted->inherit && resource)
        return reply_fail(c, 400, "\"resource\" and Clusto-Inherit can't be sent together.");
    wanted->verdict = read_filter(c, resource, &wanted->filter);
    c->asked = wanted;
    if (wanted->inherit && wanted->verdict.rc == RC_OK) {
        c->read = store_ask_inherited(c->arena, c->args[0], &wanted->filter);
        return 0;
    }
    c->read = wanted->verdict.rc != RC_OK ? store_ask_ref(c->arena, c->args[0])
                                          : store_ask_attrs(c->arena, c->args[0], &wanted->filter);
    return 0;
}

/* What objects inherit has no entity tag: their own state does not say it. */
static int show_inherited(struct context *c) {
    struct inherited found = {.count = 0};
    struct object object = {0};
    enum rc rc = store_take_inherited(c->store, c->read, &found);

    if (find_check(c, rc, c->args[0], &found.ref, params_last(&c->request->params, "driver")))
        return c->response->status;
    object.ref = found.ref;
    c->dependencies.anything = true;
    if (condition_shown(c, &object))
        return c->response->status;
    json_array_open(reply_json(c, 200));
    for (size_t i = 0; i < found.count; i++)
        show_attr_from(c, &found.attrs[i].attr, found.attrs[i].from);
    json_array_close(c->json);
    return reply_end(c);
}

static int show_own(struct context *c, const struct wanted *wanted) {
    const char *resource = params_last(&c->request->params, "resource");
    struct object object = {0};
    enum rc rc = wanted->verdict.rc != RC_OK
                     ? store_take_ref(c->store, c->read, &object.ref)
                     : store_take_attrs(c->store, c->read, &wanted->filter, &object);

    if (find_check(c, rc, c->args[0], &object.ref, params_last(&c->request->params, "driver")) ||
        reply_verdict(c, wanted->verdict))
        return c->response->status;
    if (resource)
        attribute_rows_keep_resource(c->arena, &object, c->args[1], arg(c, 2), resource);
    reply_depends_on(c, object.ref.id);
    if (condition_shown(c, &object))
        return c->response->status;
    return attribute_rows_show(c, 200, &object, c->arg_count > 1 && c->args[1][0] == '_');
}

int attribute_show(struct context *c) {
    const struct wanted *wanted = c->asked;

    return wanted->inherit && wanted->verdict.rc == RC_OK ? show_inherited(c) : show_own(c, wanted);
}

/* --- changing --- */

/* A number that depends on the object's attributes needs them, and that nobody else changes them.
 */
static enum rc lock_object(struct context *c, const struct attribute_raws *raws,
                           struct object *object) {
    if (attribute_numbers_depend(c, raws))
        return store_lock_attrs(c->store, c->arena, c->args[0], NULL, object);
    return store_lock_one(c->store, c->arena, c->args[0],
                          condition_given(c) ? LOCK_CHANGE : LOCK_REFER, &object->ref);
}

int attribute_add(struct context *c) {
    struct attribute_input input;
    struct attribute_raws raws;
    struct object object = {0};
    struct verdict verdict = attribute_raw_read(c, &raws);
    enum rc rc = lock_object(c, &raws, &object);

    if (find_check(c, rc, c->args[0], &object.ref, params_last(&c->request->params, "driver")) ||
        reply_verdict(c, verdict) || attribute_input_read(c, &object.ref, &raws, &input) ||
        attribute_numbers_resolve(c, &object, &input) || condition_check(c, &object.ref))
        return c->response->status;
    store_add_attrs(c->store, object.ref.id, input.attrs, input.count);
    return attribute_rows_answer(c, 201);
}

/* --- setting --- */

/* What setting comes down to. */
struct changes {
    const struct attr **rows; /* as they are, by place */
    size_t row_count;
    const struct attr **gone;
    size_t gone_count;
    struct attr *added;
    size_t added_count;
};

/* One attribute to set. False: several rows are in its place. */
static bool plan(struct changes *changes, const struct attr *wanted) {
    const struct attr **match = bsearch(&wanted, changes->rows, changes->row_count,
                                        sizeof *changes->rows, attribute_rows_by_place);
    const struct attr **end = changes->rows + changes->row_count;

    if (match && ((match > changes->rows && attribute_rows_by_place(match - 1, match) == 0) ||
                  (match + 1 < end && attribute_rows_by_place(match, match + 1) == 0)))
        return false;
    if (match && value_equal(&(*match)->value, &wanted->value))
        return true;
    if (match)
        changes->gone[changes->gone_count++] = *match;
    changes->added[changes->added_count++] = *wanted;
    return true;
}

/* Of several settings of one place in a request the last one counts: overridden[i] marks the
 * others. */
static bool *find_overridden(struct arena *arena, const struct attribute_input *input) {
    const struct attr **attrs =
        attribute_rows_sorted(arena, input->attrs, input->count, attribute_rows_by_place_in_order);
    bool *overridden = arena_array(arena, input->count, sizeof *overridden);

    for (size_t i = 0; i + 1 < input->count; i++)
        overridden[attrs[i] - input->attrs] =
            attribute_rows_by_place(&attrs[i], &attrs[i + 1]) == 0;
    return overridden;
}

static int set_all(struct context *c, const struct object *object,
                   const struct attribute_input *input) {
    struct changes changes = {.rows =
                                  attribute_rows_sorted(c->arena, object->attrs, object->attr_count,
                                                        attribute_rows_by_place_in_order),
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
    store_replace_attrs(c->store, object->ref.id, changes.gone, changes.gone_count, changes.added,
                        changes.added_count);
    return attribute_rows_answer(c, 200);
}

int attribute_set(struct context *c) {
    struct attribute_input input;
    struct attribute_raws raws;
    struct object object;
    enum rc rc = store_lock_attrs(c->store, c->arena, c->args[0], NULL, &object);

    if (find_check(c, rc, c->args[0], &object.ref, params_last(&c->request->params, "driver")) ||
        reply_verdict(c, attribute_raw_read(c, &raws)) ||
        attribute_input_read(c, &object.ref, &raws, &input) ||
        attribute_numbers_resolve(c, &object, &input) || condition_check(c, &object.ref))
        return c->response->status;
    return set_all(c, &object, &input);
}
