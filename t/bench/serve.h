/* serve.h: what the programs that Muster is compared with have in common: processes that take
 * FastCGI requests from a Unix socket, detached as Muster does it. */
#ifndef MUSTER_BENCH_SERVE_H
#define MUSTER_BENCH_SERVE_H

#include <fcgiapp.h>

/* Called in each process before its first request, and for each request. */
struct responder {
    void (*start)(void);
    void (*answer)(FCGX_Request *request);
};

/* Makes the socket, forks so many processes and waits until it is ended itself. Returns the exit
 * status. */
int serve(const char *socket_path, int processes, const struct responder *responder);

#endif
