/* insert.c: which object may be put into which container (contract/drivers.md), decided on locked
 * rows. */
#include "rules/insert.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "rules/properties.h"

static const struct driver *driver_of_ref(const struct ref *ref) {
    return driver_of(ref->driver, ref->type);
}

/* --- memberships, sorted by member --- */

static int by_member(const void *a, const void *b) {
    const struct membership *x = a, *y = b;

    return (x->member > y->member) - (x->member < y->member);
}

/* Those of one member. */
static struct memberships of_member(const struct memberships *all, int32_t member) {
    size_t low = 0, high = all->count, end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (all->items[middle].member < member)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < all->count && all->items[end].member == member;)
        end++;
    return (struct memberships){low < end ? &all->items[low] : NULL, end - low};
}

static bool is_in(const struct ref *container, int32_t member, const struct memberships *all) {
    struct memberships of = of_member(all, member);

    for (size_t i = 0; i < of.count; i++)
        if (of.items[i].container.id == container->id)
            return true;
    return false;
}

static int32_t *ids_of(struct arena *arena, const struct ref *refs, size_t count) {
    int32_t *ids = arena_array(arena, count, sizeof *ids);

    for (size_t i = 0; i < count; i++)
        ids[i] = refs[i].id;
    return ids;
}

enum rc insert_memberships(struct store *store, struct arena *arena, const struct ref *members,
                           size_t count, struct memberships *out) {
    enum rc rc = store_memberships(store, arena, ids_of(arena, members, count), count, out);

    if (rc == RC_OK)
        qsort(out->items, out->count, sizeof *out->items, by_member);
    return rc;
}

/* --- the rules --- */

static bool is_pool(const struct driver *driver) {
    return driver->insert_rule == INSERT_POOL || driver->insert_rule == INSERT_UNIQUE_POOL ||
           driver->insert_rule == INSERT_EXCLUSIVE_POOL;
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

struct verdict insert_check(struct arena *arena, const struct ref *container,
                            const struct ref *member, const struct memberships *all) {
    const struct driver *driver = driver_of_ref(container);
    struct memberships of = of_member(all, member->id);

    if (container->id == member->id)
        return verdict_no(arena, RC_CONFLICT, "\"%s\" cannot be put into itself", member->name);
    if (driver->insert_rule == INSERT_RACK &&
        !driver_is_a(driver_of_ref(member), driver_find("device")))
        return verdict_no(arena, RC_CONFLICT, "\"%s\" is not a device: only devices can be racked",
                          member->name);
    for (size_t i = 0; i < of.count; i++) {
        const struct ref *other = &of.items[i].container;

        if (other->id != container->id && excludes(driver, driver_of_ref(other)))
            return verdict_no(arena, RC_CONFLICT, "\"%s\" is already in the %s \"%s\"",
                              member->name, other->driver, other->name);
    }
    return verdict_of(RC_OK);
}

/* Nothing may end up inside itself. */
static struct verdict check_ancestors(struct store *store, struct arena *arena,
                                      const struct insertion *in) {
    int32_t inside = 0;

    RC_TRY(store_find_ancestor(store, in->container->id, ids_of(arena, in->members, in->count),
                               in->count, &inside));
    for (size_t i = 0; inside != 0 && i < in->count; i++)
        if (in->members[i].id == inside)
            return verdict_no(arena, RC_CONFLICT,
                              "\"%s\" contains \"%s\" and cannot be put into it",
                              in->members[i].name, in->container->name);
    return verdict_of(RC_OK);
}

/* --- racks --- */

static struct verdict read_rack(struct store *store, struct arena *arena, const struct ref *rack,
                                int64_t *minimum, int64_t *maximum) {
    const struct attr_filter filter = {.subkey = "property"};
    struct object object;

    RC_TRY(store_attrs_by_name(store, arena, rack->name, &filter, &object));
    return properties_units(arena, &object, minimum, maximum);
}

/* Is it one of the units that were sent? */
static bool has_unit(const struct insertion *in, int32_t unit) {
    size_t low = 0, high = in->unit_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (in->units[middle] < unit)
            low = middle + 1;
        else
            high = middle;
    }
    return low < in->unit_count && in->units[low] == unit;
}

