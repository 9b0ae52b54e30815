/* resourcemanager.c: handlers of /resourcemanager: managers are listed, created, shown; they give
 * and take. */
#include "api/resourcemanager.h"

#include <string.h>

#include "api/condition.h"
#include "api/find.h"
#include "api/input.h"
#include "api/reply.h"
#include "api/show.h"
#include "model/ip.h"
#include "model/names.h"
#include "rules/alloc.h"
#include "rules/properties.h"

/* Resources that one request may have. */
enum { MAX_COUNT = 256 };

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
    if (input_page(c, &page) || input_check_mode(c, mode))
        return c->response->status;
    if (driver && driver->allocator == ALLOCATOR_NONE)
        return show_empty_list(c, &page);
    all_managers(c, &listing);
    if (driver) {
        listing.drivers = c->args;
        listing.driver_count = 1;
    }
    return show_list(c, &listing, mode, &page);
}

static int check_manager(struct context *c, const struct ref *ref) {
    if (driver_of(ref->driver, ref->type)->allocator != ALLOCATOR_NONE)
        return 0;
    return reply_fail(c, 409, "The object \"%s\" is not a resource manager", c->args[1]);
}

int resourcemanager_show(struct context *c) {
    enum context_mode mode = input_mode(c, MODE_EXPANDED);
    struct object manager = {0};

    if (find_object(c, c->args[1], c->args[0], &manager) || check_manager(c, &manager.ref) ||
        input_check_mode(c, mode))
        return c->response->status;
    reply_depends_on(c, manager.ref.id);
    if (condition_shown(c, &manager))
        return c->response->status;
    return show_one(c, 200, mode, &manager);
}

/* --- creating --- */

static int answer_manager(struct context *c, const char *name, bool created,
                          enum context_mode mode) {
    struct object manager;

    if (reply_rc(c, store_object_by_name(c->store, c->arena, name, &manager)))
        return c->response->status;
    if (!created)
        response_header(c->response, "Warnings",
                        arena_printf(c->arena, "Resource manager \"/%s/%s\" already exists",
                                     manager.ref.driver, manager.ref.name));
    return show_one(c, created ? 201 : 202, mode, &manager);
}

int resourcemanager_create(struct context *c) {
    const struct driver *driver = driver_find(c->args[0]);
    const char *name = params_last(&c->request->params, "name");
    enum context_mode mode = input_mode(c, MODE_EXPANDED);
    struct creation creation = {driver, &name, 1, {0}};
    struct ref ref;
    bool created;

    if (!driver)
        return reply_fail(c, 412, "Requested driver \"%s\" does not exist", c->args[0]);
    if (driver->allocator == ALLOCATOR_NONE)
        return reply_fail(c, 409, "The driver \"%s\" is not a resource manager", driver->name);
    if (!name)
        return reply_fail(c, 412, "Provide a name for the resource manager");
    if (reply_verdict(c, names_check(c->arena, name, (size_t)c->options->max_name_characters)) ||
        reply_verdict(c,
                      properties_given(c->arena, driver, &c->request->params, &creation.attrs)) ||
        input_check_mode(c, mode) ||
        reply_rc(c, store_create(c->store, c->arena, &creation, &ref, &created)) ||
        condition_check_created(c, &ref, &created, 1))
        return c->response->status;
    return answer_manager(c, name, created, mode);
}

/* --- giving and taking --- */

/* The manager, with its properties, and an object (NULL: none), locked in one go. refs[1].id 0: no
 * such object. */
static int lock_both(struct context *c, const char *object, struct ref refs[2],
                     struct object *manager) {
    const char *names[2] = {c->args[1], object};
    enum rc rc = store_lock_manager(c->store, c->arena, names, object ? 2 : 1, refs, manager);

    if (rc == RC_OK && refs[0].id == 0)
        rc = RC_NOTFOUND;
    if (find_check(c, rc, c->args[1], &refs[0], c->args[0]))
        return c->response->status;
    return check_manager(c, &refs[0]);
}

/* Of a transaction it may be in an answer that is not there yet: then as many as it can be. */
static int read_count_ahead(struct context *c, int64_t *count) {
    const char *text = params_last(&c->request->params, "count");

    *count = MAX_COUNT;
    if (text && strstr(text, "${"))
        return 0;
    *count = 1;
    return input_number(c, "count", 1, MAX_COUNT, count);
}

/* The number for the rows of an allocation comes from a counter that all managers share: it is
 * taken ahead of the transaction, which else would make them wait for each other. Of which counter
 * is what the path says of the manager; if it was another one, that has been noted as missed. */
