/* mutex.c: robust mutexes that processes share. */
#include "config.h" /* _GNU_SOURCE, for pthread_mutex_clocklock */

#include "base/mutex.h"

#include <errno.h>
#include <time.h>

void mutex_init(pthread_mutex_t *mutex) {
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(mutex, &attr);
    pthread_mutexattr_destroy(&attr);
}

static enum mutex_result result_of(pthread_mutex_t *mutex, int error) {
    if (error == EOWNERDEAD)
        pthread_mutex_consistent(mutex);
    return error == EOWNERDEAD ? MUTEX_RECOVERED : error == 0 ? MUTEX_LOCKED : MUTEX_BUSY;
}

enum mutex_result mutex_lock(pthread_mutex_t *mutex) {
    return result_of(mutex, pthread_mutex_lock(mutex));
}

enum mutex_result mutex_timedlock(pthread_mutex_t *mutex, int timeout) {
    int error = pthread_mutex_trylock(mutex);
    struct timespec until;

    if (error == EBUSY && timeout > 0) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += timeout * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        error = pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
    }
    return result_of(mutex, error);
}
