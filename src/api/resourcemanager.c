/* resourcemanager.c: handlers of /resourcemanager: managers are listed, created, shown; they give
 * and take. */
#include <string.h>

#include "api/find.h"
#include "api/input.h"
#include "api/reply.h"
#include "api/resourcemanager.h"
#include "api/show.h"
#include "model/names.h"
#include "rules/alloc.h"
#include "rules/properties.h"

/* The names of all known drivers that are managers. */
static void all_managers(struct context *c, struct listing *listing) {
    const char **names = arena_array(c->arena, driver_count(), sizeof *names);

    for (size_t i = 0; i < driver_count(); i++)
        if (driver_at(i)->allocator != ALLOCATOR_NONE)
            names[listing->driver_count++] = driver_at(i)->name;
    listing->drivers = names;
}

int resourcemanager_list(struct context *c) {
    struct listing listing = {.kind = LIST_ENTITIES};
    enum context_mode mode = input_mode(c, MODE_COMPACT);
    const char *name = c->arg_count > 0 ? c->args[0] : NULL;
    const struct driver *driver = name ? driver_find(name) : NULL;
    struct page page;

    if (name && !driver)
        return reply_fail(c, 404, "Not a valid driver \"%s\" (driver name %s doesn't exist.)", name,
                          name);
    if (!input_page(c, &page))
        return c->response->status;
    if (mode == MODE_INVALID)
        return reply_bad_mode(c);
    if (driver && driver->allocator == ALLOCATOR_NONE)
        return show_empty_list(c, &page);
    all_managers(c, &listing);
    if (driver) {
        listing.drivers = c->args;
        listing.driver_count = 1;
    }
    return show_list(c, &listing, mode, &page);
}

static bool check_manager(struct context *c, const struct ref *ref) {
    if (driver_of(ref->driver, ref->type)->allocator != ALLOCATOR_NONE)
        return true;
    reply_fail(c, 409, "The object \"%s\" is not a resource manager", c->args[1]);
    return false;
}

int resourcemanager_show(struct context *c) {
    enum context_mode mode = input_mode(c, MODE_EXPANDED);
    struct object manager = {0};

    if (!find_object(c, c->args[1], c->args[0], &manager) || !check_manager(c, &manager.ref))
        return c->response->status;
    if (mode == MODE_INVALID)
        return reply_bad_mode(c);
    reply_depends_on(c, manager.ref.id);
    return show_one(c, 200, mode, &manager);
}

/* --- creating --- */

/* All parameters but `name` are properties. */
static struct verdict get_properties(struct context *c, const struct driver *driver,
                                     struct attr **attrs, size_t *attr_count) {
    const struct params *params = &c->request->params;
    const char **names = arena_array(c->arena, params->count, sizeof *names);
    const char **values = arena_array(c->arena, params->count, sizeof *values);
    size_t count = 0;

    for (size_t i = 0; i < params->count; i++) {
        if (strcmp(params->items[i].name, "name") == 0)
            continue;
        names[count] = params->items[i].name;
        values[count++] = params->items[i].value;
    }
    return properties_given(c->arena, driver, names, values, count, attrs, attr_count);
}

static int answer_manager(struct context *c, const char *name, bool created,
                          enum context_mode mode) {
    struct object manager;
    enum rc rc = store_object_by_name(c->store, c->arena, name, &manager);

    if (rc != RC_OK)
        return reply_rc(c, rc);
    if (!created)
        response_header(c->response, "Warnings",
                        arena_printf(c->arena, "Resource manager \"/%s/%s\" already exists",
                                     manager.ref.driver, manager.ref.name));
    return show_one(c, created ? 201 : 202, mode, &manager);
}

