/* config_drivers.c: the drivers of the configuration, read and registered. */
#include <string.h>

#include "base/num.h"
#include "model/driver.h"
#include "server/config_reader.h"

/* What driver_add() is told, kept so that it can be told again. */
struct driver_row {
    const char *name, *type, *class_path, *parent;
    struct driver_property *properties;
    size_t property_count;
    struct driver_port *ports;
    size_t port_count;
    const config_setting_t *where;
};

static const struct config *registered; /* whose drivers the table has */

/* A member that must be a string; NULL if it is missing, or was reported. */
static const char *member_string(struct reader *r, config_setting_t *s, const char *path,
                                 const char *name, bool required) {
    config_setting_t *member = config_setting_get_member(s, name);
    const char *text = member != NULL ? config_setting_get_string(member) : NULL;

    if (member == NULL && required)
        config_problem(r, s, path, "\"%s\" is missing", name);
    else if (member != NULL && text == NULL)
        config_problem(r, member, path, "\"%s\" must be a string, not %s", name,
                       config_kind(member));
    return text != NULL ? arena_strdup(r->config->arena, text) : NULL;
}

/* A list member of a driver; *count is its length. NULL: absent, or reported. */
static config_setting_t *member_list(struct reader *r, config_setting_t *s, const char *path,
                                     const char *name, size_t *count) {
    config_setting_t *member = config_setting_get_member(s, name);

    *count = 0;
    if (member != NULL && !config_is_listing(member)) {
        config_problem(r, member, path, "\"%s\" must be a list ( ), not %s", name,
                       config_kind(member));
        return NULL;
    }
    if (member != NULL)
        *count = (size_t)config_setting_length(member);
    return member;
}

static void read_property(struct reader *r, config_setting_t *s, const char *path,
                          struct driver_property *out) {
    static const char *const known[] = {"name", "type", "default", NULL};
    config_setting_t *value;
    const char *type;
    int64_t number;

    if (!config_members_known(r, s, path, known))
        return;
    out->name = member_string(r, s, path, "name", true);
    type = member_string(r, s, path, "type", false);
    if (type != NULL && strcmp(type, "int") != 0 && strcmp(type, "string") != 0)
        config_problem(r, s, path, "type \"%s\" is neither int nor string", type);
    out->is_int = type != NULL && strcmp(type, "int") == 0;
    value = config_setting_get_member(s, "default");
    if (value == NULL)
        return;
    if (config_is_int(value))
        out->default_text = arena_printf(r->config->arena, "%lld", config_integer(value));
    else
        out->default_text = member_string(r, s, path, "default", true);
    if (out->is_int && out->default_text != NULL && num_parse(out->default_text, &number) != NUM_OK)
        config_problem(r, value, path, "default \"%s\" is not an integer", out->default_text);
}

static void read_port(struct reader *r, config_setting_t *s, const char *path,
                      struct driver_port *out) {
    static const char *const known[] = {"type", "count", NULL};
    config_setting_t *count;

    if (!config_members_known(r, s, path, known))
        return;
    out->type = member_string(r, s, path, "type", true);
    count = config_setting_get_member(s, "count");
    if (count == NULL || !config_is_int(count) || config_integer(count) < 1 ||
        config_integer(count) > 100000)
        config_problem(r, count != NULL ? count : s, path, "\"count\" must be from 1 to 100000");
    else
        out->count = (int)config_integer(count);
}

static void read_driver(struct reader *r, config_setting_t *s, const char *path,
                        struct driver_row *out) {
    static const char *const known[] = {"name",       "type",  "class", "parent",
                                        "properties", "ports", NULL};
    struct arena *arena = r->config->arena;
    config_setting_t *list;

    out->where = s;
    if (!config_members_known(r, s, path, known))
        return;
    out->name = member_string(r, s, path, "name", true);
    out->type = member_string(r, s, path, "type", true);
    out->class_path = member_string(r, s, path, "class", false);
    out->parent = member_string(r, s, path, "parent", false);
    if (out->parent == NULL)
        out->parent = "entity";
    list = member_list(r, s, path, "properties", &out->property_count);
    if (list != NULL)
        out->properties = arena_array(arena, out->property_count + 1, sizeof(*out->properties));
    for (size_t i = 0; list != NULL && i < out->property_count; i++)
        read_property(r, config_setting_get_elem(list, (unsigned)i),
                      arena_printf(arena, "%s.properties[%zu]", path, i), &out->properties[i]);
    list = member_list(r, s, path, "ports", &out->port_count);
    if (list != NULL)
        out->ports = arena_array(arena, out->port_count + 1, sizeof(*out->ports));
    for (size_t i = 0; list != NULL && i < out->port_count; i++)
        read_port(r, config_setting_get_elem(list, (unsigned)i),
                  arena_printf(arena, "%s.ports[%zu]", path, i), &out->ports[i]);
}

void config_read_drivers(struct reader *r, config_setting_t *s) {
    struct config *config = r->config;

    if (!config_is_listing(s)) {
        config_problem(r, s, "drivers", "must be a list ( { ... }, ... ), not %s", config_kind(s));
        return;
    }
    config->driver_count = (size_t)config_setting_length(s);
    config->drivers =
        arena_array(config->arena, config->driver_count + 1, sizeof(*config->drivers));
    for (size_t i = 0; i < config->driver_count; i++)
        read_driver(r, config_setting_get_elem(s, (unsigned)i),
                    arena_printf(config->arena, "drivers[%zu]", i), &config->drivers[i]);
}

/* The message about the first that the table does not take, and which; NULL: all are in. */
static const char *register_drivers(const struct config *config, const struct driver_row **which) {
    driver_reset();
    registered = config;
    for (size_t i = 0; config != NULL && i < config->driver_count; i++) {
        const struct driver_row *d = &config->drivers[i];
        const char *wrong = driver_add(d->name, d->type, d->class_path, d->parent, d->properties,
                                       d->property_count, d->ports, d->port_count);

        if (wrong != NULL) {
            *which = d;
            return wrong;
        }
    }
    return NULL;
}

void config_register(struct reader *r) {
    const struct config *before = registered;
    const struct driver_row *which = NULL;
    const char *wrong = r->problems == 0 ? register_drivers(r->config, &which) : NULL;

    if (wrong == NULL)
        return;
    config_problem(r, which->where, "drivers", "%s", wrong);
    (void)register_drivers(before, &which); /* it fitted before */
}

void config_release(const struct config *config) {
    if (registered == config) {
        driver_reset();
        registered = NULL;
    }
}
