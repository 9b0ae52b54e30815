/* worker.c: the loop of a process that answers requests: one at a time, or a batch that one
 * question to the database is enough for. */
#include "config.h" /* _GNU_SOURCE, for sched_getaffinity */

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/auth.h"
#include "server/cache.h"
#include "server/fcgi.h"
#include "server/metrics.h"
#include "server/worker.h"

enum {
    BATCH = 16,
    IN_A_ROW = 16, /* requests between two looks at the signals, if they are quick */
    IN_A_ROW_MS = 10,
    LONG_YIELD_US = 2000, /* a yield should take less */
    SKIP_YIELDS = 64,     /* batches that don't yield after it took longer */
    OTHERS = 16,          /* descriptors that are no requests' */
    NO_ROOM_MS = 50,      /* accepting would fail again at once */
    KEEP_FREE = 4 << 20,  /* bytes that are not given back to the system */
    MMAP_FROM = 1 << 20   /* larger pieces are */
};

/* Signals arrive through a descriptor that is waited for beside the socket: none can slip in
 * between a test and a wait, and none interrupts a request. */
struct worker {
    struct worker_state state;
    /* Requests in hand. More than one only while one question to the database serves them all:
     * whether kept answers are current, or a packet of quick reads. */
    struct fcgi *fcgi[BATCH];
    struct exchange *exchanges[BATCH];
    size_t places;   /* how many of them */
    size_t together; /* and quick reads among them */
    size_t processors;
    int skip_yields; /* so many batches don't yield */
    int epoll_fd;
    int signal_fd;
    int max_requests;
    int drain_timeout;
    bool retire;       /* end now */
    bool finish;       /* end when nobody waits, or half of drain_timeout has gone by */
    int64_t finish_by; /* clock_ms() */
};

static bool open_signals(struct worker *w) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL); /* a log that may not grow costs its lines only */
    /* From a terminal these reach every process; the supervisor decides what follows. */
    sigaction(SIGINT, &ignore, NULL);
    sigaction(SIGHUP, &ignore, NULL);
    sigemptyset(&set);
    sigaddset(&set, WORKER_FINISH);
    sigaddset(&set, WORKER_RETIRE);
    sigaddset(&set, SIGUSR1);
    if (sigprocmask(SIG_SETMASK, &set, NULL) != 0)
        return false;
    w->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return w->signal_fd >= 0;
}

static bool watch(const struct worker *w, int fd, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};

    return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* EPOLLEXCLUSIVE: a new connection wakes one of those that wait, not all. */
static bool open_waiting(struct worker *w, int listen_fd) {
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return w->epoll_fd >= 0 && watch(w, w->signal_fd, EPOLLIN) &&
           watch(w, listen_fd, EPOLLIN | EPOLLEXCLUSIVE);
}

static void finish(struct worker *w) {
    if (w->finish)
        return;
    w->finish = true;
    w->finish_by = clock_ms() + w->drain_timeout / 2;
}

static void read_signals(struct worker *w) {
    struct signalfd_siginfo info;

    while (read(w->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGUSR1 && !log_reopen())
            log_error("the log can't be opened again: %s", strerror(errno));
        if (info.ssi_signo == WORKER_FINISH)
            finish(w);
        w->retire = w->retire || info.ssi_signo == WORKER_RETIRE;
    }
}

/* True if somebody wants to be answered. */
static bool wait_for_work(struct worker *w) {
    struct epoll_event events[2];
    bool work = false;
    int n = epoll_wait(w->epoll_fd, events, 2, w->finish ? 0 : -1);

    for (int i = 0; i < n; i++) {
        if (events[i].data.fd == w->signal_fd)
            read_signals(w);
        else
            work = true;
    }
    if (w->finish && (!work || clock_ms() >= w->finish_by))
        w->retire = true;
    return work && !w->retire;
}

