/* listen.h: the socket that requests come in on: inherited, or made. */
#ifndef MUSTER_SERVER_LISTEN_H
#define MUSTER_SERVER_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "server/settings.h"

struct listener {
    int fd;              /* non-blocking, close-on-exec */
    bool inherited;      /* descriptor 0 or systemd's: others may be using it too */
    char unix_path[108]; /* of a socket made here; "" otherwise */
    ino_t inode;         /* of that path, so that nobody else's is removed */
};

/* True if descriptor 0 is a listening socket, or systemd passed one. */
bool listen_is_inherited(void);

/* An inherited socket, else the one that settings->listen names. A Unix socket that nobody listens
 * on any more is replaced; one in use, or a file that is no socket, is left alone. False: logged.
 */
bool listen_open(const struct settings *settings, struct listener *out);

/* Lets nobody new in; who waits already can still be accepted. Only for a Unix socket of our own:
 * others are left as they are. */
void listen_shut(const struct listener *listener);

/* Closes it, and removes the Unix socket made here. */
void listen_close(struct listener *listener);

#endif
