/* alloc.c: managers give resources to objects and take them back, never twice
 * (contract/inventory.md 5). */
#include <string.h>

#include "model/ip.h"
#include "model/names.h"
#include "rules/alloc.h"

/* How often another transaction may be ahead of us before the request is run again. */
#define CLAIM_TRIES 64

static struct verdict taken(struct arena *arena, const char *resource) {
    return verdict_conflict(
        arena_printf(arena, "Requested resource is not available: \"%s\"", resource));
}

static struct verdict exhausted(struct arena *arena, const struct manager *manager) {
    return verdict_conflict(arena_printf(arena, "\"%s\" has no resource left", manager->ref.name));
}

static struct verdict none_to_choose(struct arena *arena, const struct manager *manager) {
    return verdict_conflict(arena_printf(
        arena, "\"%s\" cannot choose a resource, send one as \"resource\"", manager->ref.name));
}

/* --- addresses --- */

static struct value int_value(int64_t number) {
    return (struct value){.datatype = DATATYPE_INT, .number = number};
}

static struct value string_value(const char *text) {
    return (struct value){.datatype = DATATYPE_STRING, .text = text};
}

/* The first free address in from..last, claimed. RC_NOTFOUND: none; RC_RETRY: others hold claims.
 */
static enum rc claim_ip_between(struct store *store, const struct manager *manager, int64_t from,
                                int64_t last, int64_t *out) {
    bool met_others = false;

    for (int i = 0; i < CLAIM_TRIES && from <= last; i++) {
        struct value value;
        enum claim claim;
        int32_t holder;
        enum rc rc = store_next_ip(store, from, last, out);

        if (rc == RC_NOTFOUND)
            break;
        if (rc != RC_OK)
            return rc;
        from = *out + 1;
        if (*out == manager->gateway)
            continue;
        value = int_value(*out);
        rc = store_claim(store, "ip", &value, 0, false, &claim, &holder);
        if (rc != RC_OK || claim == CLAIM_OURS)
            return rc;
        met_others = true;
    }
    return met_others ? RC_RETRY : RC_NOTFOUND;
}

/* Goes on behind the last one given and wraps. */
static struct verdict choose_ip(struct store *store, struct arena *arena,
                                const struct manager *manager, int64_t *out) {
    int64_t start = manager->first;
    enum rc rc;

    if (!manager->has_range)
        return none_to_choose(arena, manager);
    if (manager->last_given >= manager->first && manager->last_given < manager->last)
        start = manager->last_given + 1;
    rc = claim_ip_between(store, manager, start, manager->last, out);
    if (rc == RC_NOTFOUND)
        rc = claim_ip_between(store, manager, manager->first, start - 1, out);
    if (rc == RC_NOTFOUND)
        return exhausted(arena, manager);
    if (rc == RC_OK)
        rc = store_set_last(store, manager->ref.id, "_lastip", *out);
    return verdict_failed(rc);
}

/* The text as a stored address that this manager may give. */
static struct verdict read_ip(struct arena *arena, const struct manager *manager,
                              const char *resource, int64_t *out) {
    uint32_t address;

    if (!ip_parse_any(resource, &address))
        return verdict_invalid(arena_printf(arena, "\"%s\" is not an IPv4 address", resource));
    *out = ip_to_stored(address);
    if (manager->has_range && (*out < manager->first || *out > manager->last))
        return verdict_invalid(arena_printf(arena, "the address %s is out of the range of \"%s\"",
                                            ip_text(arena, address), manager->ref.name));
    return verdict_ok();
}

/* Claims exactly this resource, waiting for whoever is giving it out now. */
static struct verdict claim_exactly(struct store *store, struct arena *arena, const char *key,
                                    const struct value *value, int32_t manager,
                                    const char *resource) {
    enum claim claim;
    int32_t holder;
    enum rc rc = store_claim(store, key, value, manager, true, &claim, &holder);

    if (rc == RC_OK && claim != CLAIM_OURS)
        return taken(arena, resource);
    return verdict_failed(rc);
}

static struct verdict give_ip(struct store *store, struct arena *arena,
                              const struct manager *manager, const struct ref *object,
                              const char *resource, struct value *value) {
    int64_t stored = 0;
    struct verdict v;

    (void)object;
    if (!resource) {
        v = choose_ip(store, arena, manager, &stored);
        *value = int_value(stored);
        return v;
    }
    v = read_ip(arena, manager, resource, &stored);
    if (v.rc != RC_OK)
        return v;
    *value = int_value(stored);
    return claim_exactly(store, arena, "ip", value, 0, resource);
}

/* --- names --- */

static int64_t greatest_number(int64_t digits) {
    int64_t number = 1;

    while (digits-- > 0)
        number *= 10;
    return number - 1;
}

static const char *name_of(struct arena *arena, const struct manager *manager, int64_t number) {
    return arena_printf(arena, "%s%0*lld", manager->basename,
                        manager->leading_zeros ? (int)manager->digits : 1, (long long)number);
}

/* The next free name, the counter moved behind it. `key` NULL: among objects, else among
 * attributes. */
static struct verdict next_name(struct store *store, struct arena *arena,
                                const struct manager *manager, const char *key, const char **name) {
    int64_t from = manager->next, number;
    enum rc rc = store_counter(store, manager->ref.id, "next", &from);

    if (rc != RC_OK && rc != RC_NOTFOUND)
        return verdict_failed(rc);
    rc =
        store_next_name(store, manager->basename, manager->leading_zeros ? (int)manager->digits : 0,
                        from, greatest_number(manager->digits), key, &number);
    if (rc == RC_NOTFOUND)
        return exhausted(arena, manager);
    if (rc != RC_OK)
        return verdict_failed(rc);
    *name = name_of(arena, manager, number);
    return verdict_failed(store_set_counter(store, manager->ref.id, "next", number + 1));
}

