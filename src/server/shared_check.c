/* shared_check.c: one check for the requests of all workers. */
#include "server/shared_check.h"
#include "base/mutex.h"

enum { TIMEOUT_MS = 100 };

void shared_check_init(struct shared_check *check) {
    mutex_init(&check->mutex);
}

uint64_t shared_check_begun(struct shared_check *check) {
    return atomic_load(&check->begun);
}

enum check_result shared_check_wait(struct shared_check *check, uint64_t arrived) {
    bool is_late = atomic_load(&check->late) == arrived + 1;

    if (mutex_timedlock(&check->mutex, is_late ? 0 : TIMEOUT_MS) == MUTEX_BUSY) {
        atomic_store(&check->late, arrived + 1);
        return CHECK_LATE;
    }
    if (atomic_load(&check->ended) <= arrived)
        return CHECK_MINE;
    pthread_mutex_unlock(&check->mutex);
    return atomic_load(&check->good) > arrived ? CHECK_CURRENT : CHECK_UNKNOWN;
}

void shared_check_begin(struct shared_check *check) {
    atomic_fetch_add(&check->begun, 1);
}

void shared_check_end(struct shared_check *check, bool good) {
    uint64_t number = atomic_load(&check->begun);

    if (good)
        atomic_store(&check->good, number);
    atomic_store(&check->ended, number);
    pthread_mutex_unlock(&check->mutex);
}
