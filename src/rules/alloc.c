/* alloc.c: managers give resources to objects and take them back, never twice
 * (contract/inventory.md 5). */
#include "rules/alloc.h"

#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "model/ip.h"
#include "model/names.h"

/* How often another transaction may be ahead of us before the request is run again. */
#define CLAIM_TRIES 64

static struct verdict exhausted(struct arena *arena, const struct manager *manager) {
    return verdict_no(arena, RC_CONFLICT, "\"%s\" has no resource left", manager->ref.name);
}

static struct verdict none_to_choose(struct arena *arena, const struct manager *manager) {
    return verdict_no(arena, RC_CONFLICT,
                      "\"%s\" cannot choose a resource, send one as \"resource\"",
                      manager->ref.name);
}

static struct value int_value(int64_t number) {
    return (struct value){.datatype = DATATYPE_INT, .number = number};
}

static struct value string_value(const char *text) {
    return (struct value){.datatype = DATATYPE_STRING, .text = text};
}

/* Claims exactly this resource, after whoever is giving it out now. */
static struct verdict claim_exactly(struct store *store, struct arena *arena,
                                    const struct allocation *a, const struct value *value,
                                    int32_t manager) {
    const struct resource resource = {a->manager->driver->resource_key, *value, manager};
    struct claim claim;

    RC_TRY(store_claim(store, &resource, true, &claim));
    if (claim.state != CLAIM_OURS)
        return verdict_no(arena, RC_CONFLICT, "Requested resource is not available: \"%s\"",
                          a->resource);
    return verdict_of(RC_OK);
}

/* --- addresses --- */

struct verdict alloc_set_last(struct store *store, const struct manager *manager, int64_t last) {
    if (manager->last_given == INT64_MIN)
        return verdict_of(store_set_last(store, manager->ref.id, last));
    store_move_last(store, manager->ref.id, last);
    return verdict_of(RC_OK);
}

/* What is given. */
struct choice {
    struct value value;
    bool with_number; /* its number is claimed as well */
    bool moves_last;  /* the next search begins after it */
};

/* Goes on after the last one given and wraps. */
static struct verdict choose_ip(struct store *store, struct arena *arena,
                                const struct allocation *a, struct choice *out) {
    const struct manager *manager = a->manager;
    const char *key = manager->driver->resource_key;
    struct ip_range range = {manager->first, manager->last, manager->gateway};
    enum rc rc;

    if (!manager->has_range)
        return none_to_choose(arena, manager);
    if (manager->last_given >= manager->first && manager->last_given < manager->last)
        range.from = manager->last_given + 1;
    *out = (struct choice){int_value(0), .with_number = true, .moves_last = true};
    rc = store_claim_ip(store, &range, key, a->number, &out->value.number);
    if (rc == RC_NOTFOUND && range.from > manager->first) {
        range = (struct ip_range){manager->first, range.from - 1, manager->gateway};
        rc = store_claim_ip(store, &range, key, a->number, &out->value.number);
    }
    if (rc == RC_NOTFOUND)
        return exhausted(arena, manager);
    RC_TRY(rc);
    return verdict_of(RC_OK);
}

struct run {
    int64_t count, first;
    bool found;
};

static bool look_at_range(void *context, int64_t first, int64_t last) {
    struct run *run = context;

    if (!run->found && last - first + 1 >= run->count)
        *run = (struct run){run->count, first, true};
    return true;
}

struct verdict alloc_find_adjacent(struct store *store, struct arena *arena,
                                   const struct manager *manager, int64_t count, int64_t *first) {
    struct run run = {.count = count};

    if (manager->driver->allocator != ALLOCATOR_IP || !manager->has_range)
        return verdict_no(arena, RC_CONFLICT, "\"%s\" has no range of addresses",
                          manager->ref.name);
    RC_TRY(store_free_ranges(store, manager->first, manager->last, manager->gateway, look_at_range,
                             &run));
    if (!run.found)
        return verdict_no(arena, RC_CONFLICT, "\"%s\" has no %lld adjacent addresses left",
                          manager->ref.name, (long long)count);
    *first = run.first;
    return verdict_of(RC_OK);
}

/* The text as a stored address. */
static struct verdict read_ip(struct arena *arena, const char *resource, struct value *value) {
    uint32_t address;

    if (!ip_parse_any(resource, &address))
        return verdict_no(arena, RC_INVALID, "\"%s\" is not an IPv4 address", resource);
    *value = int_value(ip_to_stored(address));
    return verdict_of(RC_OK);
}

static struct verdict give_ip(struct store *store, struct arena *arena, const struct allocation *a,
                              struct choice *out) {
    const struct manager *manager = a->manager;
    struct value *value = &out->value;

    if (!a->resource)
        return choose_ip(store, arena, a, out);
    VERDICT_TRY(read_ip(arena, a->resource, value));
    if (manager->has_range &&
        (value->number < manager->network || value->number > manager->broadcast))
        return verdict_no(arena, RC_INVALID, "the address %s is out of the range of \"%s\"",
                          ip_text(arena, ip_from_stored((int32_t)value->number)),
                          manager->ref.name);
    return claim_exactly(store, arena, a, value, 0);
}

