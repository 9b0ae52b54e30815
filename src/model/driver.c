/* driver.c: looking drivers up, and adding those of the configuration. */
#include "model/driver.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "model/builtin.h"

enum {
    MAX_CONFIGURED = 1000,
    MAX_UNKNOWN = 1000,
    MAX_WORD = 32, /* varchar(32) of entities.driver and entities.type */
    MAX_KEY = 256,
    MAX_PORTS = 10000
};

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define ENTITY  (&builtin_drivers[BUILTIN_ENTITY])

/* A configured driver; the text of a default class path is its own. */
struct configured {
    struct driver driver;
    char *class_path;
};

/* A driver found in the database only; both texts follow it. */
struct unknown {
    struct driver driver;
    char texts[];
};

/* Arrays sorted by name (unknown: by name and type) for binary search; `order` is the order of
 * registration. They live as long as the process. */
static const struct driver *order[BUILTIN_COUNT + MAX_CONFIGURED];
static const struct driver *by_name[BUILTIN_COUNT + MAX_CONFIGURED];
static struct configured *configured[MAX_CONFIGURED];
static size_t known_count;
static const struct driver *unknown[MAX_UNKNOWN];
static size_t unknown_count;

static void *allocate(size_t size) {
    void *p = calloc(1, size);

    if (p == NULL)
        log_fatal("out of memory: %zu bytes wanted", size);
    return p;
}

/* --- sorted arrays --- */

static int compare(const struct driver *d, const char *name, const char *type) {
    int c = strcmp(d->name, name);

    return c != 0 || type == NULL ? c : strcmp(d->type, type);
}

