/* entity_convert.c: actions that make an object another one: its name or its driver is changed. */
#include "api/entity_convert.h"

#include <string.h>

#include "api/condition.h"
#include "api/find.h"
#include "api/input.h"
#include "api/reply.h"
#include "api/show.h"
#include "model/names.h"
#include "rules/conversion.h"

static const char CLUSTOMETA[] = "clustometa";

static int answer(struct context *c, const char *name) {
    enum context_mode mode = input_mode(c, MODE_EXPANDED);
    struct object object;

    if (reply_rc(c, store_object_by_name(c->store, c->arena, name, &object)))
        return c->response->status;
    return show_one(c, 200, mode, &object);
}

/* The object, held against whoever refers to it and whoever creates one of its name, or of `name`
 * (NULL: none). refs[1].id 0: there is none. */
static int lock(struct context *c, const char *name, struct ref refs[2]) {
    const char *names[2] = {c->args[1], name};
    enum rc rc = store_lock(c->store, c->arena, names, name ? 2 : 1, LOCK_DELETE, refs);

    if (rc == RC_OK && refs[0].id == 0)
        rc = RC_NOTFOUND;
    return find_check(c, rc, c->args[1], &refs[0], c->args[0]);
}

/* What both have in common. */
static int check(struct context *c, const struct ref *object, const char *to) {
    if (!to)
        return reply_fail(c, 400, "Parameter 'to' is required.");
    if (params_last(&c->request->params, "device") ||
        params_last(&c->request->params, "devices_from") ||
        params_last(&c->request->params, "rackU"))
        return reply_fail(
            c, 400, "\"device\", \"devices_from\" and \"rackU\" are for insert, move and remove.");
    if (input_check_mode(c, input_mode(c, MODE_EXPANDED)))
        return c->response->status;
    if (strcmp(object->driver, CLUSTOMETA) == 0)
        return reply_fail(c, 409, "clustometa cannot be renamed or made another driver's");
    return find_may_manage(c, driver_of(object->driver, object->type));
}

int entity_convert_rename(struct context *c) {
    const char *to = input_nonempty(c, "to");
    struct ref refs[2] = {{0}}, after;

    if (lock(c, to, refs) || check(c, &refs[0], to) ||
        reply_verdict(c, names_check(c->arena, to, (size_t)c->options->max_name_characters)))
        return c->response->status;
    if (refs[1].id != 0 && refs[1].id != refs[0].id)
        return reply_fail(c, 409, "\"%s\" already exists", to);
    if (condition_check(c, &refs[0]))
        return c->response->status;
    after = (struct ref){refs[0].id, to, refs[0].driver, refs[0].type};
    if (strcmp(refs[0].name, to) != 0 && reply_rc(c, store_convert(c->store, refs[0].id, &after)))
        return c->response->status;
    return answer(c, to);
}

int entity_convert_driver(struct context *c) {
    const char *name = input_nonempty(c, "to");
    const struct driver *to = name ? driver_find(name) : NULL;
    struct ref refs[2] = {{0}}, after;

    if (lock(c, NULL, refs) || check(c, &refs[0], name))
        return c->response->status;
    if (!to)
        return reply_fail(c, 412, "Requested driver \"%s\" does not exist", name);
    if (strcmp(to->name, CLUSTOMETA) == 0)
        return reply_fail(c, 409, "clustometa cannot be created or deleted");
    if (find_may_manage(c, to))
        return c->response->status;
    if (strcmp(to->name, refs[0].driver) == 0)
        return condition_check(c, &refs[0]) ? c->response->status : answer(c, refs[0].name);
    after = (struct ref){refs[0].id, refs[0].name, to->name, to->type};
    if (reply_verdict(c, conversion_check(c->store, c->arena, &refs[0], to)) ||
        condition_check(c, &refs[0]) || reply_rc(c, store_convert(c->store, refs[0].id, &after)))
        return c->response->status;
    return answer(c, refs[0].name);
}