/* The units themselves: adjacent, within the rack, none twice. */
static struct verdict check_units(struct store *store, struct arena *arena,
                                  const struct insertion *in) {
    int64_t minimum, maximum, lowest = in->units[0], highest = in->units[in->unit_count - 1];

    VERDICT_TRY(read_rack(store, arena, in->container, &minimum, &maximum));
    for (size_t i = 1; i < in->unit_count; i++)
        if (in->units[i - 1] == in->units[i])
            return verdict_no(arena, RC_INVALID, "rackU %d is duplicated", in->units[i]);
    if (lowest < minimum || highest > maximum)
        return verdict_no(arena, RC_INVALID, "rackU must be from %lld to %lld in \"%s\"",
                          (long long)minimum, (long long)maximum, in->container->name);
    if (highest - lowest + 1 != (int64_t)in->unit_count)
        return verdict_no(arena, RC_INVALID, "the units of rackU must be adjacent");
    return verdict_of(RC_OK);
}

static struct verdict check_free(struct store *store, struct arena *arena,
                                 const struct insertion *in) {
    struct memberships contained;

    RC_TRY(store_lock_rack(store, in->container->id));
    RC_TRY(store_contained(store, arena, in->container->id, &contained));
    for (size_t i = 0; i < contained.count; i++)
        if (contained.items[i].has_unit && has_unit(in, contained.items[i].unit))
            return verdict_no(arena, RC_CONFLICT, "unit %d of \"%s\" is occupied",
                              contained.items[i].unit, in->container->name);
    return verdict_of(RC_OK);
}

/* Is the member in exactly the units that were sent? Without any, wherever it is. */
static bool has_units(const struct insertion *in, const struct memberships *of) {
    size_t count = 0;

    for (size_t i = 0; i < of->count; i++) {
        if (of->items[i].container.id != in->container->id)
            continue;
        if (in->unit_count > 0 && !has_unit(in, of->items[i].unit))
            return false;
        count++;
    }
    return in->unit_count == 0 || count == in->unit_count;
}

/* A device that is in the rack stays in its units: others can't be sent. */
static struct verdict check_racked(struct arena *arena, const struct insertion *in,
                                   const struct ref *member, const struct memberships *of) {
    struct verdict verdict;
    struct buf units;

    if (has_units(in, of))
        return verdict_of(RC_OK);
    buf_init(&units, 0);
    for (size_t i = 0; i < of->count; i++)
        if (of->items[i].container.id == in->container->id)
            buf_printf(&units, "%s%d", units.len > 0 ? ", " : "", of->items[i].unit);
    verdict = verdict_no(arena, RC_CONFLICT, "\"%s\" is already in unit %s of \"%s\"", member->name,
                         buf_cstr(&units), in->container->name);
    buf_release(&units);
    return verdict;
}

static struct verdict insert_racked(struct store *store, struct arena *arena,
                                    const struct insertion *in) {
    if (in->unit_count == 0)
        return verdict_no(arena, RC_INVALID,
                          "Provide at least one \"rackU\" to put a device into a rack");
    if (in->count > 1)
        return verdict_no(arena, RC_INVALID,
                          "Only one device at a time can be put into units of a rack");
    VERDICT_TRY(check_units(store, arena, in));
    VERDICT_TRY(check_free(store, arena, in));
    return verdict_of(store_insert_racked(store, in->container->id, in->members[0].id, in->units,
                                          in->unit_count));
}

/* --- inserting --- */

/* By id, in one array the first of an object first. */
static int by_id(const void *a, const void *b) {
    const struct ref *x = *(const struct ref *const *)a, *y = *(const struct ref *const *)b;

    return x->id != y->id ? (x->id > y->id) - (x->id < y->id) : (x > y) - (x < y);
}

/* The members that are not in yet, each once, in the order given. */
static void new_members(struct arena *arena, const struct insertion *in,
                        const struct memberships *all, struct insertion *out) {
    const struct ref **sorted = arena_array(arena, in->count, sizeof *sorted);
    bool *skip = arena_array(arena, in->count, sizeof *skip);
    struct ref *members = arena_array(arena, in->count, sizeof *members);

    for (size_t i = 0; i < in->count; i++)
        sorted[i] = &in->members[i];
    qsort(sorted, in->count, sizeof *sorted, by_id);
    for (size_t i = 0; i < in->count; i++)
        skip[sorted[i] - in->members] = (i > 0 && sorted[i - 1]->id == sorted[i]->id) ||
                                        is_in(in->container, sorted[i]->id, all);
    *out = *in;
    out->members = members;
    out->count = 0;
    for (size_t i = 0; i < in->count; i++)
        if (!skip[i])
            members[out->count++] = in->members[i];
}

