/* properties.c: a driver's properties: checked before they are stored, and read back. */
#include "rules/properties.h"

#include <string.h>

#include "base/num.h"
#include "model/ip.h"
#include "rules/manager.h"

/* --- checking --- */

static struct verdict check_address(struct arena *arena, const char *name, const char *text) {
    uint32_t address;

    if (ip_parse(text, &address))
        return verdict_of(RC_OK);
    return verdict_no(arena, RC_INVALID, "\"%s\" is not an IPv4 address for the property \"%s\"",
                      text, name);
}

static struct verdict check_netmask(struct arena *arena, const char *name, const char *text) {
    uint32_t mask;

    if (ip_parse_netmask(text, &mask))
        return verdict_of(RC_OK);
    return verdict_no(arena, RC_INVALID, "\"%s\" is not a netmask for the property \"%s\"", text,
                      name);
}

static struct verdict check_between(struct arena *arena, const char *name, const char *text,
                                    int64_t minimum, int64_t maximum) {
    int64_t number;

    if (num_parse_range(text, minimum, maximum, &number) == NUM_OK)
        return verdict_of(RC_OK);
    return verdict_no(arena, RC_INVALID,
                      "\"%s\" is not a number from %lld to %lld for the property \"%s\"", text,
                      (long long)minimum, (long long)maximum, name);
}

static struct verdict check_property(struct arena *arena, const struct driver_property *property,
                                     const char *text) {
    const char *name = property->name;

    if (strcmp(name, "baseip") == 0 || strcmp(name, "gateway") == 0 || strcmp(name, "first") == 0 ||
        strcmp(name, "last") == 0)
        return check_address(arena, name, text);
    if (strcmp(name, "netmask") == 0)
        return check_netmask(arena, name, text);
    if (strcmp(name, "digits") == 0)
        return check_between(arena, name, text, 1, MANAGER_MAX_DIGITS);
    if (strcmp(name, "next") == 0)
        return check_between(arena, name, text, 0, INT32_MAX);
    if (property->is_int)
        return check_between(arena, name, text, INT32_MIN, INT32_MAX);
    return verdict_of(RC_OK);
}

/* --- networks --- */

/* "10.0.0.0/24" as baseip is that and a netmask of 24. */
static struct verdict split_prefix(struct arena *arena, const struct params *given,
                                   struct params *out) {
    const char *base = params_last(given, "baseip"), *slash = base ? strchr(base, '/') : NULL;
    struct param *items;
    uint32_t mask;

    *out = *given;
    if (!slash || !ip_parse_netmask(slash, &mask))
        return verdict_of(RC_OK);
    if (params_last(given, "netmask"))
        return verdict_no(arena, RC_INVALID,
                          "\"baseip\" has a prefix length: \"netmask\" cannot be sent, too");
    items = arena_array(arena, given->count + 2, sizeof *items);
    memcpy(items, given->items, given->count * sizeof *items);
    items[given->count] = (struct param){
        .name = "baseip", .value = arena_strndup(arena, base, (size_t)(slash - base))};
    items[given->count + 1] = (struct param){.name = "netmask", .value = slash + 1};
    *out = (struct params){items, given->count + 2};
    return verdict_of(RC_OK);
}

/* An end of the range, if one was sent, must be in the network. */
static struct verdict check_end(struct arena *arena, const struct params *given, const char *name,
                                uint32_t base, uint32_t mask, uint32_t *address) {
    const char *text = params_last(given, name);

    if (!text || !ip_parse(text, address) || (*address & mask) == (base & mask))
        return verdict_of(RC_OK);
    return verdict_no(arena, RC_INVALID, "\"%s\" is not in the network for the property \"%s\"",
                      text, name);
}

static struct verdict check_network(struct arena *arena, const struct params *given) {
    const char *base_text = params_last(given, "baseip"), *netmask = params_last(given, "netmask");
    uint32_t base, mask, first, last;

