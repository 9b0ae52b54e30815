/* mutex.h: mutexes in memory that several processes share, any of which may be killed while it
 * holds one. */
#ifndef MUSTER_BASE_MUTEX_H
#define MUSTER_BASE_MUTEX_H

#include <pthread.h>
#include <stdbool.h>

enum mutex_result {
    MUTEX_LOCKED,
    MUTEX_RECOVERED, /* locked; its last owner died, and what it guards may be half written */
    MUTEX_BUSY       /* not within the timeout */
};

/* Process-shared and robust. */
void mutex_init(pthread_mutex_t *mutex);

/* Waits as long as it takes: for mutexes that are held for microseconds. */
enum mutex_result mutex_lock(pthread_mutex_t *mutex);

/* Waits up to `timeout` milliseconds, less than 1000; 0: not at all. */
enum mutex_result mutex_timedlock(pthread_mutex_t *mutex, int timeout);

#endif