/* Those that are in a rack must be in the units that were sent. */
static struct verdict check_old_members(struct arena *arena, const struct insertion *in,
                                        const struct memberships *all) {
    if (driver_of_ref(in->container)->insert_rule != INSERT_RACK)
        return verdict_of(RC_OK);
    for (size_t i = 0; i < in->count; i++) {
        struct memberships of = of_member(all, in->members[i].id);

        if (is_in(in->container, in->members[i].id, all))
            VERDICT_TRY(check_racked(arena, in, &in->members[i], &of));
    }
    return verdict_of(RC_OK);
}

/* --- moving --- */

static int by_container(const void *a, const void *b) {
    const struct membership *x = a, *y = b;

    return (x->container.id > y->container.id) - (x->container.id < y->container.id);
}

/* Must it end, so that the member can be put into the container (and units, of which it `has` those
 * that were sent)? */
static bool must_leave(const struct insertion *in, const struct membership *m, bool has) {
    if (m->container.id == in->container->id)
        return in->unit_count > 0 && m->is_racked && !has;
    return excludes(driver_of_ref(in->container), driver_of_ref(&m->container));
}

/* Takes the members out of what keeps them out of the container; *all is what remains. */
static struct verdict leave(struct store *store, struct arena *arena, const struct insertion *in,
                            struct memberships *all) {
    struct memberships old = {arena_array(arena, all->count, sizeof *old.items), 0};
    struct memberships rest = {arena_array(arena, all->count, sizeof *rest.items), 0};
    int32_t *ids = arena_array(arena, all->count, sizeof *ids);
    size_t count = 0;
    bool has = false;

    if (driver_of_ref(in->container)->insert_rule == INSERT_ANY)
        return verdict_no(arena, RC_CONFLICT,
                          "\"%s\" is neither a rack, a location nor a pool: nothing can be moved "
                          "into it",
                          in->container->name);
    for (size_t i = 0; i < all->count; i++) {
        const struct membership *m = &all->items[i];
        struct memberships *side, of;

        if (i == 0 || m->member != m[-1].member) {
            of = of_member(all, m->member);
            has = has_units(in, &of);
        }
        side = must_leave(in, m, has) ? &old : &rest;
        side->items[side->count++] = *m;
    }
    qsort(old.items, old.count, sizeof *old.items, by_container);
    for (size_t i = 0; i < old.count; i++) {
        ids[count++] = old.items[i].member;
        if (i + 1 < old.count && by_container(&old.items[i], &old.items[i + 1]) == 0)
            continue;
        RC_TRY(store_remove(store, old.items[i].container.id, ids, count));
        count = 0;
    }
    *all = rest;
    return verdict_of(RC_OK);
}

struct verdict insert_members(struct store *store, struct arena *arena,
                              const struct insertion *in) {
    struct memberships all;
    struct insertion fresh;

    if (in->count == 0)
        return verdict_of(RC_OK);
    RC_TRY(insert_memberships(store, arena, in->members, in->count, &all));
    if (in->is_move)
        VERDICT_TRY(leave(store, arena, in, &all));
    VERDICT_TRY(check_old_members(arena, in, &all));
    new_members(arena, in, &all, &fresh);
    if (fresh.count == 0)
        return verdict_of(RC_OK);
    for (size_t i = 0; i < fresh.count; i++)
        VERDICT_TRY(insert_check(arena, in->container, &fresh.members[i], &all));
    VERDICT_TRY(check_ancestors(store, arena, &fresh));
    if (driver_of_ref(in->container)->insert_rule == INSERT_RACK)
        return insert_racked(store, arena, &fresh);
    return verdict_of(store_insert(store, in->container->id,
                                   ids_of(arena, fresh.members, fresh.count), fresh.count));
}
