/* fcgi.h: FastCGI requests, through libfcgi.
 */
#ifndef MUSTER_SERVER_FCGI_H
#define MUSTER_SERVER_FCGI_H

#include "server/settings.h"
#include "server/transport.h"

struct fcgi;

/* Ready to accept connections from a listening, non-blocking socket, which stays the caller's; one
 * for each request that is in flight at once. Signals that matter must be handled before, as
 * libfcgi takes those that are not. Takes SIGALRM. NULL if libfcgi can't start (logged). */
struct fcgi *fcgi_new(const struct settings *settings, int listen_fd);
void fcgi_free(struct fcgi **f);

enum fcgi_accept {
    ACCEPT_OK,
    ACCEPT_NO_REQUEST, /* what came was not a request, or too late; it has been closed */
    ACCEPT_NONE,       /* no connection is waiting any more */
    ACCEPT_EXHAUSTED   /* out of descriptors or memory (logged) */
};

/* Accepts a waiting connection and reads the request's parameters, within body_timeout. */
enum fcgi_accept fcgi_accept(struct fcgi *f);

/* A request that was accepted and set aside: its body has body_timeout from now on. */
void fcgi_resume(struct fcgi *f);

/* Ends what is timed: another request, whose response is being sent, must not be interrupted. */
void fcgi_end_timer(void);

/* The request that was accepted, for dispatch(). */
struct transport fcgi_transport(struct fcgi *f);

/* Ends the request and closes its connection, even if the front server asked to keep it. `whole`
 * false: without a proper end, so that the client sees a truncated response. `drained`: the body
 * was read to its end, and there is nothing to wait for. */
void fcgi_finish(struct fcgi *f, bool whole, bool drained);

/* --- instead of that, when another process goes on with the request */

/* What that process needs to know of it. */
struct fcgi_connection {
    int fd; /* still owned by the request */
    unsigned request_id;
    bool keep; /* the front server asked to keep the connection open */
};
struct fcgi_connection fcgi_connection(const struct fcgi *f);

/* The other process has its own descriptor: this one is closed, and the connection stays. */
void fcgi_release(struct fcgi *f);

#endif
