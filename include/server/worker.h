/* worker.h: a process that serves requests, one batch at a time. */
#ifndef MUSTER_SERVER_WORKER_H
#define MUSTER_SERVER_WORKER_H

#include "server/settings.h"

struct cache;
struct cluster;

/* The supervisor's signals. With both, requests in flight are finished. */
#define WORKER_FINISH SIGTERM /* serve the requests that wait already, then end */
#define WORKER_RETIRE SIGUSR2 /* end, and leave them to other workers */

/* Connects to the database (without it, requests get 503 until it is available), then serves
 * requests that arrive on `listen_fd` (non-blocking) until it is signalled, or has served
 * max_requests. Returns the exit status: 0, or 1 if it could not start (logged). To be called in a
 * process of its own: it handles signals, and SIGUSR1 reopens the log. `cache`: of responses, or
 * NULL; `cluster`: what the workers know of the database's servers; `waiter`: the end of a socket
 * (handover.h) for requests that wait, or -1. */
int worker_run(const struct settings *settings, struct cache *cache, struct cluster *cluster,
               int listen_fd, int waiter);

#endif
