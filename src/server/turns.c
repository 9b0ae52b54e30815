/* turns.c: one check at a time for all workers. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/turns.h"

#define FAR (UINT32_C(1) << 30)

enum {
    STAND_BY_MS = 2,
    NAP_MS = 20,      /* until who waits looks whether who checks was killed */
    PATIENCE_MS = 100 /* then who waits asks for itself */
};

void turns_init(struct turns *turns) {
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&turns->mutex, &attr);
    pthread_mutexattr_destroy(&attr);
}

/* Numbers wrap around. */
static bool is_after(uint32_t number, uint32_t other) {
    return (int32_t)(number - other) > 0;
}

/* Until somebody rings, or the word is not what was seen any more. */
static void nap(_Atomic uint32_t *word, uint32_t seen, long ms) {
    const struct timespec time = {.tv_nsec = ms * 1000000L};

    syscall(SYS_futex, word, FUTEX_WAIT, seen, &time, NULL, 0);
}

static void wake(_Atomic uint32_t *word, int most) {
    syscall(SYS_futex, word, FUTEX_WAKE, most, NULL, NULL, 0);
}

static bool try_lock(struct turns *turns) {
    int rc = pthread_mutex_trylock(&turns->mutex);

    if (rc == EOWNERDEAD)
        pthread_mutex_consistent(&turns->mutex);
    return rc == 0 || rc == EOWNERDEAD;
}

uint32_t turns_begun(struct turns *turns) {
    return atomic_load(&turns->begun);
}

/* One of each kind: who makes the next check, and who only wants to know. */
static void ring(struct turns *turns) {
    for (int i = 0; i < 2; i++) {
        atomic_fetch_add(&turns->bells[i], 1);
        wake(&turns->bells[i], 1);
    }
}

enum turn turns_wait(struct turns *turns, uint32_t arrived, bool patient) {
    _Atomic uint32_t *bell = &turns->bells[(arrived + 1) % 2];
    int64_t until = 0;

    for (;;) {
        uint32_t rung = atomic_load(bell); /* before looking, or a ring is missed */

        if (is_after(atomic_load(&turns->ended), arrived))
            return is_after(atomic_load(&turns->good), arrived) ? TURN_CURRENT : TURN_UNKNOWN;
        if (try_lock(turns)) {
            if (!is_after(atomic_load(&turns->ended), arrived))
                return TURN_MINE;
            pthread_mutex_unlock(&turns->mutex);
            ring(turns); /* somebody may have found it locked meanwhile */
            continue;
        }
        if (!patient || (until != 0 && clock_ms() >= until))
            return TURN_LATE;
        if (until == 0)
            until = clock_ms() + PATIENCE_MS;
        atomic_store(&turns->wanted, arrived + 1);
        nap(bell, rung, NAP_MS);
    }
}

void turns_begin(struct turns *turns, bool more) {
    atomic_fetch_add(&turns->begun, 1);
    if (more)
        wake(&turns->begun, 1);
}

/* For all who waited for this one; and one of those who need the next shall make it. */
void turns_end(struct turns *turns, bool current) {
    uint32_t number = atomic_load(&turns->begun);

    /* Numbers are compared across half of their range only. */
    if (current)
        atomic_store(&turns->good, number);
    else if (number - atomic_load(&turns->good) > FAR)
        atomic_store(&turns->good, number - FAR);
    atomic_store(&turns->ended, number);
    pthread_mutex_unlock(&turns->mutex);
    atomic_fetch_add(&turns->bells[number % 2], 1);
    atomic_fetch_add(&turns->bells[(number + 1) % 2], 1);
    wake(&turns->bells[number % 2], INT_MAX);
    wake(&turns->bells[(number + 1) % 2], 1);
}

void turns_stand_by(struct turns *turns) {
    uint32_t begun = atomic_load(&turns->begun);

    if (!is_after(atomic_load(&turns->wanted), begun))
        return;
    nap(&turns->begun, begun, STAND_BY_MS);
    /* Nobody checks, and who waited is gone; else it will say so again. */
    if (atomic_load(&turns->begun) == begun && atomic_load(&turns->ended) == begun)
        atomic_store(&turns->wanted, begun);
}
