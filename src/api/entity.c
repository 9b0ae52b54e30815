/* entity.c: handlers of /entity: objects are listed, created, shown, deleted, filled and emptied.
 */
#include "api/entity.h"

#include <stdlib.h>
#include <string.h>

#include "api/condition.h"
#include "api/entity_convert.h"
#include "api/entity_devices.h"
#include "api/find.h"
#include "api/input.h"
#include "api/reply.h"
#include "api/show.h"
#include "api/show_repeats.h"
#include "api/show_units.h"
#include "base/num.h"
#include "model/names.h"
#include "rules/insert.h"
#include "rules/properties.h"

/* The values of a filter's long and short name together. */
static const char *const *get_filter(struct context *c, const char *long_name,
                                     const char *short_name, size_t *count) {
    const struct params *params = &c->request->params;
    size_t a, b;
    const char **first = params_all(params, c->arena, long_name, &a);
    const char **second = params_all(params, c->arena, short_name, &b);
    const char **both = arena_array(c->arena, a + b + 1, sizeof *both);

    for (size_t i = 0; i < a; i++)
        both[i] = first[i];
    for (size_t i = 0; i < b; i++)
        both[a + i] = second[i];
    *count = a + b;
    return both;
}

static int check_filters(struct context *c, const struct listing *listing) {
    for (size_t i = 0; i < listing->type_count; i++)
        if (!driver_last_of_type(listing->types[i]))
            return reply_fail(c, 412, "The requested type \"%s\" does not exist",
                              listing->types[i]);
    for (size_t i = 0; i < listing->driver_count; i++)
        if (!driver_find(listing->drivers[i]))
            return reply_fail(c, 412, "The requested driver \"%s\" does not exist",
                              listing->drivers[i]);
    return 0;
}

static int get_filters(struct context *c, struct listing *listing) {
    listing->names = get_filter(c, "names", "name", &listing->name_count);
    listing->types = get_filter(c, "clusto_types", "type", &listing->type_count);
    listing->drivers = get_filter(c, "clusto_drivers", "driver", &listing->driver_count);
    return check_filters(c, listing);
}

/* The path's driver and a filter on drivers are "and": false if nothing can fulfil both. */
static bool restrict_to_driver(struct listing *listing, const char *const *driver) {
    bool possible = listing->driver_count == 0;

    for (size_t i = 0; i < listing->driver_count; i++)
        possible = possible || strcmp(listing->drivers[i], *driver) == 0;
    listing->drivers = driver;
    listing->driver_count = 1;
    return possible;
}

int entity_list(struct context *c) {
    struct listing listing = {.kind = LIST_ENTITIES};
    enum context_mode mode = input_mode(c, MODE_COMPACT);
    struct page page;

    if (c->arg_count > 0 && !driver_find(c->args[0]))
        return reply_fail(c, 412, "The requested driver \"%s\" does not exist", c->args[0]);
    if (get_filters(c, &listing) || input_page(c, &page) || input_check_mode(c, mode))
        return c->response->status;
    if (c->arg_count > 0 && !restrict_to_driver(&listing, &c->args[0]))
        return show_empty_list(c, &page);
    return show_list(c, &listing, mode, &page);
}

int entity_ask(struct context *c) {
    find_ask(c, c->args[1]);
    return 0;
}

int entity_show(struct context *c) {
    enum context_mode mode = input_mode(c, MODE_EXPANDED);
    struct object object = {0};
    enum rc rc = find_take(c, &object);

    if (find_check(c, rc, c->args[1], &object.ref, c->args[0]) || input_check_mode(c, mode) ||
        input_check_contents(c))
        return c->response->status;
    reply_depends_on(c, object.ref.id);
    if (condition_shown(c, &object))
        return c->response->status;
    return show_one(c, 200, mode, &object);
}

/* As /from-pools without children, of any container. */
int entity_contents(struct context *c) {
    struct listing listing = {.kind = LIST_FROM_POOLS, .pool_count = 1};
    enum context_mode mode = input_mode(c, MODE_COMPACT);
    const char *name = c->args[1];
    struct ref ref = {0};
    struct page page;
    enum rc rc = store_ref_by_name(c->store, c->arena, name, &ref);

    if (find_check(c, rc, name, &ref, c->args[0]) || input_page(c, &page) ||
        input_check_mode(c, mode))
        return c->response->status;
    listing.pools = &ref.id;
    c->dependencies.anything = true;
    return show_list(c, &listing, mode, &page);
}

/* --- creating --- */

/* The names to create, checked. */
static int names_to_create(struct context *c, struct creation *creation) {
    size_t max = (size_t)c->options->max_name_characters;

    creation->names = params_all(&c->request->params, c->arena, "name", &creation->count);
    if (creation->count == 0)
        return reply_fail(c, 412, "Provide at least one name to create");
    for (size_t i = 0; i < creation->count; i++)
        if (reply_verdict(c, names_check(c->arena, creation->names[i], max)))
            return c->response->status;
    return 0;
}

