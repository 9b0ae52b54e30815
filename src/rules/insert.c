/* insert.c: who may be put into what (contract/drivers.md), decided on locked rows. */
#include <string.h>

#include "model/driver.h"
#include "rules/insert.h"
#include "rules/properties.h"

/* Of a rack whose driver does not say. */
#define RACK_MINIMUM "1"
#define RACK_MAXIMUM "45"

static const struct driver *driver_of_ref(const struct ref *ref) {
    return driver_of(ref->driver, ref->type);
}

static bool is_pool(const struct driver *driver) {
    return driver->insert_rule == INSERT_POOL || driver->insert_rule == INSERT_UNIQUE_POOL ||
           driver->insert_rule == INSERT_EXCLUSIVE_POOL;
}

static const char *in_another(struct arena *arena, const struct ref *member,
                              const struct ref *other) {
    return arena_printf(arena, "\"%s\" is already in the %s \"%s\"", member->name, other->driver,
                        other->name);
}

/* Does being in `other` keep the member out of a container with this driver? */
static bool excludes(const struct driver *container, const struct driver *other) {
    switch (container->insert_rule) {
    case INSERT_POOL: return other->insert_rule == INSERT_EXCLUSIVE_POOL;
    case INSERT_UNIQUE_POOL:
        return other->insert_rule == INSERT_EXCLUSIVE_POOL ||
               other->insert_rule == INSERT_UNIQUE_POOL;
    case INSERT_EXCLUSIVE_POOL: return is_pool(other);
    case INSERT_LOCATION: return strcmp(other->name, container->name) == 0;
    case INSERT_RACK: return other->insert_rule == INSERT_RACK;
    case INSERT_ANY: break;
    }
    return true;
}

const char *insert_refusal(struct arena *arena, const struct ref *container,
                           const struct ref *member, const struct membership *memberships,
                           size_t count) {
    const struct driver *driver = driver_of_ref(container);

    if (container->id == member->id)
        return arena_printf(arena, "\"%s\" cannot be put into itself", member->name);
    if (driver->insert_rule == INSERT_RACK &&
        !driver_is_a(driver_of_ref(member), driver_find("device")))
        return arena_printf(arena, "\"%s\" is no device: only devices can be racked", member->name);
    for (size_t i = 0; i < count; i++)
        if (memberships[i].member == member->id && memberships[i].container.id != container->id &&
            excludes(driver, driver_of_ref(&memberships[i].container)))
            return in_another(arena, member, &memberships[i].container);
    return NULL;
}

static bool is_in(const struct ref *container, int32_t member, const struct membership *memberships,
                  size_t count) {
    for (size_t i = 0; i < count; i++)
        if (memberships[i].member == member && memberships[i].container.id == container->id)
            return true;
    return false;
}

/* Nothing may end up inside itself. */
static struct verdict check_ancestors(struct store *store, struct arena *arena,
                                      const struct ref *container, const struct ref *members,
                                      const int32_t *ids, size_t count) {
    int32_t inside = 0;
    enum rc rc = store_find_ancestor(store, container->id, ids, count, &inside);

    if (rc != RC_OK)
        return verdict_failed(rc);
    for (size_t i = 0; inside != 0 && i < count; i++)
        if (members[i].id == inside)
            return verdict_conflict(arena_printf(arena,
                                                 "\"%s\" contains \"%s\" and cannot be put into it",
                                                 members[i].name, container->name));
    return verdict_ok();
}

/* The units that a rack has. */
static struct verdict read_rack(struct store *store, struct arena *arena, const struct ref *rack,
                                int64_t *minimum, int64_t *maximum) {
    const struct attr_filter filter = {.subkey = "property"};
    const struct driver *driver = driver_of_ref(rack);
    struct object object = {.ref = *rack};
    struct ref ref;
    struct verdict v = verdict_failed(store_attrs_by_name(store, arena, rack->name, &filter, &ref,
                                                          &object.attrs, &object.attr_count));

    if (v.rc == RC_OK)
        v = properties_number(arena, &object, driver, "minu", RACK_MINIMUM, INT32_MIN, INT32_MAX,
                              minimum);
    if (v.rc == RC_OK)
        v = properties_number(arena, &object, driver, "maxu", RACK_MAXIMUM, INT32_MIN, INT32_MAX,
                              maximum);
    return v;
}

