/* worker.h: a process that answers requests, one batch at a time. */
#ifndef MUSTER_SERVER_WORKER_H
#define MUSTER_SERVER_WORKER_H

#include "server/settings.h"

/* What the supervisor tells a worker by. Both let the requests in hand finish. */
struct cache;

#define WORKER_FINISH SIGTERM /* answer also who waits already, then end */
#define WORKER_RETIRE SIGUSR2 /* end: others answer who waits */

/* Connects to the database (without it, requests get 503 until it is there), then answers requests
 * that come in on `listen_fd` (non-blocking) until told to end, or max_requests were answered.
 * Returns the exit status: 0, or 1 if it could not start (logged). To be called in a process of
 * its own: it takes signals, and SIGUSR1 reopens the log. `cache`: answers that all workers keep,
 * or NULL. */
int worker_run(const struct settings *settings, struct cache *cache, int listen_fd);

#endif
