/* connect.h: a link with what every session needs set, and every statement prepared. */
#ifndef MUSTER_STORE_CONNECT_H
#define MUSTER_STORE_CONNECT_H

#include "store/cluster.h"
#include "store/link.h"
#include "store/session.h"
#include "store/store.h"

struct servers;

struct connection {
    struct link link;
    const struct store_options *options;
    struct session session;  /* its settings */
    struct cluster *cluster; /* what is known of the servers, together with other processes */
    struct cluster *own;     /* the same if it is known to nobody else */
    struct cluster_server server;
    size_t place;        /* of the server in the list */
    bool is_standby;     /* when last heard of */
    bool has_extensions; /* --init-db's additions are there, and new enough */
    uint64_t number;     /* differs from that of any other connection of this process */
    int64_t since;       /* monotonic milliseconds */
    int64_t replaced_at; /* the same: connected to a primary that another has replaced; 0: not so */
};

/* All is borrowed. `cluster` NULL: one of its own. */
void connect_init(struct connection *c, const struct store_options *options,
                  struct cluster *cluster);
void connect_release(struct connection *c);

/* Only the connection, with the session's settings; false: link.error says why. */
bool connect_open(struct connection *c);

/* Opens and prepares. RC_OK, RC_BROKEN, RC_UNREADY for a schema that is missing or too old: logged.
 */
enum rc connect_ready(struct connection *c);

/* Logs once that the database's encoding is not UTF8. */
void connect_warn_encoding(const struct connection *c);

/* One server of the list, with the session's settings. False: link->error says why. */
bool connect_to(struct link *link, struct servers *servers, size_t place, const char *attributes);

/* After that: statements go into a pipeline. False: no memory. */
bool connect_pipeline(struct link *link);

/* Asks what server this is, with everything that is in the packet already. */
enum rc connect_identify(struct link *link, struct cluster_server *server);

#endif
