/* waiter.c: the process that holds the connections of all clients that wait for changes. */
#include "server/waiter.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/metrics.h"
#include "server/parking.h"
#include "server/signals.h"
#include "server/waiter_room.h"
#include "server/worker.h"

enum {
    EVENTS = 128,
    RECEIVED = 64,       /* connections taken in a row */
    LOOK_MS = 50,        /* between two looks for changes */
    PAUSE_MS = 1000,     /* after one that failed */
    STATEMENT_MS = 2000, /* the waiter does nothing else meanwhile */
    CONNECT_MS = 1000
};

struct waiter {
    struct settings settings; /* the server's, with shorter times for the database */
    struct worker_state state;
    struct waiter_room room;
    struct feed_cursor latest; /* the latest point; 0: not known yet */
    struct arena *arena;
    int epoll_fd, signal_fd;
    int end;         /* where connections come from */
    int64_t look_at; /* clock_ms(): not before */
    bool failed;     /* the last look */
    bool drain;      /* nobody waits any more */
    bool retire;     /* and nobody comes any more */
};

/* --- what comes in --- */

/* Beyond the limit nobody stays, should several workers have seen the last place free. False: there
 * was nothing. */
static bool receive_one(struct waiter *w) {
    struct handover h;
    enum handover_result result = handover_receive(w->end, &h);

    if (result == HANDOVER_OK)
        waiter_room_add(&w->room, &h,
                        !w->drain && w->room.count < parking_limit(w->state.settings));
    return result != HANDOVER_NONE;
}

static void receive(struct waiter *w) {
    for (int i = 0; i < RECEIVED && receive_one(w); i++)
        continue;
    metrics_waiting(w->room.count);
}

/* After WORKER_FINISH there is no other waiter for what the workers have still handed over. */
static void retire(struct waiter *w) {
    while (w->drain && receive_one(w))
        continue;
    (void)epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, w->end, NULL);
    w->retire = true;
}

static void read_signals(struct waiter *w) {
    struct signalfd_siginfo info;

    while (read(w->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGUSR1 && !log_reopen())
            log_error("the log can't be reopened: %s", strerror(errno));
        if (info.ssi_signo == SIGUSR1)
            continue;
        if (info.ssi_signo == WORKER_RETIRE && !w->retire)
            retire(w);
        if (!w->drain)
            waiter_room_dismiss(&w->room);
        w->drain = true;
    }
}

/* --- changes --- */

static void note_look(struct waiter *w, enum rc rc) {
    if (rc != RC_OK && !w->failed)
        log_warning("changes can't be read: %s; clients wait on", rc_name(rc));
    else if (rc == RC_OK && w->failed)
        log_info("changes can be read again");
    w->failed = rc != RC_OK;
    w->look_at = clock_ms() + (rc == RC_OK ? LOOK_MS : PAUSE_MS);
}

static enum rc look(struct waiter *w) {
    struct feed_status status;
    enum rc rc = store_feed_make(w->state.store, w->arena, &status);

    if (rc != RC_OK)
        return rc;
    if (status.blind != NULL)
        return RC_UNREADY;
    if (status.latest.point != w->latest.point || status.latest.nonce != w->latest.nonce)
        w->room.behind = true;
    w->latest = status.latest;
    waiter_answers_note(w->room.answers, &status);
    return w->room.behind ? waiter_room_advance(&w->room, &status) : RC_OK;
}

/* Nobody waits: nothing is looked for. */
static void look_if_due(struct waiter *w) {
    if (w->room.count == 0 || w->drain || clock_ms() < w->look_at)
        return;
    note_look(w, look(w));
    arena_reset(w->arena);
    metrics_waiting(w->room.count);
}

/* --- the loop --- */

static int64_t earlier(int64_t a, int64_t b) {
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int milliseconds_to_wait(const struct waiter *w) {
    int64_t wait = waiter_room_wait(&w->room), look = w->look_at - clock_ms();

    if (w->room.count > 0 && !w->drain)
        wait = earlier(wait, look > 0 ? look : 0);
    return (int)earlier(wait, PAUSE_MS * INT64_C(60));
}

static void take_events(struct waiter *w) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(w->epoll_fd, events, EVENTS, milliseconds_to_wait(w));

    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == &w->signal_fd)
            read_signals(w);
        else if (events[i].data.ptr == &w->end)
            receive(w);
        else
            waiter_room_event(&w->room, events[i].data.ptr, events[i].events);
    }
}

static void serve(struct waiter *w) {
    while (!w->retire || w->room.count > 0) {
        take_events(w);
        look_if_due(w);
        waiter_room_enforce_times(&w->room);
        waiter_room_send(&w->room);
        metrics_waiting(w->room.count);
    }
}

/* --- life --- */

static bool watch(const struct waiter *w, int *fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};

    return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, *fd, &event) == 0;
}

static bool open_waiting(struct waiter *w) {
    w->signal_fd = signals_open();
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return w->signal_fd >= 0 && w->epoll_fd >= 0 && watch(w, &w->signal_fd) && watch(w, &w->end);
}

/* As many descriptors as there may be. */
static void raise_limit(const struct settings *settings) {
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (parking_limit(settings) < (size_t)settings->feed_waiters)
        log_warning("feed_waiters is %d, but there are descriptors for %zu only (LimitNOFILE)",
                    settings->feed_waiters, parking_limit(settings));
}

static int64_t at_most(int64_t value, int64_t most) {
    return value == 0 || value > most ? most : value;
}

static void init(struct waiter *w, const struct settings *settings, struct cluster *cluster) {
    w->settings = *settings;
    w->settings.store.statement_timeout =
        (int)at_most(settings->store.statement_timeout, STATEMENT_MS);
    w->settings.store.connect_timeout = (int)at_most(settings->store.connect_timeout, CONNECT_MS);
    worker_state_init(&w->state, &w->settings, NULL, cluster);
    w->arena = arena_new();
    waiter_room_init(&w->room, w->epoll_fd, waiter_answers_new(&w->state), settings->send_timeout);
    metrics_waiting(0);
}

static void release(struct waiter *w) {
    waiter_room_release(&w->room);
    waiter_answers_free(&w->room.answers);
    worker_state_release(&w->state);
    arena_free(&w->arena);
}

int waiter_run(const struct settings *settings, struct cluster *cluster, int end) {
    struct waiter w = {.end = end, .epoll_fd = -1, .signal_fd = -1};
    int status = 1;

    (void)prctl(PR_SET_NAME, "muster-waiter");
    if (open_waiting(&w)) {
        raise_limit(settings);
        init(&w, settings, cluster);
        serve(&w);
        release(&w);
        status = 0;
    } else {
        log_error("the waiter can't start: %s", strerror(errno));
    }
    if (w.epoll_fd >= 0)
        close(w.epoll_fd);
    if (w.signal_fd >= 0)
        close(w.signal_fd);
    return status;
}
