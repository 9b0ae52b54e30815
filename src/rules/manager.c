/* manager.c: a resource manager's properties, read for its work whoever stored them. */
#include <string.h>

#include "base/num.h"
#include "model/ipaddr.h"
#include "rules/alloc.h"

/* The property's text whatever its datatype, or its default; NULL: none. */
static const char *property_text(struct arena *arena, const struct object *object,
                                 const struct driver *driver, const char *name) {
    const struct property *property = driver_property(driver, name);

    for (size_t i = 0; i < object->attr_count; i++) {
        const struct attr *attr = &object->attrs[i];

        if (attr->key && attr->subkey && strcmp(attr->key, name) == 0 &&
            strcmp(attr->subkey, "property") == 0)
            return value_text(arena, &attr->value);
    }
    return property ? property->default_text : NULL;
}

static int64_t last_given(const struct object *object) {
    for (size_t i = 0; i < object->attr_count; i++) {
        const struct attr *attr = &object->attrs[i];

        if (attr->key && strcmp(attr->key, "_lastip") == 0 && !attr->subkey &&
            attr->value.datatype == DATATYPE_INT)
            return attr->value.number;
    }
    return INT64_MIN;
}

static struct verdict nonsense(struct arena *arena, const struct object *object, const char *name,
                               const char *text) {
    return verdict_conflict(arena_printf(arena,
                                         "the property \"%s\" of \"%s\" makes no sense: \"%s\"",
                                         name, object->ref.name, text));
}

static struct verdict read_range(struct arena *arena, const struct object *object,
                                 struct manager *out) {
    const char *base_text = property_text(arena, object, out->driver, "baseip");
    const char *gateway_text = property_text(arena, object, out->driver, "gateway");
    uint32_t base, mask, gateway, first, last;

    out->netmask = property_text(arena, object, out->driver, "netmask");
    if (!out->netmask)
        out->netmask = "255.255.255.255";
    if (!netmask_parse(out->netmask, &mask))
        return nonsense(arena, object, "netmask", out->netmask);
    out->netmask_bits = netmask_bits(mask);
    out->gateway = INT64_MIN;
    if (gateway_text && *gateway_text) {
        if (!ip_parse(gateway_text, &gateway))
            return nonsense(arena, object, "gateway", gateway_text);
        out->gateway = ip_to_stored(gateway);
    }
    if (!base_text || !*base_text)
        return verdict_ok();
    if (!ip_parse(base_text, &base))
        return nonsense(arena, object, "baseip", base_text);
    out->has_range = true;
    out->first = 0;
    out->last = -1; /* nothing between network and broadcast */
    if (ip_range(base, mask, &first, &last)) {
        out->first = ip_to_stored(first);
        out->last = ip_to_stored(last);
    }
    return verdict_ok();
}

static struct verdict read_names(struct arena *arena, const struct object *object,
                                 struct manager *out) {
    const char *digits = property_text(arena, object, out->driver, "digits");
    const char *next = property_text(arena, object, out->driver, "next");
    const char *zeros = property_text(arena, object, out->driver, "leadingZeros");

    out->basename = property_text(arena, object, out->driver, "basename");
    if (!out->basename)
        out->basename = "";
    if (num_parse_range(digits ? digits : "2", 1, MANAGER_DIGITS_LIMIT, &out->digits) != NUM_OK)
        return nonsense(arena, object, "digits", digits);
    if (num_parse_range(next ? next : "1", 0, INT32_MAX, &out->next) != NUM_OK)
        return nonsense(arena, object, "next", next);
    out->leading_zeros = !zeros || (strcmp(zeros, "0") != 0 && strcmp(zeros, "") != 0);
    return verdict_ok();
}

struct verdict manager_read(struct arena *arena, const struct object *object, struct manager *out) {
    *out = (struct manager){.ref = object->ref,
                            .driver = driver_of(object->ref.driver, object->ref.type),
                            .last_given = last_given(object)};
    switch (out->driver->allocator) {
    case ALLOCATOR_IP: return read_range(arena, object, out);
    case ALLOCATOR_NAME:
    case ALLOCATOR_ENTITY_NAME: return read_names(arena, object, out);
    case ALLOCATOR_RESOURCE:
    case ALLOCATOR_NONE: break;
    }
    return verdict_ok();
}