/* Front servers take no header of any length: so many bytes of paths are named, the others counted.
 */
#define WARNING_BYTES 2000

/* Tells in a header which of the names were there before. */
static int warn_existing(struct context *c, const struct ref *refs, const bool *created,
                         size_t count) {
    struct buf paths;
    size_t unnamed = 0;
    int status = 201;

    buf_init(&paths, 0);
    for (size_t i = 0; i < count; i++) {
        if (created[i])
            continue;
        if (paths.len < WARNING_BYTES)
            buf_printf(&paths, "%s/%s/%s", paths.len ? "," : "", refs[i].driver, refs[i].name);
        else
            unnamed++;
    }
    if (unnamed > 0)
        buf_printf(&paths, " and %zu more", unnamed);
    if (paths.len > 0) {
        response_header(c->response, "Warnings",
                        arena_printf(c->arena, "Entity(s) %s already exist(s)", buf_cstr(&paths)));
        status = 202;
    }
    buf_release(&paths);
    return status;
}

static int answer_created(struct context *c, const struct creation *creation,
                          const struct ref *refs, const bool *created, enum context_mode mode) {
    size_t count = creation->count;
    struct object *objects = arena_array(c->arena, count, sizeof *objects);
    enum rc rc = RC_OK;

    if (mode == MODE_EXPANDED)
        rc = store_objects_by_names(c->store, c->arena, creation->names, count, objects, NULL);
    for (size_t i = 0; rc == RC_OK && mode == MODE_EXPANDED && i < count; i++)
        if (objects[i].ref.id == 0)
            rc = RC_RETRY; /* it existed, and was deleted in the meantime */
    if (reply_rc(c, rc) || (mode == MODE_EXPANDED && show_repeats_check(c, objects, count)))
        return c->response->status;
    reply_json(c, warn_existing(c, refs, created, count));
    json_array_open(c->json);
    for (size_t i = 0; i < count; i++) {
        if (mode == MODE_EXPANDED)
            show_object(c, &objects[i]);
        else
            show_ref(c, &refs[i]);
    }
    json_array_close(c->json);
    return reply_end(c);
}

int entity_create(struct context *c) {
    const struct driver *driver = driver_find(c->args[0]);
    enum context_mode mode = input_mode(c, MODE_COMPACT);
    struct creation creation = {.driver = driver};
    struct ref *refs;
    bool *created;

    if (!driver)
        return reply_fail(c, 412, "Requested driver \"%s\" does not exist", c->args[0]);
    if (strcmp(driver->name, "clustometa") == 0)
        return reply_fail(c, 409, "clustometa cannot be created or deleted");
    if (find_may_manage(c, driver) || names_to_create(c, &creation) ||
        reply_verdict(c,
                      properties_given(c->arena, driver, &c->request->params, &creation.attrs)) ||
        input_check_mode(c, mode))
        return c->response->status;
    refs = arena_array(c->arena, creation.count, sizeof *refs);
    created = arena_array(c->arena, creation.count, sizeof *created);
    if (reply_rc(c, store_create(c->store, c->arena, &creation, refs, created)) ||
        condition_check_created(c, refs, created, creation.count))
        return c->response->status;
    return answer_created(c, &creation, refs, created, mode);
}

/* --- deleting --- */

int entity_delete(struct context *c) {
    const char *name = c->args[1];
    const struct driver *driver = driver_find(c->args[0]);
    struct ref ref = {0};
    enum rc rc = store_lock_one(c->store, c->arena, name, LOCK_DELETE, &ref);

    if (!driver && (rc == RC_NOTFOUND || (rc == RC_OK && !find_is_a(&ref, c->args[0]))))
        return reply_fail(c, 412, "Requested driver \"%s\" does not exist", c->args[0]);
    if (rc == RC_NOTFOUND)
        return reply_empty(c, 404);
    if (find_check(c, rc, name, &ref, c->args[0]))
        return c->response->status;
    driver = driver_of(ref.driver, ref.type);
    if (strcmp(driver->name, "clustometa") == 0)
        return reply_fail(c, 409, "clustometa cannot be created or deleted");
    if (find_may_manage(c, driver) || condition_check(c, &ref) ||
        reply_rc(c, store_delete_entity(c->store, ref.id, driver->resource_key)))
        return c->response->status;
    return reply_empty(c, 204);
}

/* --- filling and emptying --- */