int resourcemanager_create(struct context *c) {
    const struct driver *driver = driver_find(c->args[0]);
    const char *name = params_last(&c->request->params, "name"), *problem;
    enum context_mode mode = input_mode(c, MODE_EXPANDED);
    struct attr *attrs;
    size_t attr_count;
    struct verdict verdict;
    struct ref ref;
    bool created;
    enum rc rc;

    if (!driver)
        return reply_fail(c, 412, "Requested driver \"%s\" does not exist", c->args[0]);
    if (driver->allocator == ALLOCATOR_NONE)
        return reply_fail(c, 409, "The driver \"%s\" is not a resource manager", driver->name);
    if (!name)
        return reply_fail(c, 412, "Provide a name for the resource manager");
    problem = names_check(c->arena, name, (size_t)c->options->max_name_characters);
    if (problem)
        return reply_fail(c, 400, "%s", problem);
    verdict = get_properties(c, driver, &attrs, &attr_count);
    if (verdict.rc != RC_OK)
        return reply_verdict(c, verdict);
    if (mode == MODE_INVALID)
        return reply_bad_mode(c);
    rc = store_create(c->store, c->arena, driver->name, driver->type, &name, 1, attrs, attr_count,
                      &ref, &created);
    return rc == RC_OK ? answer_manager(c, name, created, mode) : reply_rc(c, rc);
}

/* --- giving and taking --- */

/* The manager and an object (NULL: none), locked in one go. refs[1].id 0: no such object. */
static bool lock_both(struct context *c, const char *object, struct ref refs[2]) {
    const char *names[2] = {c->args[1], object};
    enum rc rc = store_lock(c->store, c->arena, names, object ? 2 : 1, LOCK_CHANGE, refs);

    if (rc == RC_OK && refs[0].id == 0)
        rc = RC_NOTFOUND;
    return find_check(c, rc, c->args[1], &refs[0], c->args[0]) && check_manager(c, &refs[0]);
}

/* The locked manager's properties; false: answered. */
static bool read_manager(struct context *c, const struct ref *ref, struct manager *out) {
    const struct attr_filter all = {0};
    struct object object = {.ref = *ref};
    struct verdict verdict;
    struct ref again;
    enum rc rc = store_attrs_by_name(c->store, c->arena, ref->name, &all, &again, &object.attrs,
                                     &object.attr_count);

    if (rc != RC_OK) {
        reply_rc(c, rc);
        return false;
    }
    verdict = manager_read(c->arena, &object, out);
    if (verdict.rc == RC_OK)
        return true;
    reply_verdict(c, verdict);
    return false;
}

/* The number for the rows of an allocation comes from a counter that all managers share: it is
 * taken ahead of the transaction, which else would make them wait for each other. */
static bool reserve_number(struct context *c, int32_t *number) {
    const struct driver *driver;
    struct ref ref = {0};
    enum rc rc;

    store_apart(c->store, true);
    rc = store_ref_by_name(c->store, c->arena, c->args[1], &ref);
    driver = rc == RC_OK ? driver_of(ref.driver, ref.type) : NULL;
    if (driver && driver->allocator != ALLOCATOR_NONE && driver->allocator != ALLOCATOR_ENTITY_NAME)
        rc = store_reserve_number(c->store, driver->resource_key, number);
    store_apart(c->store, false);
    if (rc == RC_OK || rc == RC_NOTFOUND)
        return true; /* what is wrong with it is said under the lock */
    reply_rc(c, rc);
    return false;
}

static int give_to_object(struct context *c, const char *name, const char *resource) {
    struct ref refs[2] = {{0}};
    struct manager manager;
    struct verdict verdict;
    struct attr attr;
    int32_t number = -1;

    if (!reserve_number(c, &number) || !lock_both(c, name, refs))
        return c->response->status;
    if (refs[1].id == 0)
        return reply_fail(c, 404, "Thing was \"%s\" not found", name);
    if (!read_manager(c, &refs[0], &manager))
        return c->response->status;
    if (manager.driver->allocator == ALLOCATOR_ENTITY_NAME)
        return reply_fail(c, 409, "\"%s\" gives names to new objects only: send a \"driver\"",
                          manager.ref.name);
    /* the manager was made between the two looks, or the server restarted */
    if (number < 0 || !store_number_holds(c->store, manager.driver->resource_key))
        return reply_rc(c, RC_RETRY);
    verdict = alloc_give(c->store, c->arena, &manager, &refs[1], resource, number, &attr);
    if (verdict.rc != RC_OK)
        return reply_verdict(c, verdict);
    store_number_used(c->store, manager.driver->resource_key);
    reply_json(c, 201);
    show_attr(c, &attr);
    return reply_end(c);
}

