/* shared_check.h: one check for the requests of all workers, as a group commit is one sync for many
 * transactions: whether the cache is current, or how far the primary is (standby.h).
 *
 * A check holds for every request that had arrived before it began, whichever worker has it. One
 * worker checks at a time and holds the mutex; the others wait for it, and then mostly find that a
 * check which began after their requests arrived has ended. Checks are numbered. */
#ifndef MUSTER_SERVER_SHARED_CHECK_H
#define MUSTER_SERVER_SHARED_CHECK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* In memory that all workers share. */
struct shared_check {
    pthread_mutex_t mutex;  /* held during a check */
    _Atomic uint64_t begun; /* the last check that began */
    _Atomic uint64_t ended; /* the last that ended */
    _Atomic uint64_t good;  /* the last that succeeded */
    _Atomic uint64_t late;  /* the last that was waited for in vain */
};

enum check_result {
    CHECK_MINE,    /* the caller must check (shared_check_begin, shared_check_end) */
    CHECK_CURRENT, /* another worker's check succeeded */
    CHECK_UNKNOWN, /* another worker's check did not */
    CHECK_LATE     /* another worker's check takes too long: the caller may check for itself */
};

/* For memory that is all zero. */
void shared_check_init(struct shared_check *check);

/* The number of the last check that began. To be read after the requests have arrived. */
uint64_t shared_check_begun(struct shared_check *check);

/* Waits until a check with a higher number than `arrived` has ended or the caller may make it, for
 * a tenth of a second at most, and only once for the same late check. */
enum check_result shared_check_wait(struct shared_check *check, uint64_t arrived);

/* After CHECK_MINE: the check begins now, for all requests that have arrived by now. */
void shared_check_begin(struct shared_check *check);

/* After shared_check_begin, always. */
void shared_check_end(struct shared_check *check, bool good);

#endif
