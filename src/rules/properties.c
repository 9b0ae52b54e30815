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

    if (strcmp(name, "baseip") == 0 || strcmp(name, "gateway") == 0)
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
    for (size_t i = 0; i < given->count; i++) {
        const struct param *param = &given->items[i];
        const struct driver_property *property = driver_property(driver, param->name);

        if (strcmp(param->name, "name") == 0)
            continue;
        if (!property)
            return verdict_no(arena, RC_INVALID, "\"%s\" is not a property of the driver \"%s\"",
                              param->name, driver->name);
        VERDICT_TRY(check_property(arena, property, param->value));
    }
    *out = properties(arena, driver, given);
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