/* --- names --- */

/* What fits the digits and the counter. */
static int64_t greatest_number(int64_t digits) {
    int64_t number = 1;

    while (digits-- > 0 && number <= INT32_MAX)
        number *= 10;
    return number <= INT32_MAX ? number - 1 : INT32_MAX;
}

/* The next free name, the counter moved past it. `key` NULL: among objects, else among attributes.
 */
static struct verdict next_name(struct store *store, struct arena *arena,
                                const struct manager *manager, const char *key, const char **name) {
    struct name_series series = {manager->basename,
                                 manager->leading_zeros ? (int)manager->digits : 0, manager->next,
                                 greatest_number(manager->digits)};

    int64_t number;
    enum rc rc = store_counter(store, manager->ref.id, "next", &series.from);

    if (rc == RC_OK || rc == RC_NOTFOUND)
        rc = store_next_name(store, &series, key, &number);
    if (rc == RC_NOTFOUND)
        return exhausted(arena, manager);
    RC_TRY(rc);
    *name = arena_printf(arena, "%s%0*lld", series.base, series.digits, (long long)number);
    /* after the last one the counter stays at it: that name is in use then */
    return verdict_of(store_set_counter(store, manager->ref.id, "next",
                                        number < INT32_MAX ? number + 1 : number));
}

static struct verdict give_name(struct store *store, struct arena *arena,
                                const struct allocation *a, struct value *value) {
    const char *key = a->manager->driver->resource_key;

    if (a->resource) {
        *value = string_value(a->resource);
        return claim_exactly(store, arena, a, value, 0);
    }
    for (int i = 0; i < CLAIM_TRIES; i++) {
        struct resource resource = {.key = key, .value = string_value(NULL)};
        struct claim claim;

        VERDICT_TRY(next_name(store, arena, a->manager, key, &resource.value.text));
        RC_TRY(store_claim(store, &resource, true, &claim));
        *value = resource.value;
        if (claim.state == CLAIM_OURS)
            return verdict_of(RC_OK);
    }
    return verdict_of(RC_RETRY);
}

static struct verdict read_number(struct arena *arena, const char *text, struct value *value) {
    *value = int_value(0);
    if (num_parse(text, &value->number) != NUM_OK || value->number < INT32_MIN ||
        value->number > INT32_MAX)
        return verdict_no(arena, RC_INVALID, "\"%s\" is not an integer", text);
    return verdict_of(RC_OK);
}

/* The next free one, the counter moved before it is claimed: the order of Python clusto. */
static struct verdict choose_number(struct store *store, struct arena *arena,
                                    const struct manager *manager, struct value *value) {
    struct resource resource = {.key = manager->driver->resource_key, .manager = manager->ref.id};
    struct claim claim = {.state = CLAIM_HELD};
    int64_t number = manager->next;
    enum rc rc = store_counter(store, manager->ref.id, "next", &number);

    if (rc != RC_OK && rc != RC_NOTFOUND)
        return verdict_of(rc);
    for (int i = 0; i < CLAIM_TRIES && claim.state != CLAIM_OURS; i++, number++) {
        rc = store_next_number(store, &resource, number, manager->last, &number);
        if (rc == RC_NOTFOUND)
            return exhausted(arena, manager);
        RC_TRY(rc);
        RC_TRY(store_set_counter(store, manager->ref.id, "next",
                                 number < INT32_MAX ? number + 1 : number));
        *value = resource.value = int_value(number);
        RC_TRY(store_claim(store, &resource, true, &claim));
    }
    return verdict_of(claim.state == CLAIM_OURS ? RC_OK : RC_RETRY);
}

static struct verdict give_number(struct store *store, struct arena *arena,
                                  const struct allocation *a, struct value *value) {
    if (!a->resource)
        return choose_number(store, arena, a->manager, value);
    VERDICT_TRY(read_number(arena, a->resource, value));
    return claim_exactly(store, arena, a, value, a->manager->ref.id);
}

struct verdict alloc_name(struct store *store, struct arena *arena, const struct manager *manager,
                          const char *resource, size_t longest, const char **name) {
    *name = resource;
    if (!resource)
        VERDICT_TRY(next_name(store, arena, manager, NULL, name));
    return names_check(arena, *name, longest);
}

/* --- giving and taking --- */

static struct verdict choose(struct store *store, struct arena *arena, const struct allocation *a,
                             struct choice *out) {
    *out = (struct choice){.with_number = false};
    switch (a->manager->driver->allocator) {
    case ALLOCATOR_IP: return give_ip(store, arena, a, out);
    case ALLOCATOR_NAME: return give_name(store, arena, a, &out->value);
    case ALLOCATOR_NUMBER: return give_number(store, arena, a, &out->value);
    case ALLOCATOR_RESOURCE:
    case ALLOCATOR_ENTITY_NAME:
    case ALLOCATOR_NONE: break;
    }
    if (!a->resource)
        return none_to_choose(arena, a->manager);
    out->value = string_value(a->resource);
    return claim_exactly(store, arena, a, &out->value, a->manager->ref.id);
}

