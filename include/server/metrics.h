/* metrics.h: counters of the running server, in memory that all of its processes share. */
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
    METRIC_STANDBY_READS,   /* requests that a standby was read for */
    METRIC_STANDBY_CHECKS,  /* queries for the primary's position */
    METRIC_STANDBY_BEHIND,  /* a standby was waited for in vain */
    METRIC_STANDBY_FAILED,  /* requests that were run again by the primary */
    METRIC_STANDBY_STALE,   /* requests served while the primary could not be asked */
    METRIC_WRITES_REFUSED,  /* because too many were waiting */
    METRIC_WAITS_WOKEN,     /* waiting clients that were sent a change */
    METRIC_WAITS_TIMED_OUT, /* and those for whom there was none in their time */
    METRIC_WAITS_DROPPED,   /* and those that left */
    METRIC_WAITS_REFUSED,   /* because too many were waiting */
    METRIC_WORKERS_STARTED, /* processes */
    METRIC_WORKERS_DIED,    /* those of them that exited unexpectedly */
    METRIC_COUNT
};

/* The shared memory; before the workers are forked, once in a server's life; `table` has the routes
 * that requests are counted by. Without it (--once, or no memory: logged) metrics are disabled, and
 * everything below does nothing. */
void metrics_open(const struct route *table, size_t count);
void metrics_close(void);

void metrics_count(enum metric metric);
void metrics_add(enum metric metric, size_t count);

/* After each request: its route (NULL: none), the status of the response, and how long it took. */
void metrics_request(const struct route *route, int status, long microseconds);

/* A failure of the database by its result; other results are not counted. */
void metrics_database(enum rc rc);

/* The configured number of workers, from the supervisor. */
void metrics_workers_wanted(size_t count);

/* From a worker: its start, its end, and whether it is serving requests. The supervisor reports the
 * end as well, in case the worker was killed. */
void metrics_worker_begin(void);
void metrics_worker_busy(bool busy);
void metrics_worker_end(pid_t pid);

/* From a worker: since when it is in a write (clock_ms()); 0: it is in none. */
void metrics_worker_write(int64_t since);

/* The writes that workers are in. */
struct metrics_writes {
    size_t count;
    int64_t newest; /* since when the latest of them is */
};
struct metrics_writes metrics_writes(void);

/* True if this worker is in a write, and not all that there should be are. */
bool metrics_writes_beside_reads(void);

struct metrics_workers {
    size_t wanted; /* 0: metrics are disabled */
    size_t alive;
    size_t busy;
};
struct metrics_workers metrics_workers(void);

/* The configured number alone. */
size_t metrics_workers_wanted_count(void);

/* True if so many workers are busy, or all that there are; also if metrics are disabled. */
bool metrics_busy(size_t count);

/* True if all workers that there should be are busy, and with what they began before (clock_ms());
 * false if metrics are disabled. */
bool metrics_all_busy(int64_t since);

/* How many clients wait for changes, from the waiter. */
void metrics_waiting(size_t count);
size_t metrics_waiting_count(void);

/* All metrics in Prometheus' text format (version 0.0.4). */
void metrics_print(struct buf *out, const char *version, const struct store *store);

#endif
