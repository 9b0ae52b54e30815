/* turns.h: one check at a time for all workers, as databases commit many transactions with one
 * sync.
 *
 * A check tells whether kept answers are current, and holds for every request that was there before
 * it began, whichever worker has it in hand. So while one worker checks, others gather requests,
 * and one check more is for all of them. Checks are numbered: a request needs one with a higher
 * number than the last that had begun when it arrived. */
#ifndef MUSTER_SERVER_TURNS_H
#define MUSTER_SERVER_TURNS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* In memory that all workers share. A worker may be killed at any time: the mutex is robust, and
 * nobody waits for ever. */
struct turns {
    pthread_mutex_t mutex;     /* held by who checks */
    _Atomic uint32_t begun;    /* the last check that began */
    _Atomic uint32_t ended;    /* the last that ended */
    _Atomic uint32_t good;     /* the last that found kept answers current */
    _Atomic uint32_t wanted;   /* one that somebody waits for, or has waited for */
    _Atomic uint32_t bells[2]; /* go up when a check has ended; who needs an even number waits at
                                  the first, an odd one at the second */
};

enum turn {
    TURN_MINE,    /* nobody checks: the caller must (turns_begin, turns_end) */
    TURN_CURRENT, /* another's check found kept answers current */
    TURN_UNKNOWN, /* another's check did not */
    TURN_LATE     /* another's check takes too long: the caller may check without a turn */
};

/* For memory that is all zero. */
void turns_init(struct turns *turns);

/* The number of the last check that began. To be read when the requests are in hand. */
uint32_t turns_begun(struct turns *turns);

/* Waits until a check with a higher number than `arrived` has ended or nobody makes one; `patient`:
 * up to about a tenth of a second, else not at all. */
enum turn turns_wait(struct turns *turns, uint32_t arrived, bool patient);

/* Of who has TURN_MINE: the check begins now; requests that are in hand now are in it. `more`:
 * there are others that somebody else had better take. */
void turns_begin(struct turns *turns, bool more);

/* Of who has TURN_MINE, in any case: the check has ended. */
void turns_end(struct turns *turns, bool current);

/* Of who has nothing in hand: if another waits for the next check, that one takes what there is
 * when it begins. Returns then if there is more, else after two milliseconds (so long an answer
 * that is not kept may have to wait here); where nobody waits, at once. */
void turns_stand_by(struct turns *turns);

#endif
