/* write_limit.c: how many workers may be in a write at once. */
#include "server/write_limit.h"

#include "base/clock.h"
#include "server/metrics.h"

/* Milliseconds. Writes that get on are waited for; those that don't must not take one more worker.
 */
enum { STALLED_MS = 500, MAX_WAIT_MS = 1000, MANY_WORKERS = 8 };

/* With metrics disabled no worker is counted, and there is no limit. */
static size_t limit_of(const struct settings *settings) {
    size_t workers = metrics_workers_wanted_count(), spare = workers >= MANY_WORKERS ? 2 : 1;

    if (settings->write_workers > 0)
        return (size_t)settings->write_workers;
    return workers > spare ? workers - spare : 1;
}

bool write_limit_try(const struct settings *settings) {
    metrics_worker_write(clock_ms());
    if (metrics_writes().count <= limit_of(settings))
        return true;
    metrics_worker_write(0);
    return false;
}

/* Those that were in the way may have ended meanwhile: then there is no newest one. */
static bool is_stalled(int64_t now) {
    struct metrics_writes w = metrics_writes();

    return w.count > 0 && now - w.newest >= STALLED_MS;
}

/* Each look is something new: a worker that will be free at once is not one that hangs. Otherwise
 * those that do hang would set aside the requests that this one can serve next (aside.h). */
bool write_limit_begin(const struct settings *settings) {
    int64_t began = clock_ms(), now = began;

    while (!write_limit_try(settings)) {
        if (now - began >= MAX_WAIT_MS || is_stalled(now))
            return false;
        clock_sleep_ms(1);
        metrics_worker_busy(true);
        now = clock_ms();
    }
    return true;
}

void write_limit_end(void) {
    metrics_worker_write(0);
}