int resourcemanager_ask(struct context *c) {
    const struct driver *driver = driver_find(c->args[0]);
    int64_t wanted;
    size_t count;
    enum rc rc;

    if (read_count_ahead(c, &wanted))
        return c->response->status;
    c->allocations = (size_t)wanted;
    count = c->allocations_before + c->allocations;
    if (input_nonempty(c, "driver") || !input_nonempty(c, "object"))
        return 0;
    store_suspend_transaction(c->store, true);
    rc = store_reserve_missed(c->store, count);
    if (rc == RC_OK && driver && driver->resource_key && driver->allocator != ALLOCATOR_ENTITY_NAME)
        rc = store_reserve_numbers(c->store, driver->resource_key, count);
    store_suspend_transaction(c->store, false);
    return reply_rc(c, rc);
}

/* How many, and how. */
struct several {
    bool is_list; /* count was sent: the response is a list */
    bool adjacent;
    int64_t count;
};

static int read_several(struct context *c, const char *resource, struct several *out) {
    *out = (struct several){.is_list = params_last(&c->request->params, "count") != NULL,
                            .adjacent = input_boolean(c, "adjacent", false),
                            .count = 1};
    if (input_number(c, "count", 1, MAX_COUNT, &out->count))
        return c->response->status;
    if (resource && (out->is_list || out->adjacent))
        return reply_fail(c, 400, "\"resource\" can't be sent together with count or adjacent.");
    return 0;
}

/* One more, with the next of the numbers that were reserved. `free`: it was free a moment ago, and
 * another may be ahead who has not locked the manager. */
static int give_next(struct context *c, struct allocation *allocation, bool free,
                     struct attr *given) {
    const char *key = allocation->manager->driver->resource_key;
    struct verdict verdict;

    /* the path has another driver, or the server restarted */
    if (!store_reserved_number(c->store, key, &allocation->number))
        return reply_rc(c, RC_RETRY);
    verdict = alloc_give(c->store, c->arena, allocation, given);
    if (free && verdict.rc == RC_CONFLICT)
        verdict = verdict_of(RC_RETRY);
    if (reply_verdict(c, verdict))
        return c->response->status;
    store_number_used(key);
    return 0;
}

/* The next one of `count` was refused after `given`: that there is none left would be no news. */
static int too_few(struct context *c, const struct manager *manager, int64_t given, int64_t count) {
    if (given == 0 || c->rc != RC_OK || c->response->status != 409)
        return c->response->status;
    return reply_fail(c, 409, "\"%s\" has no %lld resources left, only %lld", manager->ref.name,
                      (long long)count, (long long)given);
}

static int give_all(struct context *c, struct manager *manager, struct allocation *allocation,
                    int64_t count, struct attr *given) {
    for (int64_t i = 0; i < count; i++) {
        if (give_next(c, allocation, false, &given[i]))
            return too_few(c, manager, i, count);
        if (manager->driver->allocator == ALLOCATOR_IP && !allocation->resource)
            manager->last_given = given[i].value.number; /* the next one is after it */
    }
    return 0;
}

static int give_adjacent(struct context *c, const struct manager *manager,
                         struct allocation *allocation, int64_t count, struct attr *given) {
    int64_t first = 0;

    if (reply_verdict(c, alloc_find_adjacent(c->store, c->arena, manager, count, &first)))
        return c->response->status;
    for (int64_t i = 0; i < count; i++) {
        allocation->resource = ip_text(c->arena, ip_from_stored((int32_t)(first + i)));
        if (give_next(c, allocation, true, &given[i]))
            return c->response->status;
    }
    return reply_verdict(c, alloc_set_last(c->store, manager, first + count - 1));
}

static int show_given(struct context *c, const struct several *several, const struct attr *given) {
    reply_json(c, 201);
    if (several->is_list)
        json_array_open(c->json);
    for (int64_t i = 0; i < several->count; i++)
        show_attr(c, &given[i]);
    if (several->is_list)
        json_array_close(c->json);
    return reply_end(c);
}

static int give_to_object(struct context *c, const char *name, const char *resource) {
    struct allocation allocation = {.resource = resource};
    struct several several;
    struct ref refs[2] = {{0}};
    struct object properties;
    struct manager manager;
    struct attr *given;

    if (read_several(c, resource, &several) || lock_both(c, name, refs, &properties))
        return c->response->status;
    if (refs[1].id == 0)
        return reply_fail(c, 404, "Thing was \"%s\" not found", name);
    if (reply_verdict(c, manager_read(c->arena, &properties, &manager)))
        return c->response->status;
    if (manager.driver->allocator == ALLOCATOR_ENTITY_NAME)
        return reply_fail(c, 409, "\"%s\" gives names to new objects only: send a \"driver\"",
                          manager.ref.name);
    if (reply_verdict(c, alloc_check_key(c->store, c->arena, &manager)))
        return c->response->status;
    allocation.manager = &manager;
    allocation.object = &refs[1];
    given = arena_array(c->arena, (size_t)several.count, sizeof *given);
    if (condition_check(c, &refs[0]) ||
        (several.adjacent ? give_adjacent(c, &manager, &allocation, several.count, given)
                          : give_all(c, &manager, &allocation, several.count, given)))
        return c->response->status;
    return show_given(c, &several, given);
}