/* The units themselves: adjacent, within the rack, none twice. */
static struct verdict check_units(struct store *store, struct arena *arena, const struct ref *rack,
                                  const int32_t *units, size_t count) {
    int64_t minimum, maximum, lowest = INT32_MAX, highest = INT32_MIN;
    struct verdict v = read_rack(store, arena, rack, &minimum, &maximum);

    if (v.rc != RC_OK)
        return v;
    for (size_t i = 0; i < count; i++) {
        lowest = units[i] < lowest ? units[i] : lowest;
        highest = units[i] > highest ? units[i] : highest;
        for (size_t k = 0; k < i; k++)
            if (units[k] == units[i])
                return verdict_invalid(arena_printf(arena, "rackU %d is given twice", units[i]));
    }
    if (lowest < minimum || highest > maximum)
        return verdict_invalid(arena_printf(arena, "rackU must be from %lld to %lld in \"%s\"",
                                            (long long)minimum, (long long)maximum, rack->name));
    if (highest - lowest + 1 != (int64_t)count)
        return verdict_invalid("the units of rackU must be adjacent");
    return verdict_ok();
}

/* The name of who is in the way, for the message. */
static struct verdict occupied(struct arena *arena, const struct ref *rack, int32_t unit) {
    return verdict_conflict(arena_printf(arena, "unit %d of \"%s\" is occupied", unit, rack->name));
}

static struct verdict insert_racked(struct store *store, struct arena *arena,
                                    const struct ref *rack, const struct ref *member,
                                    const int32_t *units, size_t count) {
    struct membership *contained;
    size_t contained_count;
    struct verdict v = check_units(store, arena, rack, units, count);
    enum rc rc;

    if (v.rc != RC_OK)
        return v;
    rc = store_contained(store, arena, rack->id, &contained, &contained_count);
    if (rc != RC_OK)
        return verdict_failed(rc);
    for (size_t i = 0; i < contained_count; i++)
        for (size_t k = 0; k < count; k++)
            if (contained[i].has_unit && contained[i].unit == units[k])
                return occupied(arena, rack, units[k]);
    return verdict_failed(store_insert_racked(store, rack->id, member->id, units, count));
}

/* The members that are not in yet, each once. */
static size_t new_members(struct arena *arena, const struct ref *container,
                          const struct ref *members, size_t count,
                          const struct membership *memberships, size_t membership_count,
                          struct ref **out, int32_t **ids) {
    size_t n = 0;

    *out = arena_array(arena, count, sizeof **out);
    *ids = arena_array(arena, count, sizeof **ids);
    for (size_t i = 0; i < count; i++) {
        bool seen = is_in(container, members[i].id, memberships, membership_count);

        for (size_t k = 0; k < n; k++)
            seen = seen || (*ids)[k] == members[i].id;
        if (seen)
            continue;
        (*out)[n] = members[i];
        (*ids)[n++] = members[i].id;
    }
    return n;
}

/* All rules that need no rack units. */
static struct verdict check_members(struct store *store, struct arena *arena,
                                    const struct ref *container, const struct ref *members,
                                    const int32_t *ids, size_t count,
                                    const struct membership *memberships, size_t membership_count) {
    for (size_t i = 0; i < count; i++) {
        const char *reason =
            insert_refusal(arena, container, &members[i], memberships, membership_count);

        if (reason)
            return verdict_conflict(reason);
    }
    return check_ancestors(store, arena, container, members, ids, count);
}

struct verdict insert_members(struct store *store, struct arena *arena, const struct ref *container,
                              const struct ref *members, size_t count, const int32_t *units,
                              size_t unit_count) {
    bool is_rack = driver_of_ref(container)->insert_rule == INSERT_RACK;
    int32_t *all = arena_array(arena, count, sizeof *all), *ids;
    struct membership *memberships;
    struct ref *fresh;
    size_t membership_count;
    struct verdict v;
    enum rc rc;

    if (count == 0)
        return verdict_ok();
    for (size_t i = 0; i < count; i++)
        all[i] = members[i].id;
    rc = store_memberships(store, arena, all, count, &memberships, &membership_count);
    if (rc != RC_OK)
        return verdict_failed(rc);
    count =
        new_members(arena, container, members, count, memberships, membership_count, &fresh, &ids);
    if (count == 0)
        return verdict_ok();
    v = check_members(store, arena, container, fresh, ids, count, memberships, membership_count);
    if (v.rc != RC_OK)
        return v;
    if (!is_rack)
        return verdict_failed(store_insert(store, container->id, ids, count));
    if (unit_count == 0)
        return verdict_invalid("Provide at least one \"rackU\" to put a device into a rack");
    if (count > 1)
        return verdict_invalid("Only one device at a time can be put into units of a rack");
    return insert_racked(store, arena, container, fresh, units, unit_count);
}