/* The index at which it is, or would be, in a sorted array; a NULL type is not compared. */
static size_t position(const struct driver *const *sorted, size_t count, const char *name,
                       const char *type) {
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(sorted[middle], name, type) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct driver *search(const struct driver *const *sorted, size_t count,
                                   const char *name, const char *type) {
    size_t at = position(sorted, count, name, type);

    return at < count && compare(sorted[at], name, type) == 0 ? sorted[at] : NULL;
}

static void insert(const struct driver **sorted, size_t count, const struct driver *d,
                   const char *type) {
    size_t at = position(sorted, count, d->name, type);

    memmove(sorted + at + 1, sorted + at, (count - at) * sizeof(*sorted));
    sorted[at] = d;
}

static void register_driver(const struct driver *d) {
    insert(by_name, known_count, d, NULL);
    order[known_count++] = d;
}

/* Registers the built-in drivers, on first use. */
static void prepare(void) {
    size_t i;

    for (i = known_count; i < BUILTIN_COUNT; i++)
        register_driver(&builtin_drivers[i]);
}

/* --- looking up --- */

const struct driver *driver_find(const char *name) {
    assert(name != NULL);
    prepare();
    return search(by_name, known_count, name, NULL);
}

static const struct driver *remember(const char *name, const char *type) {
    size_t name_size = strlen(name) + 1;
    size_t type_size = strlen(type) + 1;
    struct unknown *u;

    if (unknown_count == MAX_UNKNOWN)
        return ENTITY;
    u = allocate(sizeof(*u) + name_size + type_size);
    memcpy(u->texts, name, name_size);
    memcpy(u->texts + name_size, type, type_size);
    u->driver = *ENTITY;
    u->driver.name = u->texts;
    u->driver.type = u->texts + name_size;
    u->driver.parent = ENTITY;
    insert(unknown, unknown_count++, &u->driver, type);
    return &u->driver;
}

const struct driver *driver_of(const char *name, const char *type) {
    const struct driver *d = driver_find(name);

    assert(type != NULL);
    if (d == NULL)
        d = search(unknown, unknown_count, name, type);
    return d == NULL ? remember(name, type) : d;
}

bool driver_is_a(const struct driver *driver, const struct driver *ancestor) {
    assert(driver != NULL && ancestor != NULL);
    while (driver != NULL && driver != ancestor)
        driver = driver->parent;
    return driver != NULL;
}

size_t driver_count(void) {
    prepare();
    return known_count;
}

const struct driver *driver_at(size_t i) {
    prepare();
    assert(i < known_count);
    return order[i];
}

const struct driver *driver_last_of_type(const char *type) {
    size_t i;

    assert(type != NULL);
    prepare();
    for (i = known_count; i > 0; i--)
        if (strcmp(order[i - 1]->type, type) == 0)
            return order[i - 1];
    return NULL;
}

const struct driver_property *driver_property(const struct driver *driver, const char *name) {
    size_t i;

    assert(driver != NULL && name != NULL);
    for (i = 0; i < driver->property_count; i++)
        if (strcmp(driver->properties[i].name, name) == 0)
            return &driver->properties[i];
    return NULL;
}

/* --- configured drivers --- */

static char message[512];

__attribute__((format(printf, 1, 2))) static const char *say(const char *format, ...) {
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return message;
}

static bool is_word(const char *text, size_t longest) {
    size_t n = strlen(text);

    return n > 0 && n <= longest && strspn(text, LETTERS "_") > 0 &&
           text[strspn(text, LETTERS "0123456789_-")] == '\0';
}

static const char *check_property(const char *driver, const struct driver_property *all, size_t i) {
    const struct driver_property *p = &all[i];
    int64_t number;
    size_t k;

    if (p->name == NULL || !is_word(p->name, MAX_KEY))
        return say("driver \"%s\": \"%.100s\" is not a valid property name", driver,
                   p->name == NULL ? "" : p->name);
    for (k = 0; k < i; k++)
        if (strcmp(all[k].name, p->name) == 0)
            return say("driver \"%s\": property \"%.100s\" is duplicated", driver, p->name);
    if (p->is_int && p->default_text != NULL && num_parse(p->default_text, &number) != NUM_OK)
        return say("driver \"%s\": the default of property \"%.100s\" is not an integer", driver,
                   p->name);
    return NULL;
}

static const char *check_port(const char *driver, const struct driver_port *p) {
    if (p->type == NULL || *p->type == '\0' || strchr(p->type, ':') != NULL)
        return say("driver \"%s\": \"%.100s\" is not a valid port type", driver,
                   p->type == NULL ? "" : p->type);
    if (p->count < 0 || p->count > MAX_PORTS)
        return say("driver \"%s\": ports of type \"%.100s\" must be 0 to %d, not %d", driver,
                   p->type, MAX_PORTS, p->count);
    return NULL;
}

static const char *check_names(const char *name, const char *type, const char *parent) {
    if (name == NULL || !is_word(name, MAX_WORD))
        return say("\"%.100s\" is not a valid driver name: 1 to %d letters, digits, _ and -, "
                   "starting with a letter or _",
                   name == NULL ? "" : name, MAX_WORD);
    if (type != NULL && !is_word(type, MAX_WORD))
        return say(
            "driver \"%s\": \"%.100s\" is not a valid type: 1 to %d letters, digits, _ and -, "
            "starting with a letter or _",
            name, type, MAX_WORD);
    if (driver_find(name) != NULL)
        return say("driver \"%s\" already exists", name);
    if (known_count == BUILTIN_COUNT + MAX_CONFIGURED)
        return say("driver \"%s\": more than %d configured drivers", name, MAX_CONFIGURED);
    if (parent != NULL && driver_find(parent) == NULL)
        return say("driver \"%s\": its parent \"%.100s\" is not known (parents come first)", name,
                   parent);
    if (parent != NULL && strcmp(parent, "clustometa") == 0)
        return say("driver \"%s\": clustometa can't be a parent", name);
    return NULL;
}

static const char *check_lists(const char *name, const struct driver_property *properties,
                               size_t property_count, const struct driver_port *ports,
                               size_t port_count) {
    const char *wrong = NULL;
    size_t i;

    for (i = 0; wrong == NULL && properties != NULL && i < property_count; i++)
        wrong = check_property(name, properties, i);
    for (i = 0; wrong == NULL && ports != NULL && i < port_count; i++)
        wrong = check_port(name, &ports[i]);
    return wrong;
}

static char *default_class_path(const char *name) {
    static const char package[] = "muster.drivers.";
    size_t size = sizeof(package) + strlen(name);
    char *path = allocate(size);

    (void)snprintf(path, size, "%s%s", package, name);
    return path;
}

const char *driver_add(const char *name, const char *type, const char *class_path,
                       const char *parent, const struct driver_property *properties,
                       size_t property_count, const struct driver_port *ports, size_t port_count) {
    const char *wrong;
    struct configured *c;
    struct driver *d;

    prepare();
    wrong = check_names(name, type, parent);
    if (wrong == NULL)
        wrong = check_lists(name, properties, property_count, ports, port_count);
    if (wrong != NULL)
        return wrong;
    c = allocate(sizeof(*c));
    d = &c->driver;
    *d = parent == NULL ? *ENTITY : *driver_find(parent);
    d->parent = parent == NULL ? ENTITY : driver_find(parent);
    d->name = name;
    d->type = type == NULL ? d->type : type;
    if (class_path == NULL)
        c->class_path = default_class_path(name);
    d->class_path = class_path == NULL ? c->class_path : class_path;
    if (properties != NULL) {
        d->properties = properties;
        d->property_count = property_count;
    }
    if (ports != NULL) {
        d->ports = ports;
        d->port_count = port_count;
    }
    configured[known_count - BUILTIN_COUNT] = c;
    register_driver(d);
    return NULL;
}

void driver_reset(void) {
    size_t i;

    for (i = BUILTIN_COUNT; i < known_count; i++) {
        free(configured[i - BUILTIN_COUNT]->class_path);
        free(configured[i - BUILTIN_COUNT]);
        configured[i - BUILTIN_COUNT] = NULL;
    }
    known_count = 0;
    prepare();
}
