/* unit_write_limit.c: no write is refused while the others get on. */
#include "tap.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/metrics.h"
#include "server/write_limit.h"

enum { WORKERS = 3, TOGETHER_MS = 1000, LONG_MS = 250 };

/* Of this worker's short writes the number that was refused; 255: one of them took long, as the
 * machine was busy, so that refusing others may be right. */
static int write_often(const struct settings *settings, int64_t until) {
    int refused = 0;

    metrics_worker_begin();
    while (clock_ms() < until) {
        int64_t began;

        if (!write_limit_begin(settings)) {
            refused++;
            continue;
        }
        began = clock_ms();
        write_limit_end();
        if (clock_ms() - began >= LONG_MS)
            return 255;
    }
    return refused < 254 ? refused : 254;
}

int main(void) {
    struct settings settings = {.write_workers = 1};
    const struct route *routes;
    size_t count;
    int64_t until;
    int refused = 0;

    routes = route_table(&count);
    metrics_open(routes, count);
    metrics_workers_wanted(WORKERS);
    until = clock_ms() + TOGETHER_MS;
    for (int i = 0; i < WORKERS; i++)
        if (fork() == 0)
            _exit(write_often(&settings, until));
    for (int i = 0; i < WORKERS; i++) {
        int status = 0;

        ok(wait(&status) > 0 && WIFEXITED(status), "a worker has ended");
        if (WEXITSTATUS(status) == 255)
            diag("the machine is busy");
        else
            refused += WEXITSTATUS(status);
    }
    is_int(refused, 0, "no write was refused");
    metrics_close();
    return done_testing();
}
