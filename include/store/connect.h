/* connect.h: a link with what every session needs set, and every statement prepared. */
#ifndef MUSTER_STORE_CONNECT_H
#define MUSTER_STORE_CONNECT_H

#include "store/link.h"
#include "store/session.h"
#include "store/store.h"

struct connection {
    struct link link;
    const struct store_options *options;
    struct session session; /* its settings */
    bool has_extensions;    /* --init-db's additions are there, and new enough */
    uint64_t number;        /* differs from that of any other connection of this process */
    int64_t since;          /* monotonic milliseconds */
    int64_t hold_off_until; /* no attempts before */
};

/* The options are borrowed. */
void connect_init(struct connection *c, const struct store_options *options);

/* Only the connection, with the session's settings; false: link.error says why. */
bool connect_open(struct connection *c);

/* Opens and prepares. RC_OK, RC_BROKEN, RC_UNREADY for a schema that is missing or too old: logged.
 */
enum rc connect_ready(struct connection *c);

#endif
