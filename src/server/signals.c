/* signals.c: how a child of the supervisor takes its signals. */
#include "server/signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

#include "server/worker.h"

int signals_open(void) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL); /* a log that may not grow costs its lines only */
    /* From a terminal these reach every process; what follows is the supervisor's decision. */
    sigaction(SIGINT, &ignore, NULL);
    sigaction(SIGHUP, &ignore, NULL);
    sigemptyset(&set);
    sigaddset(&set, WORKER_FINISH);
    sigaddset(&set, WORKER_RETIRE);
    sigaddset(&set, SIGUSR1);
    if (sigprocmask(SIG_SETMASK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}