/* Takes a request into the i-th place; false: there was none. */
static bool take(struct worker *w, size_t i, enum exchange_next *next) {
    enum fcgi_accepted accepted = fcgi_accept(w->fcgi[i]);
    struct transport transport;

    if (accepted == ACCEPTED_NOBODY && i == 0 && w->finish)
        w->retire = true; /* a socket that was shut looks ready for ever */
    if (accepted == ACCEPTED_NO_ROOM && i == 0)
        nanosleep(&(struct timespec){.tv_nsec = NO_ROOM_MS * 1000000L}, NULL);
    if (accepted != ACCEPTED)
        return false;
    transport = fcgi_transport(w->fcgi[i]);
    *next = exchange_begin(w->exchanges[i], &transport);
    return true;
}

static void end(struct worker *w, size_t i) {
    bool drained, whole = exchange_end(w->exchanges[i], &drained);

    fcgi_finish(w->fcgi[i], whole, drained);
}

/* Requests in hand. */
struct batch {
    size_t count;
    size_t kept;
    size_t quick;
    enum exchange_next next[BATCH];
    bool is_ended[BATCH];
};

static bool may_take(const struct worker *w, const struct batch *b) {
    if (b->count == 0)
        return true;
    if (b->count == w->places || b->quick == w->together || b->next[b->count - 1] == EXCHANGE_RUN)
        return false;
    return b->quick == 0 || metrics_busy(w->processors);
}

/* As long as the answers of those who wait are kept, more of them are taken in; quick ones while
 * each processor has a worker to serve; the first that has to be worked for is the last, so that
 * nobody waits for another's work whom a free worker could serve (but that one waits for these, and
 * all of them for who is slow to send: front servers should have the body when they come). */
static void gather(struct worker *w, struct batch *b) {
    while (may_take(w, b) && take(w, b->count, &b->next[b->count])) {
        b->kept += b->next[b->count] == EXCHANGE_KEPT;
        b->quick += b->next[b->count] == EXCHANGE_QUICK;
        b->count++;
    }
}

/* Clients that are about to send a request may only be waiting for a processor: after the worker
 * has yielded once, more requests go together. Where that took long, other programs want the
 * processors, and the next batches don't yield. */
static void yield_once(struct worker *w) {
    int64_t began;

    if (w->skip_yields > 0) {
        w->skip_yields--;
        return;
    }
    began = clock_us();
    sched_yield();
    if (clock_us() - began > LONG_YIELD_US)
        w->skip_yields = SKIP_YIELDS;
}

static void gather_more(struct worker *w, struct batch *b) {
    if (!may_take(w, b))
        return;
    yield_once(w);
    gather(w, b);
}

/* Is the cache current? By a check that begins after the requests have arrived, whichever worker
 * makes it; if it is this one, also for those that have arrived meanwhile. (A client that is slow
 * to send its request holds up other workers for a tenth of a second.) */
static bool check(struct worker *w, struct batch *b) {
    struct shared_check *shared = cache_check(w->state.cache);
    enum check_result result = shared_check_wait(shared, shared_check_begun(shared));
    bool current;

    if (result == CHECK_LATE)
        return worker_refresh(&w->state);
    if (result != CHECK_MINE)
        return result == CHECK_CURRENT;
    gather_more(w, b);
    shared_check_begin(shared);
    current = worker_refresh(&w->state);
    shared_check_end(shared, current);
    return current;
}

static void serve_kept(struct worker *w, struct batch *b) {
    bool current = b->kept > 0 && check(w, b);

    for (size_t i = 0; current && i < b->count; i++) {
        if (b->next[i] != EXCHANGE_KEPT || !exchange_serve(w->exchanges[i]))
            continue;
        end(w, i);
        b->is_ended[i] = true;
    }
}

/* Quick reads go in one packet; one alone goes when it is run. */
static void prefetch(struct worker *w, const struct batch *b) {
    struct store_prefetch reads[STORE_PREFETCH];
    size_t quick = 0, count = 0;

    for (size_t i = 0; i < b->count; i++)
        quick += !b->is_ended[i] && exchange_is_quick(w->exchanges[i]);
    if (quick < 2)
        return;
    for (size_t i = 0; i < b->count && count < STORE_PREFETCH; i++)
        if (!b->is_ended[i] && exchange_is_quick(w->exchanges[i]))
            count += exchange_ask(w->exchanges[i], &reads[count]);
    if (store_prefetch(w->state.store, reads, count))
        metrics_add(METRIC_READ_TOGETHER, count);
}

