/* metrics.h: what is counted while the server runs, in memory that all of its processes share. */
#ifndef MUSTER_SERVER_METRICS_H
#define MUSTER_SERVER_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/rc.h"
#include "server/route.h"

/* Things that are only counted. */
enum metric {
    METRIC_RETRIES,         /* requests that were run again */
    METRIC_TRUNCATED,       /* responses truncated before their end */
    METRIC_PREFETCHED,      /* requests whose read was sent together with others' */
    METRIC_CACHE_SERVED,    /* responses from the cache */
    METRIC_CACHE_MISSED,    /* cacheable responses that were not there, or not current */
    METRIC_CACHE_STORED,    /* responses stored in the cache */
    METRIC_CACHE_CHECKS,    /* queries whether the cache is current */
    METRIC_WORKERS_STARTED, /* processes */
    METRIC_WORKERS_DIED,    /* those of them that exited unexpectedly */
    METRIC_COUNT
};

/* The shared memory; before the workers are forked, once in a server's life. Without it (one
 * request by --once, or no memory: logged) nothing is counted, and everything below does nothing.
 */
void metrics_open(void);
void metrics_close(void);

void metrics_count(enum metric metric);
void metrics_add(enum metric metric, size_t count);

/* One request is over: which row of the table answered it (NULL: none), with which status, after
 * how many microseconds. */
void metrics_request(const struct route *route, int status, long microseconds);

/* A failure of the database, by its result; results that are answers are none. */
void metrics_database(enum rc rc);

/* How many workers there should be, as the supervisor knows. */
void metrics_workers_wanted(size_t count);

/* A worker of its own: from its start to its end, and whether it has requests in hand. Of one that
 * ended without a word the supervisor says so. */
void metrics_worker_begin(void);
void metrics_worker_busy(bool busy);
void metrics_worker_end(pid_t pid);

struct metrics_workers {
    size_t wanted; /* 0: nobody counts them */
    size_t alive;
    size_t busy;
};
struct metrics_workers metrics_workers(void);

/* Have so many workers requests in hand, or all that there are? Also where nobody counts them. */
bool metrics_busy(size_t count);

/* Everything in Prometheus' text format (version 0.0.4). */
void metrics_print(struct buf *out, const char *version);

#endif
