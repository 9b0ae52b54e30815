/* driver.c: looking drivers up, and adding those of the configuration. */
#include "model/driver.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
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

/* Arrays sorted by name (unknown: by name and type) for binary search; `order` is the order of
 * registration. They live as long as the process. */
static const struct driver *order[BUILTIN_COUNT + MAX_CONFIGURED];
static const struct driver *by_name[BUILTIN_COUNT + MAX_CONFIGURED];
static struct arena *configured; /* what those beyond the built-in ones are made of */
static size_t known_count;
static struct arena *unknown_arena;
static const struct driver *unknown[MAX_UNKNOWN]; /* found in the database only */
static size_t unknown_count;

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
    if (configured == NULL) {
        configured = arena_new();
        unknown_arena = arena_new();
    }
    for (size_t i = known_count; i < BUILTIN_COUNT; i++)
        register_driver(&builtin_drivers[i]);
}

/* --- looking up --- */

const struct driver *driver_find(const char *name) {
    assert(name != NULL);
    prepare();
    return search(by_name, known_count, name, NULL);
}

static const struct driver *remember(const char *name, const char *type) {
    struct driver *d;

    if (unknown_count == MAX_UNKNOWN)
        return ENTITY;
    d = arena_alloc(unknown_arena, sizeof(*d));
    *d = *ENTITY;
    d->name = arena_strdup(unknown_arena, name);
    d->type = arena_strdup(unknown_arena, type);
    d->parent = ENTITY;
    insert(unknown, unknown_count++, d, type);
    return d;
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
    for (; driver != NULL && driver != ancestor; driver = driver->parent)
        for (size_t i = 0; i < driver->also_count; i++)
            if (driver_is_a(driver->also[i], ancestor))
                return true;
    return driver != NULL;
}

bool driver_is_builtin(const struct driver *driver) {
    return driver >= builtin_drivers && driver < builtin_drivers + BUILTIN_COUNT;
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

static const char *check_parent(const char *name, const char *parent) {
    if (driver_find(parent) == NULL)
        return say("driver \"%s\": its parent \"%.100s\" is not known (parents come first)", name,
                   parent);
    if (strcmp(parent, "clustometa") == 0)
        return say("driver \"%s\": clustometa can't be a parent", name);
    return NULL;
}

static const char *check_parents(const struct driver_definition *new) {
    const char *wrong = new->parent == NULL ? NULL : check_parent(new->name, new->parent);

    for (size_t i = 0; wrong == NULL && i < new->also_count; i++)
        wrong = check_parent(new->name, new->also[i]);
    return wrong;
}

static const char *check_resource_key(const struct driver_definition *new) {
    if (new->resource_key == NULL)
        return NULL;
    if (new->parent == NULL || driver_find(new->parent)->allocator == ALLOCATOR_NONE)
        return say("driver \"%s\": resource_key is for resource managers", new->name);
    if (!is_word(new->resource_key, MAX_KEY))
        return say("driver \"%s\": \"%.100s\" is not a valid resource_key", new->name,
                   new->resource_key);
    return NULL;
}

static const char *check_names(const char *name, const char *type) {
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
    return NULL;
}

static const char *check(const struct driver_definition *new) {
    const char *wrong = check_names(new->name, new->type);
    size_t i;

    if (wrong == NULL)
        wrong = check_parents(new);
    if (wrong == NULL)
        wrong = check_resource_key(new);

    for (i = 0; wrong == NULL && new->properties != NULL &&i < new->property_count; i++)
        wrong = check_property(new->name, new->properties, i);
    for (i = 0; wrong == NULL && new->ports != NULL &&i < new->port_count; i++)
        wrong = check_port(new->name, &new->ports[i]);
    return wrong;
}

static void add_also(struct driver *d, const struct driver_definition *new) {
    d->also = arena_array(configured, new->also_count, sizeof(*d->also));
    d->also_count = new->also_count;
    d->has_ips = d->has_ips || new->has_ips;
    for (size_t i = 0; i < new->also_count; i++) {
        d->also[i] = driver_find(new->also[i]);
        d->has_ips = d->has_ips || d->also[i]->has_ips;
    }
}

/* A plain resourcemanager is a base in Python clusto: each driver made of it has its own key. */
static void set_allocator(struct driver *d, const struct driver_definition *new) {
    if (new->resource_key != NULL)
        d->resource_key = new->resource_key;
    else if (d->allocator == ALLOCATOR_RESOURCE && driver_is_builtin(d->parent))
        d->resource_key = NULL;
    if (d->allocator == ALLOCATOR_RESOURCE && driver_property(d, "maxnum") != NULL)
        d->allocator = ALLOCATOR_NUMBER;
}

const char *driver_add(const struct driver_definition *new) {
    const struct driver *parent;
    const char *wrong;
    struct driver *d;

    prepare();
    wrong = check(new);
    if (wrong != NULL)
        return wrong;
    parent = new->parent == NULL ? ENTITY : driver_find(new->parent);
    d = arena_alloc(configured, sizeof(*d));
    *d = *parent;
    d->parent = parent;
    d->name = new->name;
    d->class_path = new->class_path;
    if (new->type != NULL)
        d->type = new->type;
    if (new->class_path == NULL)
        d->class_path = arena_printf(configured, "muster.drivers.%s", new->name);
    if (new->properties != NULL) {
        d->properties = new->properties;
        d->property_count = new->property_count;
    }
    if (new->ports != NULL) {
        d->ports = new->ports;
        d->port_count = new->port_count;
    }
    add_also(d, new);
    set_allocator(d, new);
    register_driver(d);
    return NULL;
}

void driver_reset(void) {
    prepare();
    arena_reset(configured);
    known_count = 0;
    prepare();
}