    if (!base_text || !ip_parse(base_text, &base))
        return verdict_of(RC_OK);
    if (!netmask)
        return verdict_no(arena, RC_INVALID,
                          "the property \"netmask\" is required with \"baseip\", or a prefix "
                          "length: 10.0.0.0/24");
    if (!ip_parse_netmask(netmask, &mask))
        return verdict_of(RC_OK);
    ip_range(base, mask, &first, &last);
    VERDICT_TRY(check_end(arena, given, "first", base, mask, &first));
    VERDICT_TRY(check_end(arena, given, "last", base, mask, &last));
    if (first > last)
        return verdict_no(arena, RC_INVALID, "the property \"first\" is after \"last\"");
    return verdict_of(RC_OK);
}

/* --- new objects --- */

static struct attr property_attr(const struct driver_property *property, const char *text) {
    struct attr attr = {.key = property->name, .subkey = "property"};
    int64_t number = 0;

    if (strcmp(property->name, "netmask") == 0 && *text == '/')
        text++; /* Python clusto would read "10.0.0.0//24" */
    if (property->is_int && num_parse(text, &number) == NUM_OK)
        attr.value = (struct value){.datatype = DATATYPE_INT, .number = number};
    else
        attr.value = (struct value){.datatype = DATATYPE_STRING, .text = text};
    return attr;
}

static struct attrs properties(struct arena *arena, const struct driver *driver,
                               const struct params *given) {
    struct attrs attrs = {arena_array(arena, driver->property_count + 1, sizeof *attrs.items), 0};

    for (size_t i = 0; i < driver->property_count; i++) {
        const struct driver_property *property = &driver->properties[i];
        const char *text = params_last(given, property->name);

        if (!text)
            text = property->default_text;
        if (text)
            attrs.items[attrs.count++] = property_attr(property, text);
    }
    return attrs;
}

struct attrs properties_default(struct arena *arena, const struct driver *driver) {
    return properties(arena, driver, &(struct params){0});
}

struct verdict properties_given(struct arena *arena, const struct driver *driver,
                                const struct params *given, struct attrs *out) {
    struct params split = *given;

    if (driver->allocator == ALLOCATOR_IP)
        VERDICT_TRY(split_prefix(arena, given, &split));
    for (size_t i = 0; i < given->count; i++) {
        const char *name = given->items[i].name;
        const struct driver_property *property = driver_property(driver, name);

        if (strcmp(name, "name") == 0)
            continue;
        if (!property)
            return verdict_no(arena, RC_INVALID, "\"%s\" is not a property of the driver \"%s\"",
                              name, driver->name);
        VERDICT_TRY(check_property(arena, property, params_last(&split, name)));
    }
    if (driver->allocator == ALLOCATOR_IP)
        VERDICT_TRY(check_network(arena, &split));
    *out = properties(arena, driver, &split);
    return verdict_of(RC_OK);
}

/* --- reading them back --- */

const char *properties_text(struct arena *arena, const struct object *object, const char *name) {
    const struct driver_property *property =
        driver_property(driver_of(object->ref.driver, object->ref.type), name);

    for (size_t i = 0; i < object->attr_count; i++) {
        const struct attr *attr = &object->attrs[i];

        if (attr->key && attr->subkey && strcmp(attr->key, name) == 0 &&
            strcmp(attr->subkey, "property") == 0)
            return value_text(arena, &attr->value);
    }
    return property ? property->default_text : NULL;
}

struct verdict properties_nonsense(struct arena *arena, const struct object *object,
                                   const char *name, const char *text) {
    return verdict_no(arena, RC_CONFLICT, "the property \"%s\" of \"%s\" makes no sense: \"%s\"",
                      name, object->ref.name, text);
}

struct verdict properties_number(struct arena *arena, const struct object *object,
                                 const struct properties_number *which, int64_t *out) {
    const char *text = properties_text(arena, object, which->name);

    if (!text)
        text = which->otherwise;
    if (num_parse_range(text, which->minimum, which->maximum, out) != NUM_OK)
        return properties_nonsense(arena, object, which->name, text);
    return verdict_of(RC_OK);
}

struct verdict properties_units(struct arena *arena, const struct object *rack, int64_t *first,
                                int64_t *last) {
    static const struct properties_number minu = {"minu", "1", INT32_MIN, INT32_MAX};
    static const struct properties_number maxu = {"maxu", "45", INT32_MIN, INT32_MAX};

    VERDICT_TRY(properties_number(arena, rack, &minu, first));
    return properties_number(arena, rack, &maxu, last);
}
