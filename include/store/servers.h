/* servers.h: the options of a connection, and the servers that the connection string names. */
#ifndef MUSTER_STORE_SERVERS_H
#define MUSTER_STORE_SERVERS_H

#include "store/store.h"

#define SERVERS_MAX     32
#define SERVERS_OPTIONS 64

/* One address. NULL: as libpq has it without. */
struct server {
    const char *host, *hostaddr, *port;
};

/* Texts are in the arena of the call. */
struct servers {
    const char *names[SERVERS_OPTIONS], *values[SERVERS_OPTIONS]; /* for libpq; end with NULL */
    size_t option_count;
    struct server items[SERVERS_MAX];
    size_t count;
    size_t named;             /* elements of the string's list: a name may have several addresses */
    const char *attributes;   /* target_session_attrs */
    const char *user_options; /* as the user has them; NULL: none */
};

/* False: *error says what is wrong with the connection string, in the arena. Names are looked up.
 */
bool servers_read(struct servers *servers, const struct store_options *options, struct arena *arena,
                  const char **error);

/* The session's settings, in place of the user's options; NULL: those alone. */
void servers_set_session(struct servers *servers, const char *session);

/* The same options for this one, with target_session_attrs. */
void servers_select(struct servers *servers, size_t place, const char *attributes);

/* How long to wait for one of them, in milliseconds. */
int servers_timeout(const struct servers *servers, const struct store_options *options);

#endif
