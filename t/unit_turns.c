/* unit_turns.c: one check at a time for all workers: who makes it, for whom it holds, and what if
 * its maker dies. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/turns.h"
#include "tap.h"

enum { CHILDREN = 6, ROUNDS = 3000 };

/* What processes share here: the turns, and a world that they change and look at. */
static struct shared {
    struct turns turns;
    _Atomic uint64_t world; /* goes up with every change */
    _Atomic uint64_t seen;  /* by the last check that ended */
    _Atomic uint32_t stale;
    _Atomic uint32_t mine;
    _Atomic uint32_t current;
    _Atomic bool ready;
} * shared;

static void begin(void) {
    if (shared)
        munmap(shared, sizeof *shared);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    turns_init(&shared->turns);
}

/* Until it is so, at most ten seconds. */
static bool becomes_ready(void) {
    for (int64_t until = clock_ms() + 10000; clock_ms() < until; usleep(1000))
        if (atomic_load(&shared->ready))
            return true;
    return false;
}

static int wait_for(uint32_t arrived) {
    enum turn turn = turns_wait(&shared->turns, arrived, true);

    return turn;
}

/* A child waits for a check after number `arrived`; what it gets is its exit status. */
static pid_t waiting(uint32_t arrived) {
    pid_t pid = fork();

    if (pid == 0)
        _exit(wait_for(arrived));
    return pid;
}

