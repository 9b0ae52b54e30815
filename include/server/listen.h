/* listen.h: the socket that requests arrive on: inherited, or created. */
#ifndef MUSTER_SERVER_LISTEN_H
#define MUSTER_SERVER_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "server/settings.h"

struct listener {
    int fd;              /* non-blocking, close-on-exec */
    bool inherited;      /* descriptor 0 or systemd's: other servers may use it, too */
    char unix_path[108]; /* of a socket created here; "" otherwise */
    ino_t inode;         /* of that path, so that no other socket is removed */
};

/* True if descriptor 0 is a listening socket, or systemd passed one. */
bool listen_is_inherited(void);

/* An inherited socket, else the one that settings->listen names. A Unix socket that no server
 * listens on any more is replaced; one in use, or a file that is not a socket, stays. False:
 * logged.
 */
bool listen_open(const struct settings *settings, struct listener *out);

/* Refuses new connections; those that wait already can still be accepted. Only for a Unix socket
 * created here: others are left as they are. */
void listen_shut(const struct listener *listener);

/* Closes it, and removes the Unix socket created here. */
void listen_close(struct listener *listener);

#endif