/* The rows that record an allocation, all with one number (contract/inventory.md 5). */
static size_t record(struct arena *arena, const struct allocation *a, const struct value *value,
                     struct attr rows[4]) {
    const struct manager *manager = a->manager;
    const struct attr row = {
        .key = manager->driver->resource_key, .has_number = true, .number = a->number};
    const char *address;

    rows[0] = rows[1] = rows[2] = rows[3] = row;
    rows[0].value = *value;
    rows[1].subkey = "manager";
    rows[1].value = (struct value){.datatype = DATATYPE_RELATION, .related_id = manager->ref.id};
    if (manager->driver->allocator != ALLOCATOR_IP)
        return 2;
    address = ip_text(arena, ip_from_stored((int32_t)value->number));
    rows[2].subkey = "ipstring";
    rows[2].value = string_value(address);
    rows[3].subkey = "cidr";
    rows[3].value = string_value(arena_printf(arena, "%s/%d", address, manager->netmask_bits));
    return 4;
}

struct verdict alloc_check_key(struct store *store, struct arena *arena,
                               const struct manager *manager) {
    const struct driver *driver = manager->driver;
    const char *other;

    if (driver_is_builtin(driver) || driver->allocator == ALLOCATOR_ENTITY_NAME)
        return verdict_of(RC_OK);
    RC_TRY(store_other_key(store, arena, manager->ref.id, driver->resource_key, &other));
    if (other)
        log_warning("the manager \"%s\" has given resources under the key \"%s\": see resource_key "
                    "of the driver \"%s\"",
                    manager->ref.name, other, driver->name);
    if (driver->resource_key)
        return verdict_of(RC_OK);
    return verdict_no(arena, RC_CONFLICT,
                      "The driver \"%s\" has no resource_key in the configuration: "
                      "\"%s\" gives and takes nothing",
                      driver->name, manager->ref.name);
}

/* The number for what was chosen, if that has not come with it. */
static struct verdict claim_number(struct store *store, const struct allocation *a,
                                   const struct choice *choice) {
    const struct resource resource = {.key = a->manager->driver->resource_key,
                                      .value = choice->value};
    bool taken = false;

    if (!choice->with_number)
        RC_TRY(store_claim_number(store, &resource, a->number, &taken));
    return verdict_of(taken ? RC_RETRY : RC_OK);
}

struct verdict alloc_give(struct store *store, struct arena *arena,
                          const struct allocation *allocation, struct attr *added) {
    const struct manager *manager = allocation->manager;
    struct giving giving = {.manager = manager->ref.id, .object = allocation->object->id};
    struct choice choice;
    struct attr rows[4];

    VERDICT_TRY(choose(store, arena, allocation, &choice));
    VERDICT_TRY(claim_number(store, allocation, &choice));
    giving.moves_last = choice.moves_last && manager->last_given != INT64_MIN;
    giving.last = choice.value.number;
    if (choice.moves_last && !giving.moves_last)
        RC_TRY(store_set_last(store, manager->ref.id, giving.last));
    store_give(store, &giving, rows, record(arena, allocation, &choice.value, rows));
    *added = rows[0];
    return verdict_of(RC_OK);
}

/* One resource: nothing if it is free, refused if another object has it. */
static struct verdict take_one(struct store *store, struct arena *arena,
                               const struct allocation *a) {
    const struct manager *manager = a->manager;
    struct resource resource = {manager->driver->resource_key, string_value(a->resource),
                                manager->ref.id};
    struct claim claim;
    bool taken;

    if (manager->driver->allocator == ALLOCATOR_IP)
        VERDICT_TRY(read_ip(arena, a->resource, &resource.value));
    if (manager->driver->allocator == ALLOCATOR_NUMBER)
        VERDICT_TRY(read_number(arena, a->resource, &resource.value));
    RC_TRY(store_release(store, manager->ref.id, a->object->id, resource.key, &resource.value,
                         &taken));
    if (taken)
        return verdict_of(RC_OK);
    RC_TRY(store_claim(store, &resource, true, &claim));
    if (claim.state == CLAIM_HELD && claim.holder != a->object->id)
        return verdict_no(arena, RC_CONFLICT, "\"%s\" is not allocated to \"%s\"", a->resource,
                          a->object->name);
    return verdict_of(RC_OK);
}

struct verdict alloc_take(struct store *store, struct arena *arena,
                          const struct allocation *allocation) {
    const struct driver *driver = allocation->manager->driver;
    bool taken;

    if (driver->allocator == ALLOCATOR_ENTITY_NAME)
        return verdict_no(arena, RC_CONFLICT,
                          "can't deallocate an entity name, delete the entity instead.");
    if (allocation->resource)
        return take_one(store, arena, allocation);
    return verdict_of(store_release(store, allocation->manager->ref.id, allocation->object->id,
                                    driver->resource_key, NULL, &taken));
}
