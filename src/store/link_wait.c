/* link_wait.c: waits for the server's results, and cancels statements whose client has left. */
#include "config.h" /* _GNU_SOURCE, for POLLRDHUP */

#include "store/link.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* Milliseconds. How much longer than the server's own statement_timeout we wait for it: only a
 * network that swallows packets gets there. */
#define MIN_BEYOND   1000
#define MAX_BEYOND   10000
#define CANCEL_LIMIT 2000
#define WATCH_AFTER  100 /* before the client's socket is looked at, and the server is at work */
#define LOOK_EVERY   250 /* whether the connection is still the right one */
#define LOOK_AFTER   500 /* before others are asked about that */

/* In a process of its own. */
static void be_canceller(PGconn *conn) {
    struct sigaction normal = {.sa_handler = SIG_DFL};
    PGcancel *cancel = PQgetCancel(conn);
    char error[256];
    sigset_t none;

    (void)close_range(3, ~0U, 0); /* our copies must not keep clients' connections open */
    sigemptyset(&none);
    sigaction(SIGALRM, &normal, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    (void)alarm(CANCEL_LIMIT / 1000);
    if (cancel)
        (void)PQcancel(cancel, error, sizeof error);
}

/* PQcancel waits for the server as long as the network likes: a process of its own does it, which
 * its alarm ends, and which is no child of ours. */
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

void link_cancel(struct link *l) {
    request_cancel(l->conn);
    l->state = LINK_CANCELLING;
}

/* Milliseconds to wait for a result. Those of a packet come together, so there it is for all. */
static int64_t timeout(const struct link *l) {
    int64_t answer = l->limits.answer;
    int64_t beyond = answer < MIN_BEYOND ? MIN_BEYOND : answer > MAX_BEYOND ? MAX_BEYOND : answer;

    switch (l->state) {
    case LINK_CANCELLING: return CANCEL_LIMIT;
    case LINK_CONNECTING: return l->limits.connect;
    case LINK_READY:
    case LINK_DOWN: break;
    }
    return answer > 0 ? answer + beyond : INT32_MAX;
}

/* A commit is not cancelled, and most results are there before anybody could have left. */
static bool is_watched(const struct link *l, int64_t waited) {
    return l->client >= 0 && l->state == LINK_READY && l->if_lost != RC_UNKNOWN &&
           waited >= WATCH_AFTER;
}

/* One poll of the server's socket and the client's. False: too late. */
static bool wait_once(struct link *l, int64_t start, int64_t deadline) {
    int unsent = PQflush(l->conn);
    int64_t now = clock_ms(), left = deadline - now;
    bool watched = is_watched(l, now - start);
    struct pollfd fds[2] = {
        {.fd = PQsocket(l->conn), .events = (short)(unsent ? POLLIN | POLLOUT : POLLIN)},
        {.fd = watched ? l->client : -1, .events = POLLRDHUP}};
    int n;

    if (left <= 0)
        return false;
    if (now - start >= WATCH_AFTER && l->if_lost == RC_RETRY)
        l->if_lost = RC_BROKEN; /* the server is at work: the connection was alive */
    if (left > LOOK_EVERY)
        left = LOOK_EVERY;
    if (now - start >= WATCH_AFTER)
        left = link_idle(now - start, left);
    if (!watched && now - start < WATCH_AFTER && left > WATCH_AFTER)
        left = WATCH_AFTER;
    n = poll(fds, 2, (int)left);
    if (n > 0 && fds[1].revents)
        link_cancel(l);
    if (n > 0 && fds[0].revents & ~POLLOUT)
        PQconsumeInput(l->conn); /* a failure is reported by PQgetResult */
    return true;
}

/* What is waited for may come from a server that another one has replaced meanwhile. */
static bool is_outdated(struct link *l) {
    if (!link_is_outdated(l))
        return false;
    link_set_error(l, "another server is the primary now");
    log_info("database: %s", l->error);
    return true;
}

static void look(struct link *l, int64_t start) {
    if (l->watch.tick && clock_ms() - start >= WATCH_AFTER)
        l->watch.tick(l->watch.tick_context);
    if (l->state == LINK_READY && l->watch.look && clock_ms() - start >= LOOK_AFTER)
        l->watch.look(l->watch.context);
}

/* The server stays silent. It may be waiting itself, say a commit for a standby: it is told not to,
 * or its processes would pile up. */
static bool time_out(struct link *l) {
    link_set_error(l, "no answer from the server");
    log_warning("database: %s", l->error);
    if (l->state == LINK_READY && l->until == 0)
        request_cancel(l->conn);
    return false;
}

/* clock_ms(), if the wait begins now. */
static int64_t wait_deadline(const struct link *l) {
    int64_t deadline = clock_ms() + timeout(l);

    return l->until > 0 && l->until < deadline ? l->until : deadline;
}

bool link_wait(struct link *l) {
    int64_t start, deadline;

    if (!PQisBusy(l->conn))
        return true;
    start = clock_ms();
    deadline = wait_deadline(l);
    while (PQisBusy(l->conn)) {
        enum link_state before = l->state;

        if (!wait_once(l, start, deadline))
            return time_out(l);
        if (PQisBusy(l->conn))
            look(l, start);
        if (is_outdated(l))
            return false;
        if (l->state != before)
            deadline = wait_deadline(l);
    }
    return true;
}