/* An object with the manager's next name (or this one). */
static int create_named(struct context *c, const struct driver *driver,
                        const struct manager *manager, const char *resource, struct ref *ref) {
    const char *name;
    struct creation creation = {driver, &name, 1, properties_default(c->arena, driver)};
    size_t max = (size_t)c->options->max_name_characters;
    bool created = false;

    for (int tries = 0; !created && tries < 16; tries++) {
        if (reply_verdict(c, alloc_name(c->store, c->arena, manager, resource, max, &name)) ||
            reply_rc(c, store_create(c->store, c->arena, &creation, ref, &created)))
            return c->response->status;
        if (!created && resource)
            return reply_fail(c, 409, "\"%s\" already exists", resource);
    }
    return created ? 0 : reply_rc(c, RC_RETRY);
}

static int create_all(struct context *c, const struct driver *driver, const struct manager *manager,
                      const char *resource, const struct several *several) {
    struct ref *refs = arena_array(c->arena, (size_t)several->count, sizeof *refs);

    for (int64_t i = 0; i < several->count; i++)
        if (create_named(c, driver, manager, resource, &refs[i]))
            return too_few(c, manager, i, several->count);
    reply_json(c, 201);
    if (several->is_list)
        json_array_open(c->json);
    for (int64_t i = 0; i < several->count; i++)
        show_ref(c, &refs[i]);
    if (several->is_list)
        json_array_close(c->json);
    return reply_end(c);
}

static int give_to_driver(struct context *c, const char *name, const char *resource) {
    const struct driver *driver = driver_find(name);
    struct ref refs[2] = {{0}};
    struct object properties;
    struct several several;
    struct manager manager;

    if ((driver && find_may_manage(c, driver)) || read_several(c, resource, &several) ||
        lock_both(c, NULL, refs, &properties))
        return c->response->status;
    if (!driver)
        return reply_fail(c, 404, "Thing was \"%s\" not found", name);
    if (reply_verdict(c, manager_read(c->arena, &properties, &manager)))
        return c->response->status;
    if (manager.driver->allocator != ALLOCATOR_ENTITY_NAME)
        return reply_fail(c, 409, "\"%s\" gives resources to objects only: send an \"object\"",
                          manager.ref.name);
    if (strcmp(driver->name, "clustometa") == 0)
        return reply_fail(c, 409, "clustometa cannot be created or deleted");
    if (condition_check(c, &refs[0]))
        return c->response->status;
    if (several.adjacent)
        return reply_fail(c, 409, "\"%s\" has no range of addresses", manager.ref.name);
    return create_all(c, driver, &manager, resource, &several);
}

int resourcemanager_allocate(struct context *c) {
    const char *driver = input_nonempty(c, "driver"), *object = input_nonempty(c, "object"),
               *resource = input_nonempty(c, "resource");
    struct ref refs[2] = {{0}};
    struct object manager;

    if (driver)
        return give_to_driver(c, driver, resource);
    if (object)
        return give_to_object(c, object, resource);
    if (lock_both(c, NULL, refs, &manager))
        return c->response->status;
    return reply_fail(c, 404, "Cannot allocate an empty thing, send one of \"driver\", \"object\"");
}

int resourcemanager_deallocate(struct context *c) {
    const char *object = input_nonempty(c, "object");
    const char *resource = params_last(&c->request->params, "resource");
    struct allocation allocation = {.resource = resource};
    struct ref refs[2] = {{0}};
    struct object properties;
    struct manager manager;

    if (lock_both(c, object, refs, &properties))
        return c->response->status;
    if (!object)
        return reply_fail(c, 404, "Cannot deallocate empty, send an object to deallocate");
    if (refs[1].id == 0)
        return reply_fail(c, 404, "Object \"%s\" not found (%s does not exist.)", object, object);
    if (resource && !*resource) /* a script's empty variable must not give back everything */
        return reply_fail(c, 400, "\"resource\" is empty: leave it out to give back everything");
    /* properties that make no sense are no reason to keep what was given */
    manager = (struct manager){.ref = refs[0], .driver = driver_of(refs[0].driver, refs[0].type)};
    allocation.manager = &manager;
    allocation.object = &refs[1];
    if (condition_check(c, &refs[0]) ||
        reply_verdict(c, alloc_check_key(c->store, c->arena, &manager)) ||
        reply_verdict(c, alloc_take(c->store, c->arena, &allocation)))
        return c->response->status;
    return reply_empty(c, 204);
}
