/* pgwait.c: waiting for the server's answers, and cancelling where nobody wants them any more. */
#include "config.h" /* _GNU_SOURCE, for POLLRDHUP */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/session.h"

/* How much longer than the server's own statement time-out we wait for it, at least and at most:
 * only a network that swallows packets gets there. */
#define LEAST_BEYOND 1000
#define MOST_BEYOND  10000
#define CANCEL_LIMIT 2000

/* In a process of its own. */
static void be_canceller(PGconn *conn) {
    struct sigaction normal = {.sa_handler = SIG_DFL};
    PGcancel *cancel = PQgetCancel(conn);
    char error[256];
    sigset_t none;

    (void)close_range(3, ~0U, 0); /* who has gone must not be kept waiting by our copies */
    sigemptyset(&none);
    sigaction(SIGALRM, &normal, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    (void)alarm(CANCEL_LIMIT / 1000);
    if (cancel)
        (void)PQcancel(cancel, error, sizeof error);
}

/* PQcancel waits for the server as long as the network likes. So a process of its own does it,
 * which its alarm ends, and which nobody has to wait for. */
static void request_cancel(PGconn *conn) {
    pid_t pid = fork();

    if (pid == 0) {
        if (fork() == 0)
            be_canceller(conn);
        _exit(0);
    }
    if (pid < 0)
        log_warning("database: cancel: %s", strerror(errno));
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

void session_send_cancel(struct store *store) {
    request_cancel(store->conn);
    store->cancelling = true;
    store->cancelled = false;
}

/* One poll of the server's socket and the client's. False: too late. */
static bool wait_once(struct store *store, int64_t deadline) {
    int unsent = PQflush(store->conn);
    /* What sets a connection up is short, and the next one can use it. */
    bool watch = store->client >= 0 && !store->cancelling && !store->connecting &&
                 !session_commit_under_way(store);
    struct pollfd fds[2] = {
        {.fd = PQsocket(store->conn), .events = (short)(unsent ? POLLIN | POLLOUT : POLLIN)},
        {.fd = watch ? store->client : -1, .events = POLLRDHUP}};
    int64_t left = deadline - clock_ms();
    int n = left > 0 ? poll(fds, 2, (int)left) : 0;

    if (n == 0)
        return false;
    if (n > 0 && fds[1].revents)
        session_send_cancel(store);
    if (n > 0 && fds[0].revents & ~POLLOUT)
        PQconsumeInput(store->conn); /* a failure is told by PQgetResult */
    return true;
}

/* Milliseconds to wait for a result. Those of a packet come together, so there it is for all. */
static int64_t patience(const struct store *store) {
    int64_t timeout = store->options->statement_timeout;
    int64_t beyond = timeout < LEAST_BEYOND  ? LEAST_BEYOND
                     : timeout > MOST_BEYOND ? MOST_BEYOND
                                             : timeout;

    if (store->cancelling)
        return CANCEL_LIMIT;
    if (store->connecting)
        return store->options->connect_timeout;
    return timeout > 0 ? timeout + beyond : INT32_MAX;
}

/* The server stays silent. It may be waiting itself, say a commit for a standby: it is told not to,
 * or its processes would pile up. */
static void give_up_waiting(struct store *store) {
    snprintf(store->error, sizeof store->error, "no answer from the server");
    log_warning("database: %s", store->error);
    if (!store->cancelling && !store->connecting)
        request_cancel(store->conn);
    session_drop(store, RC_BROKEN);
}

bool session_wait_result(struct store *store) {
    int64_t deadline;

    if (!PQisBusy(store->conn))
        return true;
    deadline = clock_ms() + patience(store);
    while (PQisBusy(store->conn)) {
        bool was_cancelling = store->cancelling;

        if (!wait_once(store, deadline)) {
            give_up_waiting(store);
            return false;
        }
        if (store->cancelling && !was_cancelling)
            deadline = clock_ms() + CANCEL_LIMIT;
    }
    return true;
}
