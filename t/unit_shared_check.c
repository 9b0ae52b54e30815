/* unit_shared_check.c: one check for all workers: which of them makes it, for which requests it
 * holds, and what happens when that worker dies or is late. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/shared_check.h"
#include "tap.h"

enum { CHILDREN = 6, ROUNDS = 3000 };

/* What processes share here: the check, and a world that they change and look at. */
static struct shared {
    struct shared_check check;
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
    shared_check_init(&shared->check);
}

/* Until it is so, at most ten seconds. */
static bool becomes_ready(void) {
    for (int64_t until = clock_ms() + 10000; clock_ms() < until; usleep(1000))
        if (atomic_load(&shared->ready))
            return true;
    return false;
}

static int wait_for(uint64_t arrived) {
    enum check_result result = shared_check_wait(&shared->check, arrived);

    return result;
}

static uint64_t begun(void) {
    return shared_check_begun(&shared->check);
}

static void begin_check(void) {
    shared_check_begin(&shared->check);
}

static void end_check(bool current) {
    shared_check_end(&shared->check, current);
}

/* A child waits for a check after number `arrived`; what it gets is its exit status. */
static pid_t waiting(uint64_t arrived) {
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

/* Until the child sleeps: it has nothing to wait for but the check. */
static bool sleeps(pid_t pid) {
    char path[64], state = '?';

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    for (int64_t until = clock_ms() + 10000; clock_ms() < until && state != 'S'; usleep(1000)) {
        FILE *file = fopen(path, "r");

        if (!file || fscanf(file, "%*d %*s %c", &state) != 1)
            state = '?';
        if (file)
            fclose(file);
    }
    return state == 'S';
}

static void test_alone(void) {
    begin();
    is_int(wait_for(begun()), CHECK_MINE, "alone: mine");
    begin_check();
    end_check(true);
    is_int(begun(), 1, "one has begun");
    is_int(wait_for(0), CHECK_CURRENT, "it is for those that waited before");
    is_int(wait_for(1), CHECK_MINE, "not for who came after it began");
    begin_check();
    end_check(false);
    is_int(wait_for(1), CHECK_UNKNOWN, "a check that failed is told");
    is_int(wait_for(2), CHECK_MINE, "and the next is made");
    begin_check();
    end_check(true);
    is_int(wait_for(1), CHECK_CURRENT, "a later one will do");
}

static void test_waiting(void) {
    pid_t before, during;

    begin();
    is_int(wait_for(0), CHECK_MINE, "one checks");
    before = waiting(begun());
    ok(sleeps(before), "another waits");
    begin_check();
    during = waiting(begun());
    ok(sleeps(during), "a third came too late for this check");
    end_check(true);
    is_int(result(before), CHECK_CURRENT, "who waited has its answer");
    is_int(result(during), CHECK_MINE, "who came too late makes the next");
    is_int(wait_for(1), CHECK_MINE, "and where that one died of it, another does");
    begin_check();
    end_check(true);
    is_int(begun(), 2, "two checks in all");
}

/* Killed in the middle, or stopped. */
static void test_death(void) {
    bool is_late = true;
    int64_t began;
    pid_t pid;

    begin();
    pid = fork();
    if (pid == 0) {
        (void)wait_for(0);
        begin_check();
        atomic_store(&shared->ready, true);
        for (;;)
            pause();
    }
    ok(becomes_ready(), "a child checks");
    is_int(wait_for(0), CHECK_LATE, "and takes too long");
    began = clock_ms();
    for (int i = 0; i < 100; i++)
        is_late = is_late && wait_for(0) == CHECK_LATE;
    ok(is_late, "a process that waited for it ...");
    ok(clock_ms() - began < 1000, "... need not wait again");
    is_int(wait_for(1), CHECK_LATE, "who came after it began waits, too");
    kill(pid, SIGKILL);
    (void)result(pid);
    is_int(wait_for(0), CHECK_MINE, "it died: another checks");
    begin_check();
    end_check(true);
    is_int(wait_for(1), CHECK_CURRENT, "as if nothing had been");
}

/* A waiting process may be killed, too. */
static void test_gone(void) {
    pid_t pid;

    begin();
    is_int(wait_for(0), CHECK_MINE, "one checks");
    begin_check();
    pid = waiting(begun());
    ok(sleeps(pid), "another waits");
    kill(pid, SIGKILL);
    (void)result(pid);
    end_check(true);
    is_int(wait_for(1), CHECK_MINE, "it was killed: the next check is made by whoever comes");
}

static void test_failing(void) {
    const uint64_t far = UINT64_C(0x90000000);

    begin();
    atomic_store(&shared->check.begun, far);
    atomic_store(&shared->check.ended, far);
    is_int(wait_for(far), CHECK_MINE, "after two thousand million checks that failed");
    begin_check();
    end_check(false);
    is_int(wait_for(far), CHECK_UNKNOWN, "one more is still a failure");
}

/* Each changes the world, and must never be told that all is current by a check that looked at the
 * world before. */
static void change_and_look(void) {
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t mine = atomic_fetch_add(&shared->world, 1) + 1;
        int got = wait_for(begun());

        if (got == CHECK_MINE) {
            uint64_t seen;

            begin_check();
            seen = atomic_load(&shared->world);
            if (i % 50 == 0)
                usleep(100);
            atomic_store(&shared->seen, seen);
            end_check(true);
            atomic_fetch_add(&shared->mine, 1);
        } else if (got == CHECK_CURRENT) {
            atomic_fetch_add(&shared->current, 1);
            if (atomic_load(&shared->seen) < mine)
                atomic_fetch_add(&shared->stale, 1);
        }
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
    is_int(atomic_load(&shared->stale), 0, "none was told too early that all is current");
    ok(atomic_load(&shared->current) > 0, "some were served by another's check");
    is_int(atomic_load(&shared->mine), begun(), "each check had one maker");
}

int main(void) {
    test_alone();
    test_waiting();
    test_death();
    test_gone();
    test_failing();
    test_many();
    munmap(shared, sizeof *shared);
    return done_testing();
}