static void run_others(struct worker *w, const struct batch *b) {
    prefetch(w, b);
    for (size_t i = 0; i < b->count; i++) {
        if (b->is_ended[i])
            continue;
        exchange_run(w->exchanges[i]);
        end(w, i);
    }
}

/* False: nobody was waiting. */
static bool answer(struct worker *w) {
    struct batch batch = {.count = 0};

    metrics_worker_busy(true);
    gather(w, &batch);
    if (batch.quick > 0 && batch.kept == 0)
        gather_more(w, &batch);
    serve_kept(w, &batch);
    run_others(w, &batch);
    auth_note_use(&w->state);
    worker_prune(&w->state);
    metrics_worker_busy(false);
    if (w->max_requests > 0 && w->state.requests >= (uint64_t)w->max_requests)
        w->retire = true;
    return batch.count > 0;
}

/* Who is busy finds the next request without being told that there is one. */
static void answer_all(struct worker *w) {
    int64_t until = clock_ms() + IN_A_ROW_MS;

    for (int i = 0; i < IN_A_ROW && answer(w) && !w->retire && clock_ms() < until; i++)
        continue;
}

/* Requests must leave descriptors for the database. */
static size_t count_places(size_t wanted) {
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= OTHERS + wanted)
        return wanted;
    return limit.rlim_cur > OTHERS ? (size_t)limit.rlim_cur - OTHERS : 1;
}

static bool open_places(struct worker *w, const struct settings *settings, int listen_fd) {
    cpu_set_t processors;

    w->processors = sched_getaffinity(0, sizeof(processors), &processors) == 0
                        ? (size_t)CPU_COUNT(&processors)
                        : 1;
    w->together = settings->store.name_reads ? 1 : STORE_PREFETCH; /* else each says whose it is */
    w->places = count_places(w->state.cache ? BATCH : w->together);
    for (size_t i = 0; i < w->places; i++) {
        w->fcgi[i] = fcgi_new(settings, listen_fd);
        if (w->fcgi[i] == NULL)
            return false;
        w->exchanges[i] = exchange_new(&w->state);
    }
    return true;
}

/* What libfcgi takes for each request and gives back would otherwise go to the system and be asked
 * for again with every batch. (Where malloc is mimalloc's, this changes nothing.) */
static void keep_memory(void) {
    mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
    mallopt(M_MMAP_THRESHOLD, MMAP_FROM);
}

static void close_places(struct worker *w) {
    for (size_t i = 0; i < BATCH; i++) {
        exchange_free(&w->exchanges[i]);
        fcgi_free(&w->fcgi[i]);
    }
}

int worker_run(const struct settings *settings, struct cache *cache, int listen_fd) {
    struct worker w = {.epoll_fd = -1,
                       .signal_fd = -1,
                       .max_requests = settings->max_requests,
                       .drain_timeout = settings->drain_timeout};
    int status = 1;

    if (!open_signals(&w) || !open_waiting(&w, listen_fd)) {
        log_error("a worker can't start: %s", strerror(errno));
        goto out;
    }
    keep_memory();
    metrics_worker_begin();
    worker_state_init(&w.state, settings, cache);
    if (!open_places(&w, settings, listen_fd))
        goto out;
    (void)store_connect(w.state.store); /* logged; requests try again */
    while (!w.retire)
        if (wait_for_work(&w))
            answer_all(&w);
    status = 0;
out:
    close_places(&w);
    worker_state_release(&w.state);
    metrics_worker_end(getpid());
    if (w.epoll_fd >= 0)
        close(w.epoll_fd);
    if (w.signal_fd >= 0)
        close(w.signal_fd);
    return status;
}
