/* config.c: reads configuration files with libconfig into settings and drivers. */
#include "config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <libconfig.h>

#include "base/num.h"
#include "base/utf8.h"
#include "model/driver.h"
#include "server/access.h"
#include "server/config.h"

enum { MAX_FILES = 8, MAX_SETTINGS = 96 };

/* What driver_add() is told, kept so that it can be told again. */
struct driver_row {
    const char *name, *type, *class_path, *parent;
    struct property *properties;
    size_t property_count;
    struct port *ports;
    size_t port_count;
    const config_setting_t *where;
};

/* The settings are the first member: config_free() gets at the rest. */
struct config {
    struct settings settings;
    struct arena *arena;
    struct header *headers; /* what settings.response_headers points at */
    struct driver_row *drivers;
    size_t driver_count;
};

struct reader {
    struct config *config;
    config_report report;
    size_t problems;
    const config_setting_t *where[MAX_SETTINGS]; /* what set each row of the table; NULL: default */
};

static const struct config *registered; /* whose drivers the table has */

/* --- problems ----------------------------------------------------------------------------------
 */

static void problem(struct reader *r, const config_setting_t *at, const char *name,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* One line, whatever it quotes from the file. */
static void tell(struct reader *r, char *line) {
    for (char *p = line; *p != '\0'; p++)
        if (iscntrl((unsigned char)*p))
            *p = '?';
    r->report(line);
    r->problems++;
}

static void problem(struct reader *r, const config_setting_t *at, const char *name,
                    const char *format, ...) {
    char message[512], line[1024];
    const char *file = at != NULL ? config_setting_source_file(at) : NULL;
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (file != NULL)
        snprintf(line, sizeof(line), "%s:%u: setting \"%s\": %s", file,
                 (unsigned)config_setting_source_line(at), name, message);
    else
        snprintf(line, sizeof(line), "setting \"%s\": %s", name, message);
    tell(r, line);
}

static const char *kind(const config_setting_t *s) {
    switch (config_setting_type(s)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64: return "an integer";
    case CONFIG_TYPE_FLOAT: return "a number with a fraction";
    case CONFIG_TYPE_STRING: return "a string";
    case CONFIG_TYPE_BOOL: return "true or false";
    case CONFIG_TYPE_GROUP: return "a group";
    case CONFIG_TYPE_ARRAY: return "an array";
    case CONFIG_TYPE_LIST: return "a list";
    default: return "nothing";
    }
}

static bool is_int(const config_setting_t *s) {
    return config_setting_type(s) == CONFIG_TYPE_INT || config_setting_type(s) == CONFIG_TYPE_INT64;
}

static bool is_listing(const config_setting_t *s) {
    return config_setting_is_list(s) || config_setting_is_array(s);
}

/* --- single values -----------------------------------------------------------------------------
 */

/* The text, kept; NULL: it has the wrong length or form, which was reported. */
static const char *take_string(struct reader *r, const struct setting *row,
                               const config_setting_t *s, const char *text) {
    const char *wrong = NULL;
    size_t n = strlen(text);

    if ((long)n < row->minimum || (long)n > row->maximum) {
        problem(r, s, row->name, "must have %ld to %ld characters, not %zu", row->minimum,
                row->maximum, n);
        return NULL;
    }
    if (row->check != NULL)
        wrong = row->check(r->config->arena, text);
    if (wrong == NULL)
        return arena_strdup(r->config->arena, text);
    problem(r, s, row->name, "%s", wrong);
    return NULL;
}

static void set_string(struct reader *r, const struct setting *row, const config_setting_t *s,
                       const char *text) {
    const char *taken = take_string(r, row, s, text);

    if (taken != NULL)
        *(const char **)((char *)&r->config->settings + row->offset) = taken;
}

static void set_int(struct reader *r, const struct setting *row, const config_setting_t *s,
                    long long number) {
    if (number < row->minimum || number > row->maximum)
        problem(r, s, row->name, "must be from %ld to %ld, not %lld", row->minimum, row->maximum,
                number);
    else
        *(int *)((char *)&r->config->settings + row->offset) = (int)number;
}

static void set_mode(struct reader *r, const struct setting *row, const config_setting_t *s,
                     const char *text) {
    char *end;
    unsigned long mode = strtoul(text, &end, 8);

    if (text[0] < '0' || text[0] > '7' || *end != '\0' || mode > (unsigned long)row->maximum)
        problem(r, s, row->name, "must be octal permissions as \"0660\", not \"%s\"", text);
    else
        *(int *)((char *)&r->config->settings + row->offset) = (int)mode;
}

static void read_value(struct reader *r, const struct setting *row, config_setting_t *s);

/* A default is read as if it stood in a file. */
static void set_default_list(struct reader *r, const struct setting *row) {
    const char *text = arena_printf(r->config->arena, "x = %s;", row->default_text);
    config_t file;

    config_init(&file);
    if (config_read_string(&file, text) != CONFIG_TRUE)
        abort();
    read_value(r, row, config_lookup(&file, "x"));
    config_destroy(&file);
}

static void set_default(struct reader *r, const struct setting *row) {
    switch (row->type) {
    case SETTING_STRING: set_string(r, row, NULL, row->default_text); break;
    case SETTING_INT: set_int(r, row, NULL, strtoll(row->default_text, NULL, 10)); break;
    case SETTING_MODE: set_mode(r, row, NULL, row->default_text); break;
    case SETTING_BOOL:
        *(bool *)((char *)&r->config->settings + row->offset) = row->default_text[0] == 't';
        break;
    case SETTING_STRINGS:
    case SETTING_GROUP: set_default_list(r, row); break;
    }
}

/* --- lists of strings --------------------------------------------------------------------------
 */

/* Calls `take` with each string of a list, or of one that stands alone. */
static void each_string(struct reader *r, const char *path, config_setting_t *s,
                        void (*take)(struct reader *r, const char *path, config_setting_t *s,
                                     const char *text, void *to),
                        void *to) {
    int n = is_listing(s) ? config_setting_length(s) : 1;

    for (int i = 0; i < n; i++) {
        config_setting_t *one = is_listing(s) ? config_setting_get_elem(s, (unsigned)i) : s;
        const char *text = config_setting_get_string(one);

        if (text == NULL)
            problem(r, one, path, "must be a string, not %s", kind(one));
        else
            take(r, path, one, text, to);
    }
}

struct strings_to {
    const struct setting *row;
    const char **items;
    size_t count;
};

static void add_string(struct reader *r, const char *path, config_setting_t *s, const char *text,
                       void *to) {
    struct strings_to *out = to;
    const char *taken = take_string(r, out->row, s, text);

    (void)path;
    if (taken != NULL)
        out->items[out->count++] = taken;
}

static void read_strings(struct reader *r, const struct setting *row, config_setting_t *s) {
    size_t room = is_listing(s) ? (size_t)config_setting_length(s) : 0;
    struct strings_to to = {.row = row,
                            .items = arena_array(r->config->arena, room + 1, sizeof(char *))};

    if (!is_listing(s)) {
        problem(r, s, row->name, "must be a list of strings, not %s", kind(s));
        return;
    }
    each_string(r, row->name, s, add_string, &to);
    *(struct strings *)((char *)&r->config->settings + row->offset) =
        (struct strings){.items = to.items, .count = to.count};
}

/* --- groups ------------------------------------------------------------------------------------
 */

/* Reports members whose names are none of the NULL-terminated list. */
static bool members_known(struct reader *r, config_setting_t *s, const char *path,
                          const char *const *known) {
    if (!config_setting_is_group(s)) {
        problem(r, s, path, "each must be a group { }, not %s", kind(s));
        return false;
    }
    for (int i = 0; i < config_setting_length(s); i++) {
        config_setting_t *member = config_setting_get_elem(s, (unsigned)i);
        size_t k = 0;

        while (known[k] != NULL && strcmp(known[k], config_setting_name(member)) != 0)
            k++;
        if (known[k] == NULL)
            problem(r, member, path, "unknown name \"%s\"", config_setting_name(member));
    }
    return true;
}

/* --- access ------------------------------------------------------------------------------------
 */

static void take_role(struct reader *r, const char *path, config_setting_t *s, const char *text,
                      void *to) {
    unsigned role = access_role(text);

    if (role == 0)
        problem(r, s, path, "\"%s\" is none of the roles read, write, allocate, admin", text);
    *(unsigned *)to |= role;
}

struct grant {
    unsigned bits;
    unsigned *roles;
};

static void take_mount(struct reader *r, const char *path, config_setting_t *s, const char *text,
                       void *to) {
    const struct grant *grant = to;

    if (!access_grant(grant->roles, text, grant->bits))
        problem(r, s, path,
                "\"%s\" is none of root, entity, attribute, resourcemanager, preferences", text);
}

struct people {
    struct access *rows; /* one for each name */
    size_t count;
    const struct access *like;
};

static void take_person(struct reader *r, const char *path, config_setting_t *s, const char *text,
                        void *to) {
    struct people *people = to;

    if (text[0] == '\0' || !utf8_valid(text, strlen(text)) || utf8_has_control(text))
        problem(r, s, path, "\"who\" has a name that nobody can have");
    people->rows[people->count] = *people->like;
    people->rows[people->count++].who = arena_strdup(r->config->arena, text);
}

static config_setting_t *required(struct reader *r, config_setting_t *s, const char *path,
                                  const char *name) {
    config_setting_t *member = config_setting_get_member(s, name);

    if (member == NULL)
        problem(r, s, path, "\"%s\" is missing", name);
    return member;
}

/* { who = "alice"; mounts = ( "entity", "attribute" ); roles = "read"; }; no mounts: all. */
static void read_rule(struct reader *r, config_setting_t *s, const char *path,
                      struct people *people) {
    static const char *const known[] = {"who", "mounts", "roles", NULL};
    struct access like = {.who = NULL};
    struct grant grant = {.roles = like.roles};
    config_setting_t *who, *roles, *mounts;

    if (!members_known(r, s, path, known))
        return;
    who = required(r, s, path, "who");
    roles = required(r, s, path, "roles");
    mounts = config_setting_get_member(s, "mounts");
    if (who == NULL || roles == NULL)
        return;
    each_string(r, path, roles, take_role, &grant.bits);
    if (mounts != NULL)
        each_string(r, path, mounts, take_mount, &grant);
    else
        (void)access_grant(like.roles, NULL, grant.bits);
    people->like = &like;
    each_string(r, path, who, take_person, people);
}

static size_t count_names(config_setting_t *rule) {
    config_setting_t *who =
        config_setting_is_group(rule) ? config_setting_get_member(rule, "who") : NULL;

    return who != NULL && is_listing(who) ? (size_t)config_setting_length(who) : 1;
}

static void read_access(struct reader *r, config_setting_t *s) {
    struct arena *arena = r->config->arena;
    struct people people = {.count = 0};
    size_t room = 0;

    if (!is_listing(s)) {
        problem(r, s, "access", "must be a list ( { ... }, ... ), not %s", kind(s));
        return;
    }
    for (int i = 0; i < config_setting_length(s); i++)
        room += count_names(config_setting_get_elem(s, (unsigned)i));
    people.rows = arena_array(arena, room + 1, sizeof(*people.rows));
    for (int i = 0; i < config_setting_length(s); i++)
        read_rule(r, config_setting_get_elem(s, (unsigned)i), arena_printf(arena, "access[%d]", i),
                  &people);
    r->config->settings.access = people.rows;
    r->config->settings.access_count = people.count;
}

/* --- response_headers --------------------------------------------------------------------------
 */

static bool header_name_fits(const char *name, size_t n) {
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return n > 0 && strspn(name, token) >= n;
}

static void add_header(struct reader *r, const config_setting_t *s, const char *name, size_t n,
                       const char *value) {
    struct settings *settings = &r->config->settings;
    struct header *header = &r->config->headers[settings->response_header_count];

    value += strspn(value, " \t");
    if (!header_name_fits(name, n)) {
        problem(r, s, "response_headers", "\"%.*s\" is not the name of a header", (int)n, name);
        return;
    }
    for (const char *p = value; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            problem(r, s, "response_headers", "control character in the value of \"%.*s\"", (int)n,
                    name);
            return;
        }
    settings->response_header_count++;
    header->name = arena_strndup(r->config->arena, name, n);
    header->value = arena_strdup(r->config->arena, value);
}

static void read_header(struct reader *r, const config_setting_t *s) {
    const char *text = config_setting_get_string(s);
    const char *name = config_setting_name(s);

    if (text == NULL) {
        problem(r, s, "response_headers", "each must be a string, not %s", kind(s));
    } else if (name != NULL) {
        add_header(r, s, name, strlen(name), text);
    } else if (strchr(text, ':') == NULL) {
        problem(r, s, "response_headers", "\"%s\" is not \"Name: value\"", text);
    } else {
        add_header(r, s, text, strcspn(text, ":"), strchr(text, ':') + 1);
    }
}

static void read_headers(struct reader *r, config_setting_t *s) {
    int n = config_setting_is_aggregate(s) ? config_setting_length(s) : -1;

    if (n < 0) {
        problem(r, s, "response_headers", "must be a list of \"Name: value\", not %s", kind(s));
        return;
    }
    r->config->settings.response_header_count = 0;
    r->config->headers = arena_array(r->config->arena, (size_t)n + 1, sizeof(struct header));
    r->config->settings.response_headers = r->config->headers;
    for (int i = 0; i < n; i++)
        read_header(r, config_setting_get_elem(s, (unsigned)i));
}

/* --- drivers -----------------------------------------------------------------------------------
 */

/* A member that must be a string; NULL if it is missing, or was reported. */
static const char *member_string(struct reader *r, config_setting_t *s, const char *path,
                                 const char *name, bool required) {
    config_setting_t *member = config_setting_get_member(s, name);
    const char *text = member != NULL ? config_setting_get_string(member) : NULL;

    if (member == NULL && required)
        problem(r, s, path, "\"%s\" is missing", name);
    else if (member != NULL && text == NULL)
        problem(r, member, path, "\"%s\" must be a string, not %s", name, kind(member));
    return text != NULL ? arena_strdup(r->config->arena, text) : NULL;
}

/* A list member of a driver; *count is its length. NULL: absent, or reported. */
static config_setting_t *member_list(struct reader *r, config_setting_t *s, const char *path,
                                     const char *name, size_t *count) {
    config_setting_t *member = config_setting_get_member(s, name);

    *count = 0;
    if (member != NULL && !is_listing(member)) {
        problem(r, member, path, "\"%s\" must be a list ( ), not %s", name, kind(member));
        return NULL;
    }
    if (member != NULL)
        *count = (size_t)config_setting_length(member);
    return member;
}

static void read_property(struct reader *r, config_setting_t *s, const char *path,
                          struct property *out) {
    static const char *const known[] = {"name", "type", "default", NULL};
    config_setting_t *value;
    const char *type;
    int64_t number;

    if (!members_known(r, s, path, known))
        return;
    out->name = member_string(r, s, path, "name", true);
    type = member_string(r, s, path, "type", false);
    if (type != NULL && strcmp(type, "int") != 0 && strcmp(type, "string") != 0)
        problem(r, s, path, "type \"%s\" is neither int nor string", type);
    out->is_int = type != NULL && strcmp(type, "int") == 0;
    value = config_setting_get_member(s, "default");
    if (value == NULL)
        return;
    if (is_int(value))
        out->default_text =
            arena_printf(r->config->arena, "%lld", (long long)config_setting_get_int64(value));
    else
        out->default_text = member_string(r, s, path, "default", true);
    if (out->is_int && out->default_text != NULL && num_parse(out->default_text, &number) != NUM_OK)
        problem(r, value, path, "default \"%s\" is not an integer", out->default_text);
}

static void read_port(struct reader *r, config_setting_t *s, const char *path, struct port *out) {
    static const char *const known[] = {"type", "count", NULL};
    config_setting_t *count;

    if (!members_known(r, s, path, known))
        return;
    out->type = member_string(r, s, path, "type", true);
    count = config_setting_get_member(s, "count");
    if (count == NULL || !is_int(count) || config_setting_get_int(count) < 1 ||
        config_setting_get_int(count) > 100000)
        problem(r, count != NULL ? count : s, path, "\"count\" must be from 1 to 100000");
    else
        out->count = config_setting_get_int(count);
}

static void read_driver(struct reader *r, config_setting_t *s, const char *path,
                        struct driver_row *out) {
    static const char *const known[] = {"name",       "type",  "class", "parent",
                                        "properties", "ports", NULL};
    struct arena *arena = r->config->arena;
    config_setting_t *list;

    out->where = s;
    if (!members_known(r, s, path, known))
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

static void read_drivers(struct reader *r, config_setting_t *s) {
    struct config *config = r->config;

    if (!is_listing(s)) {
        problem(r, s, "drivers", "must be a list ( { ... }, ... ), not %s", kind(s));
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

/* --- files -------------------------------------------------------------------------------------
 */

static void read_special(struct reader *r, const struct setting *row, config_setting_t *s) {
    if (strcmp(row->name, "drivers") == 0)
        read_drivers(r, s);
    else if (strcmp(row->name, "access") == 0)
        read_access(r, s);
    else
        read_headers(r, s);
}

static void read_value(struct reader *r, const struct setting *row, config_setting_t *s) {
    const char *text = config_setting_get_string(s);

    switch (row->type) {
    case SETTING_STRING:
        if (text == NULL)
            problem(r, s, row->name, "must be a string, not %s", kind(s));
        else
            set_string(r, row, s, text);
        break;
    case SETTING_MODE:
        if (text == NULL)
            problem(r, s, row->name, "must be a string as \"0660\", not %s", kind(s));
        else
            set_mode(r, row, s, text);
        break;
    case SETTING_INT:
        if (!is_int(s))
            problem(r, s, row->name, "must be an integer, not %s", kind(s));
        else
            set_int(r, row, s, config_setting_get_int64(s));
        break;
    case SETTING_BOOL:
        if (config_setting_type(s) != CONFIG_TYPE_BOOL)
            problem(r, s, row->name, "must be true or false, not %s", kind(s));
        else
            *(bool *)((char *)&r->config->settings + row->offset) = config_setting_get_bool(s) != 0;
        break;
    case SETTING_STRINGS: read_strings(r, row, s); break;
    case SETTING_GROUP: read_special(r, row, s); break;
    }
}

/* Each member of a group is a row, or a group of rows. */
static void read_group(struct reader *r, config_setting_t *group, const char *prefix) {
    size_t count;

    for (int i = 0; i < config_setting_length(group); i++) {
        config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        const char *name = arena_printf(r->config->arena, "%s%s", prefix, config_setting_name(s));
        const struct setting *row = config_find(name);

        if (row != NULL) {
            r->where[row - config_table(&count)] = s;
            read_value(r, row, s);
        } else if (strcmp(name, "mounts") == 0 && config_setting_is_group(s))
            read_group(r, s, "mounts.");
        else if (strcmp(name, "mounts") == 0)
            problem(r, s, name, "must be a group { }, not %s", kind(s));
        else
            problem(r, s, name, "unknown");
    }
}

static void read_file(struct reader *r, config_t *file, const char *path) {
    char line[1024];
    const char *where;

    errno = 0;
    if (config_read_file(file, path) == CONFIG_TRUE) {
        read_group(r, config_root_setting(file), "");
        return;
    }
    where = config_error_file(file) != NULL ? config_error_file(file) : path;
    if (config_error_type(file) == CONFIG_ERR_FILE_IO)
        snprintf(line, sizeof(line), "%s: can't be read: %s", where,
                 errno != 0 ? strerror(errno) : "not a file");
    else
        snprintf(line, sizeof(line), "%s:%d: %s", where, config_error_line(file),
                 config_error_text(file));
    tell(r, line);
}

/* --- what must fit together --------------------------------------------------------------------
 */

static const config_setting_t *where(const struct reader *r, const char *name) {
    size_t count;

    return r->where[config_find(name) - config_table(&count)];
}

static const char *const mount_settings[MOUNT_COUNT] = {
    [MOUNT_ENTITY] = "mounts.entity",
    [MOUNT_ATTRIBUTE] = "mounts.attribute",
    [MOUNT_RESOURCEMANAGER] = "mounts.resourcemanager",
    [MOUNT_RESOURCE] = "mounts.resource",
    [MOUNT_PREFERENCES] = "mounts.preferences",
};

static void check_alone(struct reader *r, const char **mounts) {
    mounts[MOUNT_ROOT] = NULL;
    mounts[MOUNT_PREFERENCES] = "";
    for (int i = 0; i < MOUNT_PREFERENCES; i++) {
        if (mounts[i] != NULL && where(r, mount_settings[i]) != NULL)
            problem(r, where(r, mount_settings[i]), mount_settings[i],
                    "nothing else can be mounted where preferences are at \"/\"");
        mounts[i] = NULL;
    }
}

/* Blames the one that was set, where the other is at its default. */
static void mount_taken(struct reader *r, int one, int other) {
    int blamed = where(r, mount_settings[one]) != NULL ? one : other;

    problem(r, where(r, mount_settings[blamed]), mount_settings[blamed], "\"%s\" is taken by %s",
            r->config->settings.mounts[one], mount_settings[blamed == one ? other : one]);
}

static void check_mounts(struct reader *r) {
    const char **mounts = r->config->settings.mounts;

    mounts[MOUNT_ROOT] = "";
    for (int i = 1; i < MOUNT_COUNT; i++) {
        if (mounts[i] != NULL && mounts[i][0] == '\0')
            mounts[i] = NULL;
        for (int k = 1; k < i && mounts[i] != NULL; k++)
            if (mounts[k] != NULL && strcmp(mounts[i], mounts[k]) == 0)
                mount_taken(r, i, k);
        if (i != MOUNT_PREFERENCES && mounts[i] != NULL && strcmp(mounts[i], "/") == 0)
            problem(r, where(r, mount_settings[i]), mount_settings[i],
                    "only the preferences can be at \"/\"");
    }
    if (mounts[MOUNT_PREFERENCES] != NULL && strcmp(mounts[MOUNT_PREFERENCES], "/") == 0)
        check_alone(r, mounts);
}

/* The place of the header in the file, as far as there is one. */
static const config_setting_t *where_header(const struct reader *r, size_t i) {
    const config_setting_t *list = where(r, "response_headers");

    if (list == NULL || config_setting_length(list) <= (int)i)
        return list;
    return config_setting_get_elem(list, (unsigned)i);
}

/* Browsers refuse "*" with credentials, and rightly: every page of the web would act with the
 * passwords of whoever looks at it. And one of both ways to send these headers is enough. */
static void check_cors(struct reader *r) {
    const struct settings *s = &r->config->settings;
    const config_setting_t *at = where(r, "cors_credentials");
    const char *name = "cors_credentials";
    bool everybody = false, credentials = s->cors_credentials;

    for (size_t i = 0; i < s->cors_origins.count; i++)
        everybody = everybody || strcmp(s->cors_origins.items[i], "*") == 0;
    for (size_t i = 0; i < s->response_header_count; i++) {
        const struct header *h = &s->response_headers[i];

        if (strncasecmp(h->name, "Access-Control-", 15) == 0 && s->cors_origins.count > 0)
            problem(r, where_header(r, i), "response_headers", "\"%s\" is what cors_origins is for",
                    h->name);
        everybody = everybody || (strcasecmp(h->name, "Access-Control-Allow-Origin") == 0 &&
                                  strcmp(h->value, "*") == 0);
        if (strcasecmp(h->name, "Access-Control-Allow-Credentials") == 0 &&
            strcasecmp(h->value, "true") == 0) {
            credentials = true;
            at = where_header(r, i);
            name = "response_headers";
        }
    }
    if (everybody && credentials)
        problem(r, at, name, "credentials can't be allowed to pages of every origin (\"*\")");
}

/* A secret that everybody can read is none. */
static void check_secret(struct reader *r) {
    const config_setting_t *at = where(r, "token_key");
    const char *file = at != NULL ? config_setting_source_file(at) : NULL;
    struct stat info;

    if (file != NULL && r->config->settings.token_key[0] != '\0' && stat(file, &info) == 0 &&
        (info.st_mode & S_IROTH) != 0)
        problem(r, at, "token_key", "everybody can read this file (chmod o-r takes that away)");
}

static void take_drivers(struct reader *r) {
    const struct config *before = registered;
    const struct driver_row *which = NULL;
    const char *wrong = r->problems == 0 ? register_drivers(r->config, &which) : NULL;

    if (wrong == NULL)
        return;
    problem(r, which->where, "drivers", "%s", wrong);
    (void)register_drivers(before, &which); /* it fitted before */
}

static struct config *config_new(void) {
    struct config *config = calloc(1, sizeof(*config));

    if (config == NULL)
        abort();
    config->arena = arena_new();
    config->settings.version = PACKAGE_VERSION;
    config->headers = arena_alloc(config->arena, sizeof(struct header));
    config->settings.response_headers = config->headers;
    return config;
}

struct settings *config_load_files(const char *const *paths, size_t count, config_report report) {
    struct reader r = {.config = config_new(), .report = report};
    config_t files[MAX_FILES];
    size_t rows, read = 0;
    const struct setting *table = config_table(&rows);
    struct settings *settings = &r.config->settings;

    assert(rows <= MAX_SETTINGS && count <= MAX_FILES);
    for (size_t i = 0; i < rows; i++)
        set_default(&r, &table[i]);
    /* All stay open to the end: problems name places in them. */
    for (; read < count; read++) {
        config_init(&files[read]);
        read_file(&r, &files[read], paths[read]);
    }
    check_mounts(&r);
    check_secret(&r);
    check_cors(&r);
    if (settings->doc_dir != NULL && settings->doc_dir[0] == '\0')
        settings->doc_dir = PKGDATADIR;
    take_drivers(&r);
    while (read > 0)
        config_destroy(&files[--read]);
    if (r.problems > 0)
        config_free(&settings);
    return settings;
}

static void to_stderr(const char *line) {
    fprintf(stderr, "%s\n", line);
}

struct settings *config_load(const char *path) {
    return config_load_files(&path, path != NULL ? 1 : 0, to_stderr);
}

void config_free(struct settings **settings) {
    struct config *config = (struct config *)*settings;

    if (config == NULL)
        return;
    if (registered == config) {
        driver_reset();
        registered = NULL;
    }
    arena_free(&config->arena);
    free(config);
    *settings = NULL;
}
