/* driver.h: the one table of drivers, built in and configured (contract/drivers.md). */
#ifndef MUSTER_MODEL_DRIVER_H
#define MUSTER_MODEL_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a driver does with its members; inherited from the parent. */
enum driver_insert_rule {
    INSERT_ANY, /* entity, device, server, manager: the member must be in nothing */
    INSERT_POOL,
    INSERT_UNIQUE_POOL,
    INSERT_EXCLUSIVE_POOL,
    INSERT_LOCATION,
    INSERT_RACK
};

/* What a manager hands out; inherited from the parent. */
enum driver_allocator {
    ALLOCATOR_NONE,
    ALLOCATOR_RESOURCE,
    ALLOCATOR_NUMBER, /* integers, up to a property maxnum */
    ALLOCATOR_IP,
    ALLOCATOR_NAME,
    ALLOCATOR_ENTITY_NAME
};

struct driver_property {
    const char *name;
    bool is_int;
    const char *default_text; /* NULL: none, not stored unless given */
};

struct driver_port {
    const char *type; /* "nic-eth" */
    int count;
};

struct driver {
    const char *name;
    const char *type;
    const char *class_path;
    const struct driver *parent; /* NULL for entity only */
    const struct driver **also;  /* more that it is, without their behaviour */
    size_t also_count;
    enum driver_insert_rule insert_rule;
    enum driver_allocator allocator;
    bool has_ips;
    const char *resource_key; /* managers: "ip", "simplename", "resource", or as configured; NULL:
                                 no manager, or one whose key nobody knows: it gives nothing */
    const struct driver_property *properties;
    size_t property_count;
    const struct driver_port *ports;
    size_t port_count;
};

/* A driver of the configuration. All it points to is borrowed until driver_reset. */
struct driver_definition {
    const char *name;
    const char *type;       /* NULL: the parent's */
    const char *class_path; /* NULL: muster.drivers.NAME */
    const char *parent;     /* an earlier one, whose behaviour it has; NULL: entity */
    const struct driver_property *properties; /* NULL: the parent's */
    size_t property_count;
    const struct driver_port *ports; /* NULL: the parent's */
    size_t port_count;
    const char *const *also; /* earlier ones that it is, too */
    size_t also_count;
    const char
        *resource_key; /* managers only; NULL: the parent's, unless that is resourcemanager */
    bool has_ips;      /* it has addresses, also where no parent has */
};

/* Adds it. Returns NULL, or a message naming what is wrong (duplicate name, unknown parent, bad
 * name), valid until the next call. Only before workers start. */
const char *driver_add(const struct driver_definition *definition);

/* Forgets the configured ones (re-reading the configuration). */
void driver_reset(void);

/* The driver of this name, or NULL. */
const struct driver *driver_find(const char *name);

/* The driver of this name; for an unknown one a stand-in that behaves like entity with its own name
 * and type (both copied, and kept as long as the process runs: after 1,000 unknown ones the plain
 * entity driver is returned). */
const struct driver *driver_of(const char *name, const char *type);

/* True if `driver` is `ancestor` or descends from it. */
bool driver_is_a(const struct driver *driver, const struct driver *ancestor);

/* True unless it comes from the configuration or from the database. */
bool driver_is_builtin(const struct driver *driver);

/* Number of known drivers, and the i-th in the order of registration. */
size_t driver_count(void);
const struct driver *driver_at(size_t i);

/* The last registered known driver of a type, or NULL. */
const struct driver *driver_last_of_type(const char *type);

/* The property of a driver by name, or NULL. */
const struct driver_property *driver_property(const struct driver *driver, const char *name);

#endif
