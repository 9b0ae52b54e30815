/* access.h: roles, and which identities have them on which mounts. */
#ifndef MUSTER_SERVER_ACCESS_H
#define MUSTER_SERVER_ACCESS_H

#include <stdbool.h>

#include "server/settings.h"

/* Bits, so that they can be added up. None includes another but ROLE_ADMIN, which is all of them
 * and what the running of the server needs. */
enum role {
    ROLE_NONE = 0, /* of a route: any will do, it looks for itself which are needed */
    ROLE_READ = 1,
    ROLE_WRITE = 2,    /* objects, attributes, managers, documents */
    ROLE_ALLOCATE = 4, /* have a manager give something, or take it back */
    ROLE_ADMIN = 8
};

/* "read", "write", "allocate" or "admin"; 0: none of them. */
unsigned access_role(const char *name);

/* The name of one role. */
const char *access_role_name(enum role role);

/* Adds the roles to the mount of that name ("root", "entity", "attribute", "resourcemanager",
 * "preferences"), to all of them where `mount` is NULL. False: there is no such mount. */
bool access_grant(unsigned roles[MOUNT_COUNT], const char *mount, unsigned bits);

/* Reads a token's scope, "role" or "role:mount", and grants it. False: it is none. */
bool access_scope(unsigned roles[MOUNT_COUNT], const char *scope);

/* What the configuration lets this identity (NULL: unknown) do on a mount. */
unsigned access_roles(const struct settings *settings, const char *identity, enum mount mount);

/* Does the list name this identity (NULL: unknown): itself, "*" for whoever has one, or "anonymous"
 * for everybody? */
bool access_names(const struct strings *list, const char *identity);

/* True if these roles include that one. */
bool access_allows(unsigned roles, enum role needed);

/* Is this address (REMOTE_ADDR, or NULL) in one of the networks? They were checked by
 * network_parse. */
bool access_from(const struct strings *networks, const char *address);

#endif
