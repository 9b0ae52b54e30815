/* config_drivers.c: the drivers of the configuration, read and registered. */
#include <string.h>

#include "base/num.h"
#include "model/driver.h"
#include "server/config_reader.h"

struct driver_row {
    struct driver_definition driver;
    const config_setting_t *where;
};

static const struct config *registered; /* whose drivers the table has */

/* A member that must be a string, or NULL. */
static const char *text_of(struct reader *r, config_setting_t *s, const char *path,
                           const char *name) {
    config_setting_t *member = config_setting_get_member(s, name);
    const char *text = member != NULL ? config_setting_get_string(member) : NULL;

    if (member != NULL && text == NULL)
        config_problem(r, member, path, "\"%s\" must be a string, not %s", name,
                       config_kind(member));
    return text != NULL ? arena_strdup(r->config->arena, text) : NULL;
}

static const char *required_text(struct reader *r, config_setting_t *s, const char *path,
                                 const char *name) {
    return config_member(r, s, path, name) != NULL ? text_of(r, s, path, name) : NULL;
}

static void read_property(struct reader *r, config_setting_t *s, const char *path, void *item) {
    static const char *const known[] = {"name", "type", "default", NULL};
    struct driver_property *out = item;
    config_setting_t *value;
    const char *type;
    int64_t number;

    if (!config_members_known(r, s, path, known))
        return;
    out->name = required_text(r, s, path, "name");
    type = text_of(r, s, path, "type");
    if (type != NULL && strcmp(type, "int") != 0 && strcmp(type, "string") != 0)
        config_problem(r, s, path, "type \"%s\" is neither int nor string", type);
    out->is_int = type != NULL && strcmp(type, "int") == 0;
    value = config_setting_get_member(s, "default");
    if (value != NULL && config_is_int(value))
        out->default_text = arena_printf(r->config->arena, "%lld", config_integer(value));
    else
        out->default_text = text_of(r, s, path, "default");
    if (out->is_int && out->default_text != NULL && num_parse(out->default_text, &number) != NUM_OK)
        config_problem(r, value, path, "default \"%s\" is not an integer", out->default_text);
}

static void read_port(struct reader *r, config_setting_t *s, const char *path, void *item) {
    static const char *const known[] = {"type", "count", NULL};
    struct driver_port *out = item;
    config_setting_t *count;
    long long number;

    if (!config_members_known(r, s, path, known))
        return;
    out->type = required_text(r, s, path, "type");
    count = config_setting_get_member(s, "count");
    number = count != NULL && config_is_int(count) ? config_integer(count) : 0;
    if (number < 1 || number > 100000)
        config_problem(r, count != NULL ? count : s, path, "\"count\" must be from 1 to 100000");
    else
        out->count = (int)number;
}

static bool flag_of(struct reader *r, config_setting_t *s, const char *path, const char *name) {
    config_setting_t *member = config_setting_get_member(s, name);

    if (member != NULL && config_setting_type(member) != CONFIG_TYPE_BOOL)
        config_problem(r, member, path, "\"%s\" must be true or false, not %s", name,
                       config_kind(member));
    return member != NULL && config_setting_get_bool(member);
}

/* One name, or a list: the behaviour is that of the first. */
static void read_parents(struct reader *r, config_setting_t *s, const char *path,
                         struct driver_definition *out) {
    struct arena *arena = r->config->arena;
    int count = s != NULL ? config_count(s) : 0;
    const char **also = arena_array(arena, (size_t)count + 1, sizeof(*also));

    out->parent = "entity";
    out->also = also;
    for (int i = 0; i < count; i++) {
        const char *text = config_setting_get_string(config_item(s, i));

        if (text == NULL)
            config_problem(r, s, path, "\"parent\" must be a string or a list of strings");
        else if (i == 0)
            out->parent = arena_strdup(arena, text);
        else
            also[out->also_count++] = arena_strdup(arena, text);
    }
}

static void read_driver(struct reader *r, config_setting_t *s, const char *path, void *item) {
    static const char *const known[] = {"name",       "type",  "class",        "parent", "ips",
                                        "properties", "ports", "resource_key", NULL};
    struct driver_row *row = item;
    struct driver_definition *out = &row->driver;
    struct arena *arena = r->config->arena;

    row->where = s;
    if (!config_members_known(r, s, path, known))
        return;
    out->name = required_text(r, s, path, "name");
    out->type = required_text(r, s, path, "type");
    out->class_path = text_of(r, s, path, "class");
    read_parents(r, config_setting_get_member(s, "parent"), path, out);
    out->resource_key = text_of(r, s, path, "resource_key");
    out->has_ips = flag_of(r, s, path, "ips");
    out->properties = config_list(r, config_setting_get_member(s, "properties"),
                                  arena_printf(arena, "%s.properties", path),
                                  sizeof(*out->properties), read_property, &out->property_count);
    out->ports =
        config_list(r, config_setting_get_member(s, "ports"), arena_printf(arena, "%s.ports", path),
                    sizeof(*out->ports), read_port, &out->port_count);
}

void config_read_drivers(struct reader *r, config_setting_t *s) {
    r->config->drivers = config_list(r, s, "drivers", sizeof(struct driver_row), read_driver,
                                     &r->config->driver_count);
}

/* The message about the first that the table does not take, and which; NULL: all are in. */
static const char *register_drivers(const struct config *config, const struct driver_row **which) {
    driver_reset();
    registered = config;
    for (size_t i = 0; config != NULL && i < config->driver_count; i++) {
        const struct driver_row *d = &config->drivers[i];
        const char *wrong = driver_add(&d->driver);

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
