/* properties.c: a driver's properties: checked before they are stored, and read back. */
#include <string.h>

#include "base/num.h"
#include "model/ip.h"
#include "rules/alloc.h"
#include "rules/properties.h"

static const char *check_address(struct arena *arena, const char *name, const char *text) {
    uint32_t address;

    if (ip_parse(text, &address))
        return NULL;
    return arena_printf(arena, "\"%s\" is not an IPv4 address for the property \"%s\"", text, name);
}

static const char *check_netmask(struct arena *arena, const char *name, const char *text) {
    uint32_t mask;

    if (ip_parse_netmask(text, &mask))
        return NULL;
    return arena_printf(arena, "\"%s\" is not a netmask for the property \"%s\"", text, name);
}

static const char *check_between(struct arena *arena, const char *name, const char *text,
                                 int64_t minimum, int64_t maximum) {
    int64_t number;

    if (num_parse_range(text, minimum, maximum, &number) == NUM_OK)
        return NULL;
    return arena_printf(arena, "\"%s\" is not a number from %lld to %lld for the property \"%s\"",
                        text, (long long)minimum, (long long)maximum, name);
}

static const char *check_property(struct arena *arena, const struct driver_property *property,
                                  const char *text) {
    const char *name = property->name;

    if (strcmp(name, "baseip") == 0 || strcmp(name, "gateway") == 0)
        return check_address(arena, name, text);
    if (strcmp(name, "netmask") == 0)
        return check_netmask(arena, name, text);
    if (strcmp(name, "digits") == 0)
        return check_between(arena, name, text, 1, MANAGER_DIGITS_LIMIT);
    if (strcmp(name, "next") == 0)
        return check_between(arena, name, text, 0, INT32_MAX);
    if (property->is_int)
        return check_between(arena, name, text, INT32_MIN, INT32_MAX);
    return NULL;
}

static const char *value_given(const char *name, const char *const *names,
                               const char *const *values, size_t count) {
    const char *value = NULL;

    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            value = values[i];
    return value;
}

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

static struct attr *properties(struct arena *arena, const struct driver *driver,
                               const char *const *names, const char *const *values, size_t count,
                               size_t *attr_count) {
    struct attr *attrs = arena_array(arena, driver->property_count + 1, sizeof *attrs);

    *attr_count = 0;
    for (size_t i = 0; i < driver->property_count; i++) {
        const struct driver_property *property = &driver->properties[i];
        const char *text = value_given(property->name, names, values, count);

        if (!text)
            text = property->default_text;
        if (text)
            attrs[(*attr_count)++] = property_attr(property, text);
    }
    return attrs;
}

struct attr *properties_default(struct arena *arena, const struct driver *driver, size_t *count) {
    return properties(arena, driver, NULL, NULL, 0, count);
}

struct verdict properties_given(struct arena *arena, const struct driver *driver,
                                const char *const *names, const char *const *values, size_t count,
                                struct attr **attrs, size_t *attr_count) {
    for (size_t i = 0; i < count; i++) {
        const struct driver_property *property = driver_property(driver, names[i]);
        const char *problem;

        if (!property)
            return verdict_invalid(arena_printf(
                arena, "\"%s\" is not a property of the driver \"%s\"", names[i], driver->name));
        problem = check_property(arena, property, values[i]);
        if (problem)
            return verdict_invalid(problem);
    }
    *attrs = properties(arena, driver, names, values, count, attr_count);
    return verdict_ok();
}

/* --- reading them back --- */

const char *properties_text(struct arena *arena, const struct object *object,
                            const struct driver *driver, const char *name) {
    const struct driver_property *property = driver_property(driver, name);

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
    return verdict_conflict(arena_printf(arena,
                                         "the property \"%s\" of \"%s\" makes no sense: \"%s\"",
                                         name, object->ref.name, text));
}

struct verdict properties_number(struct arena *arena, const struct object *object,
                                 const struct driver *driver, const char *name,
                                 const char *otherwise, int64_t minimum, int64_t maximum,
                                 int64_t *out) {
    const char *text = properties_text(arena, object, driver, name);

    if (!text)
        text = otherwise;
    if (num_parse_range(text, minimum, maximum, out) != NUM_OK)
        return properties_nonsense(arena, object, name, text);
    return verdict_ok();
}
