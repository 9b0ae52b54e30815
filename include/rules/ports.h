/* ports.h: cables between the ports of two devices (contract/coexistence.md, "Ports"). Python
 * clusto keeps a cable as attributes of both: port-TYPE with the port's number, subkeys connection
 * (a relation to the other device) and otherportnum. */
#ifndef MUSTER_RULES_PORTS_H
#define MUSTER_RULES_PORTS_H

#include "base/verdict.h"
#include "model/driver.h"
#include "store/store.h"
#include "store/write.h"

/* Numbers begin at 1. */
struct ports_end {
    const struct ref *device; /* locked (LOCK_CHANGE) */
    int32_t number;
};

/* The key of the attributes of ports of a type. */
const char *ports_key(struct arena *arena, const char *type);

/* The type of the port whose connection the attribute is; NULL: it is none. */
const char *ports_connected(const struct attr *attr);

/* Do objects of the driver have such a port? */
bool ports_exists(const struct driver *driver, const char *type, int32_t number);

/* The attribute of a port with this subkey among the object's; NULL: none. */
const struct attr *ports_attr(const struct object *object, const char *key, int32_t number,
                              const char *subkey);

/* Connects two ports of a type. RC_INVALID: there is no such port; RC_CONFLICT: one is in use, or
 * they are the same. */
struct verdict ports_connect(struct store *store, struct arena *arena, const char *type,
                             const struct ports_end ends[2]);

/* Frees the port and what it is connected with; one that is free stays so. */
struct verdict ports_disconnect(struct store *store, struct arena *arena, const char *type,
                                const struct ports_end *end);

#endif