static struct verdict give_name(struct store *store, struct arena *arena,
                                const struct manager *manager, const char *resource,
                                struct value *value) {
    const char *key = manager->driver->resource_key;

    if (resource) {
        *value = string_value(resource);
        return claim_exactly(store, arena, key, value, 0, resource);
    }
    for (int i = 0; i < CLAIM_TRIES; i++) {
        const char *name = NULL;
        enum claim claim;
        int32_t holder;
        enum rc rc;
        struct verdict v = next_name(store, arena, manager, key, &name);

        if (v.rc != RC_OK)
            return v;
        *value = string_value(name);
        rc = store_claim(store, key, value, 0, true, &claim, &holder);
        if (rc != RC_OK || claim == CLAIM_OURS)
            return verdict_failed(rc);
    }
    return verdict_failed(RC_RETRY);
}

struct verdict alloc_name(struct store *store, struct arena *arena, const struct manager *manager,
                          const char *resource, size_t longest, const char **name) {
    struct verdict v;
    const char *problem;

    *name = resource;
    v = resource ? verdict_ok() : next_name(store, arena, manager, NULL, name);
    if (v.rc != RC_OK)
        return v;
    problem = names_check(arena, *name, longest);
    return problem ? verdict_invalid(problem) : verdict_ok();
}

/* --- giving and taking --- */

static struct verdict choose(struct store *store, struct arena *arena,
                             const struct manager *manager, const struct ref *object,
                             const char *resource, struct value *value) {
    switch (manager->driver->allocator) {
    case ALLOCATOR_IP: return give_ip(store, arena, manager, object, resource, value);
    case ALLOCATOR_NAME: return give_name(store, arena, manager, resource, value);
    case ALLOCATOR_RESOURCE:
    case ALLOCATOR_ENTITY_NAME:
    case ALLOCATOR_NONE: break;
    }
    if (!resource)
        return none_to_choose(arena, manager);
    *value = string_value(resource);
    return claim_exactly(store, arena, manager->driver->resource_key, value, manager->ref.id,
                         resource);
}

/* The rows that record an allocation, all with one number (contract/inventory.md 5). */
static size_t record(struct arena *arena, const struct manager *manager, const struct value *value,
                     int32_t number, struct attr *rows) {
    const char *key = manager->driver->resource_key;
    struct value to_manager = {.datatype = DATATYPE_RELATION, .related_id = manager->ref.id};
    const char *address;

    rows[0] = (struct attr){.key = key, .has_number = true, .number = number, .value = *value};
    rows[1] = (struct attr){
        .key = key, .subkey = "manager", .has_number = true, .number = number, .value = to_manager};
    if (manager->driver->allocator != ALLOCATOR_IP)
        return 2;
    address = ip_text(arena, ip_from_stored((int32_t)value->number));
    rows[2] = (struct attr){.key = key,
                            .subkey = "ipstring",
                            .has_number = true,
                            .number = number,
                            .value = string_value(address)};
    rows[3] = (struct attr){
        .key = key,
        .subkey = "cidr",
        .has_number = true,
        .number = number,
        .value = string_value(arena_printf(arena, "%s/%d", address, manager->netmask_bits))};
    return 4;
}

struct verdict alloc_give(struct store *store, struct arena *arena, const struct manager *manager,
                          const struct ref *object, const char *resource, int32_t number,
                          struct attr *given) {
    struct attr rows[4];
    struct value value = {.datatype = DATATYPE_STRING};
    struct verdict v = choose(store, arena, manager, object, resource, &value);
    size_t count;

    if (v.rc != RC_OK)
        return v;
    count = record(arena, manager, &value, number, rows);
    *given = rows[0];
    store_add_attrs(store, object->id, rows, count);
    return verdict_ok();
}

/* One resource: nothing if nobody has it, refused if another object has it. */
static struct verdict take_one(struct store *store, struct arena *arena,
                               const struct manager *manager, const struct ref *object,
                               const char *resource) {
    const char *key = manager->driver->resource_key;
    bool is_ip = manager->driver->allocator == ALLOCATOR_IP;
    struct value value = string_value(resource);
    enum claim claim;
    int32_t holder = 0;
    bool taken;
    enum rc rc;

    if (is_ip) {
        uint32_t address;

        if (!ip_parse_any(resource, &address))
            return verdict_invalid(arena_printf(arena, "\"%s\" is not an IPv4 address", resource));
        value = int_value(ip_to_stored(address));
    }
    rc = store_release(store, manager->ref.id, object->id, key, &value, &taken);
    if (rc != RC_OK || taken)
        return verdict_failed(rc);
    rc = store_claim(store, key, &value, manager->ref.id, true, &claim, &holder);
    if (rc == RC_OK && claim == CLAIM_HELD && holder != object->id)
        return verdict_conflict(
            arena_printf(arena, "\"%s\" is not allocated to \"%s\"", resource, object->name));
    return verdict_failed(rc);
}

struct verdict alloc_take(struct store *store, struct arena *arena, const struct manager *manager,
                          const struct ref *object, const char *resource) {
    bool taken;

    if (manager->driver->allocator == ALLOCATOR_ENTITY_NAME)
        return verdict_conflict("can't deallocate an entity name, delete the entity instead.");
    if (resource)
        return take_one(store, arena, manager, object, resource);
    return verdict_failed(store_release(store, manager->ref.id, object->id,
                                        manager->driver->resource_key, NULL, &taken));
}
