/* waiter.h: the process that holds the connections of all clients that wait for changes, so that no
 * worker has to.
 *
 * A worker that finds nothing new for such a request hands its connection over (parking.h) and
 * takes the next one. The waiter looks for changes at a rate that does not depend on how many wait,
 * reads them once for all, and sends a response to those whose filter they pass, made by the same
 * handler (api/changes.h). A client whose time is up gets an empty response; so does everybody when
 * the waiter is to end: whoever is sent one can always ask again. */
#ifndef MUSTER_SERVER_WAITER_H
#define MUSTER_SERVER_WAITER_H

#include "server/settings.h"

struct cluster;

/* Takes connections from its end of the socket (handover.h) until it is signalled: WORKER_RETIRE
 * (worker.h): respond to all and end; WORKER_FINISH: respond to all, also to those that come from
 * now on, until WORKER_RETIRE. Returns the exit status: 0, or 1 if it could not start (logged). To
 * be called in a process of its own. `cluster`: as for worker_run. */
int waiter_run(const struct settings *settings, struct cluster *cluster, int end);

#endif