static int result(pid_t pid) {
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Until somebody waits for this check. */
static bool is_wanted(uint32_t number) {
    for (int64_t until = clock_ms() + 10000; clock_ms() < until; usleep(1000))
        if (atomic_load(&shared->turns.wanted) == number)
            return true;
    return false;
}

static void test_alone(void) {
    begin();
    is_int(wait_for(turns_begun(&shared->turns)), TURN_MINE, "alone: mine");
    turns_begin(&shared->turns, false);
    turns_end(&shared->turns, true);
    is_int(turns_begun(&shared->turns), 1, "one has begun");
    is_int(wait_for(0), TURN_CURRENT, "it is for who was there before");
    is_int(wait_for(1), TURN_MINE, "not for who came after it began");
    turns_begin(&shared->turns, false);
    turns_end(&shared->turns, false);
    is_int(wait_for(1), TURN_UNKNOWN, "a check that failed is told");
    is_int(wait_for(2), TURN_MINE, "and the next is made");
    turns_begin(&shared->turns, false);
    turns_end(&shared->turns, true);
    is_int(wait_for(1), TURN_CURRENT, "a later one will do");
}

static void test_waiting(void) {
    pid_t before, during;

    begin();
    is_int(wait_for(0), TURN_MINE, "one checks");
    before = waiting(turns_begun(&shared->turns));
    ok(is_wanted(1), "another waits");
    turns_begin(&shared->turns, false);
    during = waiting(turns_begun(&shared->turns));
    ok(is_wanted(2), "a third came too late for this check");
    turns_end(&shared->turns, true);
    is_int(result(before), TURN_CURRENT, "who waited has its answer");
    is_int(result(during), TURN_MINE, "who came too late makes the next");
    is_int(wait_for(1), TURN_MINE, "and where that one died of it, another does");
    turns_begin(&shared->turns, false);
    turns_end(&shared->turns, true);
    is_int(turns_begun(&shared->turns), 2, "two checks in all");
}

static void test_wrapping(void) {
    begin();
    atomic_store(&shared->turns.begun, UINT32_MAX);
    atomic_store(&shared->turns.ended, UINT32_MAX);
    atomic_store(&shared->turns.good, UINT32_MAX);
    is_int(wait_for(UINT32_MAX), TURN_MINE, "numbers wrap around: mine");
    turns_begin(&shared->turns, false);
    turns_end(&shared->turns, true);
    is_int(turns_begun(&shared->turns), 0, "the next number is 0");
    is_int(wait_for(UINT32_MAX), TURN_CURRENT, "which is after the last");
}

/* Killed in the middle, or stopped. */
static void test_death(void) {
    enum turn turn;
    pid_t pid;

    begin();
    pid = fork();
    if (pid == 0) {
        (void)turns_wait(&shared->turns, 0, true);
        turns_begin(&shared->turns, false);
        atomic_store(&shared->ready, true);
        for (;;)
            pause();
    }
    ok(becomes_ready(), "a child checks");
    is_int(wait_for(0), TURN_LATE, "and takes too long");
    turn = turns_wait(&shared->turns, 0, false);
    is_int(turn, TURN_LATE, "who has waited for it need not wait again");
    kill(pid, SIGKILL);
    (void)result(pid);
    is_int(wait_for(0), TURN_MINE, "it died: another checks");
    turns_begin(&shared->turns, false);
    turns_end(&shared->turns, true);
    is_int(wait_for(1), TURN_CURRENT, "as if nothing had been");
}

/* How long the others stand by is theirs to wait in vain, but only once. */
static void test_gone(void) {
    pid_t pid;

    begin();
    is_int(wait_for(0), TURN_MINE, "one checks");
    turns_begin(&shared->turns, false);
    pid = waiting(turns_begun(&shared->turns));
    ok(is_wanted(2), "another waits");
    kill(pid, SIGKILL);
    (void)result(pid);
    turns_end(&shared->turns, true);
    turns_stand_by(&shared->turns);
    is_int(atomic_load(&shared->turns.wanted), 1, "it was killed: nobody is stood by for any more");
}

static void test_failing(void) {
    const uint32_t far = UINT32_C(0x90000000);

    begin();
    atomic_store(&shared->turns.begun, far);
    atomic_store(&shared->turns.ended, far);
    is_int(wait_for(far), TURN_MINE, "after two thousand million checks that failed");
    turns_begin(&shared->turns, false);
    turns_end(&shared->turns, false);
    is_int(wait_for(far), TURN_UNKNOWN, "one more is still a failure");
}

static void test_standing_by(void) {
    pid_t leader;

    begin();
    turns_stand_by(&shared->turns);
    ok(true, "nobody waits: who has nothing in hand goes on");
    is_int(wait_for(0), TURN_MINE, "one checks");
    turns_begin(&shared->turns, false);
    leader = waiting(turns_begun(&shared->turns));
    ok(is_wanted(2), "another waits");
    turns_stand_by(&shared->turns);
    turns_stand_by(&shared->turns);
    ok(true, "a third does not stand by for ever");
    turns_end(&shared->turns, true);
    is_int(result(leader), TURN_MINE, "the next check begins");
}

/* Each changes the world, and must never be told that all is current by a check that looked at the
 * world before. */
static void change_and_look(void) {
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t mine = atomic_fetch_add(&shared->world, 1) + 1;
        enum turn turn = turns_wait(&shared->turns, turns_begun(&shared->turns), true);

        if (turn == TURN_MINE) {
            uint64_t seen;

            turns_begin(&shared->turns, i % 3 == 0);
            seen = atomic_load(&shared->world);
            if (i % 50 == 0)
                usleep(100);
            atomic_store(&shared->seen, seen);
            turns_end(&shared->turns, true);
            atomic_fetch_add(&shared->mine, 1);
        } else if (turn == TURN_CURRENT) {
            atomic_fetch_add(&shared->current, 1);
            if (atomic_load(&shared->seen) < mine)
                atomic_fetch_add(&shared->stale, 1);
        }
        turns_stand_by(&shared->turns);
    }
    _exit(0);
}

static void test_many(void) {
    pid_t pids[CHILDREN];
    int failed = 0;

    begin();
    for (int i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            change_and_look();
    }
    for (int i = 0; i < CHILDREN; i++)
        failed += result(pids[i]) != 0;
    is_int(failed, 0, "all came to their end");
    is_int(atomic_load(&shared->stale), 0, "nobody was told that all is current too early");
    ok(atomic_load(&shared->current) > 0, "some were served by another's check");
    is_int(atomic_load(&shared->mine), atomic_load(&shared->turns.begun),
           "each check had one maker");
}

int main(void) {
    test_alone();
    test_waiting();
    test_wrapping();
    test_death();
    test_gone();
    test_failing();
    test_standing_by();
    test_many();
    munmap(shared, sizeof *shared);
    return done_testing();
}
