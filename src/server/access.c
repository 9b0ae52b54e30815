/* access.c: roles, and which identities have them on which mounts. */
#include "server/access.h"

#include <string.h>

#include "base/network.h"

static const struct {
    const char *name;
    enum role role;
} role_names[] = {
    {"read", ROLE_READ}, {"write", ROLE_WRITE}, {"allocate", ROLE_ALLOCATE}, {"admin", ROLE_ADMIN}};

unsigned access_role(const char *name) {
    for (size_t i = 0; i < sizeof(role_names) / sizeof(role_names[0]); i++)
        if (strcmp(role_names[i].name, name) == 0)
            return role_names[i].role;
    return 0;
}

const char *access_role_name(enum role role) {
    size_t i = 0;

    while (role_names[i].role != role)
        i++;
    return role_names[i].name;
}

bool access_grant(unsigned roles[MOUNT_COUNT], const char *mount, unsigned bits) {
    bool found = false;

    for (int m = 0; m < MOUNT_COUNT; m++) {
        if (mount == NULL || strcmp(mount_rows[m].part, mount) == 0) {
            roles[m] |= bits;
            found = true;
        }
    }
    return found;
}

bool access_scope(unsigned roles[MOUNT_COUNT], const char *scope) {
    const char *colon = strchr(scope, ':');
    size_t n = colon != NULL ? (size_t)(colon - scope) : strlen(scope);
    char name[16];
    unsigned bits;

    if (n >= sizeof(name))
        return false;
    memcpy(name, scope, n);
    name[n] = '\0';
    bits = access_role(name);
    return bits != 0 && access_grant(roles, colon != NULL ? colon + 1 : NULL, bits);
}

static bool is_meant(const char *who, const char *identity) {
    return strcmp(who, "anonymous") == 0 ||
           (identity != NULL && (strcmp(who, "*") == 0 || strcmp(who, identity) == 0));
}

bool access_names(const struct strings *list, const char *identity) {
    for (size_t i = 0; i < list->count; i++)
        if (is_meant(list->items[i], identity))
            return true;
    return false;
}

unsigned access_roles(const struct settings *settings, const char *identity, enum mount mount) {
    unsigned roles = 0;

    for (size_t i = 0; i < settings->access_count; i++) {
        const struct access *a = &settings->access[i];

        if (is_meant(a->who, identity))
            roles |= a->roles[mount];
    }
    return roles;
}

bool access_allows(unsigned roles, enum role needed) {
    return (roles & ((unsigned)needed | ROLE_ADMIN)) != 0;
}

bool access_from(const struct strings *networks, const char *address) {
    for (size_t i = 0; i < networks->count; i++) {
        struct network network;

        if (network_parse(networks->items[i], &network) && network_contains(&network, address))
            return true;
    }
    return false;
}
