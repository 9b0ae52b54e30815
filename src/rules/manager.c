/* manager.c: a resource manager's properties, read for its work whoever stored them. */
#include <string.h>

#include "model/ip.h"
#include "rules/alloc.h"
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

static struct verdict read_range(struct arena *arena, const struct object *object,
                                 struct manager *out) {
    const char *base_text = properties_text(arena, object, out->driver, "baseip");
    const char *gateway_text = properties_text(arena, object, out->driver, "gateway");
    uint32_t base, mask, gateway, first, last;

    out->netmask = properties_text(arena, object, out->driver, "netmask");
    if (!out->netmask)
        out->netmask = "255.255.255.255";
    if (!ip_parse_netmask(out->netmask, &mask))
        return properties_nonsense(arena, object, "netmask", out->netmask);
    out->netmask_bits = ip_netmask_bits(mask);
    out->gateway = INT64_MIN;
    if (gateway_text && *gateway_text) {
        if (!ip_parse(gateway_text, &gateway))
            return properties_nonsense(arena, object, "gateway", gateway_text);
        out->gateway = ip_to_stored(gateway);
    }
    if (!base_text || !*base_text)
        return verdict_ok();
    if (!ip_parse(base_text, &base))
        return properties_nonsense(arena, object, "baseip", base_text);
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
    const char *zeros = properties_text(arena, object, out->driver, "leadingZeros");
    struct verdict v = properties_number(arena, object, out->driver, "digits", "2", 1,
                                         MANAGER_DIGITS_LIMIT, &out->digits);

    if (v.rc == RC_OK)
        v = properties_number(arena, object, out->driver, "next", "1", 0, INT32_MAX, &out->next);
    out->basename = properties_text(arena, object, out->driver, "basename");
    if (!out->basename)
        out->basename = "";
    out->leading_zeros = !zeros || (strcmp(zeros, "0") != 0 && strcmp(zeros, "") != 0);
    return v;
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