/* An object with the manager's next name (or this one). */
static int create_named(struct context *c, const struct driver *driver,
                        const struct manager *manager, const char *resource) {
    size_t attr_count;
    struct attr *attrs = properties_default(c->arena, driver, &attr_count);
    size_t longest = (size_t)c->options->max_name_characters;
    bool created = false;
    struct ref ref = {0};

    for (int tries = 0; !created && tries < 16; tries++) {
        const char *name;
        struct verdict verdict = alloc_name(c->store, c->arena, manager, resource, longest, &name);
        enum rc rc = verdict.rc;

        if (rc != RC_OK)
            return reply_verdict(c, verdict);
        rc = store_create(c->store, c->arena, driver->name, driver->type, &name, 1, attrs,
                          attr_count, &ref, &created);
        if (rc != RC_OK)
            return reply_rc(c, rc);
        if (!created && resource)
            return reply_fail(c, 409, "\"%s\" exists already", resource);
    }
    if (!created)
        return reply_rc(c, RC_RETRY);
    reply_json(c, 201);
    show_ref(c, &ref);
    return reply_end(c);
}

static int give_to_driver(struct context *c, const char *name, const char *resource) {
    const struct driver *driver = driver_find(name);
    struct ref refs[2] = {{0}};
    struct manager manager;

    if (driver && !find_may_manage(c, driver))
        return c->response->status;
    if (!lock_both(c, NULL, refs))
        return c->response->status;
    if (!driver)
        return reply_fail(c, 404, "Thing was \"%s\" not found", name);
    if (!read_manager(c, &refs[0], &manager))
        return c->response->status;
    if (manager.driver->allocator != ALLOCATOR_ENTITY_NAME)
        return reply_fail(c, 409, "\"%s\" gives resources to objects only: send an \"object\"",
                          manager.ref.name);
    if (strcmp(driver->name, "clustometa") == 0)
        return reply_fail(c, 409, "clustometa cannot be created or deleted");
    return create_named(c, driver, &manager, resource);
}

int resourcemanager_allocate(struct context *c) {
    const char *driver = input_nonempty(c, "driver"), *object = input_nonempty(c, "object"),
               *resource = input_nonempty(c, "resource");
    struct ref refs[2] = {{0}};

    if (driver)
        return give_to_driver(c, driver, resource);
    if (object)
        return give_to_object(c, object, resource);
    if (!lock_both(c, NULL, refs))
        return c->response->status;
    return reply_fail(c, 404, "Cannot allocate an empty thing, send one of \"driver\", \"object\"");
}

int resourcemanager_deallocate(struct context *c) {
    const char *object = input_nonempty(c, "object");
    const char *resource = params_last(&c->request->params, "resource");
    struct ref refs[2] = {{0}};
    struct manager manager;
    struct verdict verdict;

    if (!lock_both(c, object, refs))
        return c->response->status;
    if (!object)
        return reply_fail(c, 404, "Cannot deallocate empty, send an object to deallocate");
    if (refs[1].id == 0)
        return reply_fail(c, 404, "Object \"%s\" not found (%s does not exist.)", object, object);
    if (resource && !*resource) /* a script's empty variable must not give back everything */
        return reply_fail(c, 400, "\"resource\" is empty: leave it out to give back everything");
    if (!read_manager(c, &refs[0], &manager))
        return c->response->status;
    verdict = alloc_take(c->store, c->arena, &manager, &refs[1], resource);
    return verdict.rc == RC_OK ? reply_empty(c, 204) : reply_verdict(c, verdict);
}
