/* route.h: the one table of routes. */
#ifndef MUSTER_SERVER_ROUTE_H
#define MUSTER_SERVER_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/context.h"
#include "server/access.h"
#include "server/operation.h"

/* A row. A new one needs a heading in the documentation, which lists the parameters, and an
 * operation (operation.h); whatever the operation does not name is refused before the handler.
 * `pattern` is what follows the mount: "" (the mount itself), "__doc__", "{driver}",
 * "{driver}/{name}",
 * "{name}/{key?}/{subkey?}/{number?}" where {x?} may be missing with all after it,
 * "{container}/{path*}". A word without braces matches itself only and wins over a braced one
 * (longer literal prefix first). */
struct route {
    unsigned methods; /* METHOD_BIT()s; HEAD is implied by GET */
    enum mount mount;
    const char *pattern;
    context_handler handle;
    enum role role;      /* that the caller needs on this mount */
    const char *doc;     /* heading in doc/<mount>.rst (or a page of the root) that documents it */
    unsigned flags;      /* ROUTE_x */
    context_handler ask; /* a quick read's first step (context.h), or what a write does ahead of its
                            transaction; NULL: it has one step */
    const struct operation *operation; /* what it takes and answers */
};

/* The handler obeys If-Match and If-None-Match; elsewhere they are refused (but If-None-Match with
 * a read). */
#define ROUTE_CONDITIONS 1u
/* About one user's documents: there is a request.user. */
#define ROUTE_USER 2u
/* Clients in monitor_networks need no role; served whatever is mounted. */
#define ROUTE_MONITOR 4u
/* The response may be cached. */
#define ROUTE_CACHE 8u
/* The handler runs in a write transaction that dispatch begins and ends. */
#define ROUTE_WRITE 16u

/* It needs no database: it is served even while every worker waits for one. */
#define ROUTE_ALONE 64u
/* What it reads can be read as of a version. */
#define ROUTE_PAST 32u

/* It reads the inventory, but not as of one version: Clusto-As-Of is refused. */
#define ROUTE_PRESENT 32768u

/* A read by POST, for what is too long for a URL. */
#define ROUTE_READ 262144u

/* It creates: If-None-Match: * is obeyed. */
#define ROUTE_CREATES 128u

/* A standby may be read from (standby.h); and where the response may be long, only one that asks
 * the primary to keep what it needs. */
#define ROUTE_STANDBY 65536u
#define ROUTE_LONG    131072u

/* A compact page after an id is read by one statement. */
#define ROUTE_PAGE 512u

/* A list with an entity tag: If-None-Match is obeyed. */
#define ROUTE_LIST 8192u

/* With the parameter since it is about changes, and may wait for the database to confirm a
 * point, if as many workers as may wait do not do so already. */
#define ROUTE_FEED 256u

/* It may be an operation of a transaction. */
#define ROUTE_OPERATION 1024u

/* Whoever has an identity may ask, without any role (the row's is ROLE_NONE). */
#define ROUTE_IDENTITY 16384u

/* Its body is a list of operations, which have handlers; it has none. */
#define ROUTE_TRANSACTION 2048u

/* The handler reads the body, piece by piece. It can't be run again. */
#define ROUTE_STREAM 4096u

const struct route *route_table(size_t *count);

struct route_match {
    const struct route *route; /* NULL: none for this method */
    unsigned allowed;          /* methods known on this path; 0: unknown path */
    enum mount mount;
    bool reserved;           /* it would create a container that could not be read */
    const char *const *args; /* segments after the mount, or after the literal prefix */
    size_t arg_count;
};

/* Finds the row. Mounts are those of the settings. */
struct route_match route_find(const struct settings *settings, const struct path *path,
                              enum request_method method);

/* A read of the inventory, whose database has versions. */
static inline bool route_reads_inventory(const struct route *route) {
    return ((route->methods & METHOD_BIT(METHOD_GET)) || (route->flags & ROUTE_READ)) &&
           route->mount != MOUNT_PREFERENCES && (route->flags & (ROUTE_ALONE | ROUTE_MONITOR)) == 0;
}

/* "GET, HEAD, OPTIONS" for an Allow header, in the arena. */
const char *route_allow(struct arena *arena, unsigned methods);

#endif