static int by_unit(const void *a, const void *b) {
    const int32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The units of rackU. */
static struct verdict get_units(struct context *c, struct insertion *insertion) {
    size_t count;
    const char **texts = params_all(&c->request->params, c->arena, "rackU", &count);
    int32_t *units = arena_array(c->arena, count, sizeof *units);

    for (size_t i = 0; i < count; i++) {
        int64_t unit;

        if (num_parse_range(texts[i], INT32_MIN, INT32_MAX, &unit) != NUM_OK)
            return verdict_no(c->arena, RC_INVALID, "rackU \"%s\" is not a unit of a rack",
                              texts[i]);
        units[i] = (int32_t)unit;
    }
    qsort(units, count, sizeof *units, by_unit);
    insertion->units = units;
    insertion->unit_count = count;
    return verdict_of(RC_OK);
}

/* All devices must exist. */
static int check_devices(struct context *c, const char *const *names, const struct ref *refs,
                         size_t count) {
    struct buf unknown;
    size_t missing = 0;
    int status = 0;

    buf_init(&unknown, 0);
    for (size_t i = 0; i < count; i++)
        if (refs[i].id == 0)
            buf_printf(&unknown, "%s%s", missing++ > 0 ? "," : "", names[i]);
    if (missing > 0)
        status = reply_fail(c, 404, "Objects %s do not exist and cannot be used with \"%s\"",
                            buf_cstr(&unknown), c->args[1]);
    buf_release(&unknown);
    return status;
}

static struct verdict take_out(struct context *c, const struct insertion *in) {
    int32_t *ids = arena_array(c->arena, in->count, sizeof *ids);

    for (size_t i = 0; i < in->count; i++)
        ids[i] = in->members[i].id;
    return verdict_of(in->count == 0 ? RC_OK
                                     : store_remove(c->store, in->container->id, ids, in->count));
}

static struct verdict act(struct context *c, const char *action, struct insertion *in) {
    in->is_move = strcmp(action, "move") == 0;
    if (strcmp(action, "remove") == 0)
        return take_out(c, in);
    VERDICT_TRY(get_units(c, in));
    return insert_members(c->store, c->arena, in);
}

/* The container and the devices, locked in one go. */
static int lock_all(struct context *c, const char *const *devices, size_t count, struct ref *refs) {
    const char **names = arena_array(c->arena, count + 1, sizeof *names);
    enum rc rc;

    names[0] = c->args[1];
    for (size_t i = 0; i < count; i++)
        names[i + 1] = devices[i];
    rc = store_lock(c->store, c->arena, names, count + 1, LOCK_CHANGE, refs);
    if (rc == RC_OK && refs[0].id == 0)
        rc = RC_NOTFOUND;
    return find_check(c, rc, c->args[1], &refs[0], c->args[0]);
}

/* The container as it is now: its members are read only to be shown. After a move with the units of
 * what was moved. */
static int answer_action(struct context *c, enum context_mode mode, const struct insertion *in) {
    const struct show_units units = {in->members, in->units, in->unit_count};
    struct object object = {.ref = *in->container};

    if (mode == MODE_EXPANDED &&
        reply_rc(c, store_object_by_name(c->store, c->arena, object.ref.name, &object)))
        return c->response->status;
    if (mode == MODE_COMPACT || !in->is_move || in->unit_count == 0 || in->count == 0)
        return show_one(c, 200, mode, &object);
    reply_json(c, 200);
    show_racked(c, &object, &units);
    return reply_end(c);
}

int entity_action(struct context *c) {
    const char *action = params_last(&c->request->params, "action");
    enum context_mode mode = input_mode(c, MODE_EXPANDED);
    struct insertion in = {0};
    const char **devices = params_all(&c->request->params, c->arena, "device", &in.count);
    size_t named = in.count;
    struct entity_devices from;
    struct ref *refs;

    if (action && strcmp(action, "rename") == 0)
        return entity_convert_rename(c);
    if (action && strcmp(action, "driver") == 0)
        return entity_convert_driver(c);
    if (entity_devices_read(c, &from))
        return c->response->status;
    devices = entity_devices_names(c, &from, devices, &in.count);
    refs = arena_array(c->arena, in.count + 1, sizeof *refs);
    in.container = refs;
    in.members = refs + 1;
    if (lock_all(c, devices, in.count, refs))
        return c->response->status;
    if (!action || !*action)
        return reply_fail(c, 400, "Parameter 'action' is required.");
    if (input_check_nonempty(c, "device", devices, named) ||
        entity_devices_check(c, &from, in.members + named) ||
        check_devices(c, devices, in.members, in.count))
        return c->response->status;
    if (strcmp(action, "insert") != 0 && strcmp(action, "move") != 0 &&
        strcmp(action, "remove") != 0)
        return reply_fail(c, 400, "%s is not a valid action.", action);
    if (params_last(&c->request->params, "to"))
        return reply_fail(c, 400, "\"to\" is for rename and driver.");
    if (input_check_mode(c, mode) || condition_check(c, in.container) ||
        reply_verdict(c, act(c, action, &in)))
        return c->response->status;
    return answer_action(c, mode, &in);
}
