/* manager.c: a resource manager's properties, read for its work whoever stored them. */
#include "rules/manager.h"

#include <string.h>

#include "model/ip.h"
#include "rules/properties.h"

static int64_t last_given(const struct object *object) {
    for (size_t i = 0; i < object->attr_count; i++) {
        const struct attr *attr = &object->attrs[i];

        if (attr->key && strcmp(attr->key, "_lastip") == 0 && !attr->subkey &&
            attr->value.datatype == DATATYPE_INT)
            return attr->value.number;
    }
    return INT64_MIN;
}

/* An address; false: there is none, or *verdict says what is wrong. */
static bool read_address(struct arena *arena, const struct object *object, const char *name,
                         uint32_t *out, struct verdict *verdict) {
    const char *text = properties_text(arena, object, name);

    if (verdict->rc != RC_OK || !text || !*text)
        return false;
    if (ip_parse(text, out))
        return true;
    *verdict = properties_nonsense(arena, object, name, text);
    return false;
}

/* The network, and what of it is given: its addresses for hosts, or from `first` to `last`. */
static struct verdict read_network(struct arena *arena, const struct object *object, uint32_t base,
                                   uint32_t mask, struct manager *out) {
    struct verdict verdict = verdict_of(RC_OK);
    uint32_t first, last;

    ip_range(base, mask, &first, &last);
    out->has_range = true;
    out->network = ip_to_stored(base & mask);
    out->broadcast = ip_to_stored(base | ~mask);
    (void)read_address(arena, object, "first", &first, &verdict);
    (void)read_address(arena, object, "last", &last, &verdict);
    out->first = ip_to_stored(first);
    out->last = ip_to_stored(last);
    if (verdict.rc == RC_OK && (out->first < out->network || out->first > out->broadcast))
        return properties_nonsense(arena, object, "first", ip_text(arena, first));
    if (verdict.rc == RC_OK && (out->last < out->network || out->last > out->broadcast))
        return properties_nonsense(arena, object, "last", ip_text(arena, last));
    return verdict;
}

static struct verdict read_range(struct arena *arena, const struct object *object,
                                 struct manager *out) {
    const char *netmask = properties_text(arena, object, "netmask");
    struct verdict verdict = verdict_of(RC_OK);
    uint32_t base, mask, gateway;

    if (!netmask)
        netmask = "255.255.255.255";
    if (!ip_parse_netmask(netmask, &mask))
        return properties_nonsense(arena, object, "netmask", netmask);
    out->netmask_bits = ip_netmask_bits(mask);
    out->gateway = INT64_MIN;
    if (read_address(arena, object, "gateway", &gateway, &verdict))
        out->gateway = ip_to_stored(gateway);
    if (!read_address(arena, object, "baseip", &base, &verdict))
        return verdict;
    return read_network(arena, object, base, mask, out);
}

/* Python clusto takes 0 for no limit. */
static struct verdict read_numbers(struct arena *arena, const struct object *object,
                                   struct manager *out) {
    static const struct properties_number next = {"next", "0", INT32_MIN, INT32_MAX};
    static const struct properties_number maximum = {"maxnum", "0", INT32_MIN, INT32_MAX};

    VERDICT_TRY(properties_number(arena, object, &maximum, &out->last));
    if (out->last == 0)
        out->last = INT32_MAX;
    return properties_number(arena, object, &next, &out->next);
}

static struct verdict read_names(struct arena *arena, const struct object *object,
                                 struct manager *out) {
    static const struct properties_number digits = {"digits", "2", 1, MANAGER_MAX_DIGITS};
    static const struct properties_number next = {"next", "1", 0, INT32_MAX};
    const char *zeros = properties_text(arena, object, "leadingZeros");

    out->basename = properties_text(arena, object, "basename");
    if (!out->basename)
        out->basename = "";
    out->leading_zeros = !zeros || (strcmp(zeros, "0") != 0 && strcmp(zeros, "") != 0);
    VERDICT_TRY(properties_number(arena, object, &digits, &out->digits));
    return properties_number(arena, object, &next, &out->next);
}

struct verdict manager_read(struct arena *arena, const struct object *object, struct manager *out) {
    *out = (struct manager){.ref = object->ref,
                            .driver = driver_of(object->ref.driver, object->ref.type),
                            .last_given = last_given(object)};
    switch (out->driver->allocator) {
    case ALLOCATOR_IP: return read_range(arena, object, out);
    case ALLOCATOR_NAME:
    case ALLOCATOR_ENTITY_NAME: return read_names(arena, object, out);
    case ALLOCATOR_NUMBER: return read_numbers(arena, object, out);
    case ALLOCATOR_RESOURCE:
    case ALLOCATOR_NONE: break;
    }
    return verdict_of(RC_OK);
}
