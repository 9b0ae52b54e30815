/* fcgi.h: FastCGI requests, one connection at a time (libfcgi; limits.md says what each way costs).
 */
#ifndef MUSTER_SERVER_FCGI_H
#define MUSTER_SERVER_FCGI_H

#include "server/dispatch.h"
#include "server/settings.h"

struct fcgi;

/* Ready to take connections from a listening, non-blocking socket, which stays the caller's. One
 * per process; signals that matter must be taken before, as libfcgi takes those that nobody has.
 * Takes SIGALRM. NULL if libfcgi can't start (logged). */
struct fcgi *fcgi_new(const struct settings *settings, int listen_fd);
void fcgi_free(struct fcgi **f);

enum fcgi_accepted {
    ACCEPTED,
    ACCEPTED_NO_REQUEST, /* what came was no request, or too late; it has been closed */
    ACCEPTED_NOBODY,     /* nobody is waiting any more */
    ACCEPTED_NO_ROOM     /* no descriptor is left, or no memory (logged) */
};

/* Takes a waiting connection and reads the request's parameters, within body_timeout. */
enum fcgi_accepted fcgi_accept(struct fcgi *f);

/* The request that was accepted, for dispatch(). */
struct transport fcgi_transport(struct fcgi *f);

/* Ends the request and closes its connection, whatever the front server would like to keep.
 * `whole` false: without a proper end, so that the client sees a broken answer. `drained`: the
 * body was read to its end, and there is nothing to wait for. */
void fcgi_finish(struct fcgi *f, bool whole, bool drained);

#endif
