/* worker.c: the loop of a process that serves requests: one at a time, or a batch that shares one
 * query of the database. */
#include "server/worker.h"

#include "config.h" /* _GNU_SOURCE, for sched_getaffinity */

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/aside.h"
#include "server/auth.h"
#include "server/cache.h"
#include "server/dispatch.h"
#include "server/fcgi.h"
#include "server/idempotency.h"
#include "server/metrics.h"
#include "server/parking.h"
#include "server/prune.h"
#include "server/response_cache.h"
#include "server/signals.h"
#include "server/standby.h"

enum {
    BATCH = 16,
    IN_A_ROW = 16, /* batches between two looks at the signals, if they are quick */
    IN_A_ROW_MS = 10,
    LONG_YIELD_US = 2000, /* a yield should take less */
    SKIP_YIELDS = 64,     /* batches that don't yield after it took longer */
    ASIDE = 128,          /* requests that are set aside, and one more */
    RESERVED_FDS = 16,    /* descriptors for other things than requests */
    EXHAUSTED_MS = 50,    /* pause when accept() would fail again at once */
    KEEP_FREE = 4 << 20,  /* free bytes that stay with the process */
    MMAP_FROM = 1 << 20   /* larger blocks go back to the system */
};

/* Signals arrive through a descriptor that is polled beside the socket: none can slip in between a
 * test and a wait, and none interrupts a request. */
struct worker {
    struct worker_state state;
    /* Requests in flight: several only while they share one query of the database, the check of the
     * cache or a packet of quick reads. */
    struct fcgi *fcgi[BATCH];
    struct exchange *exchanges[BATCH];
    struct aside *aside; /* requests that came while all workers waited */
    size_t slots;        /* how many of them */
    size_t max_quick;    /* quick reads among them */
    size_t processors;
    int skip_yields; /* so many batches don't yield */
    int epoll_fd;
    int signal_fd;
    int waiter;        /* the end of a socket to it; -1: no request waits */
    bool retire;       /* end now */
    bool finish;       /* end when no request waits, or half of drain_timeout has passed */
    int64_t finish_by; /* clock_ms() */
};

static bool watch(const struct worker *w, int fd, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};

    return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* EPOLLEXCLUSIVE: a new connection wakes one of the waiting workers, not all. */
static bool open_waiting(struct worker *w, int listen_fd) {
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return w->epoll_fd >= 0 && watch(w, w->signal_fd, EPOLLIN) &&
           watch(w, listen_fd, EPOLLIN | EPOLLEXCLUSIVE);
}

static void finish(struct worker *w) {
    if (w->finish)
        return;
    w->finish = true;
    w->finish_by = clock_ms() + w->state.settings->drain_timeout / 2;
}

static void read_signals(struct worker *w) {
    struct signalfd_siginfo info;

    while (read(w->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGUSR1 && !log_reopen())
            log_error("the log can't be reopened: %s", strerror(errno));
        if (info.ssi_signo == WORKER_FINISH)
            finish(w);
        w->retire = w->retire || info.ssi_signo == WORKER_RETIRE;
    }
}

/* True if a connection is waiting. */
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

/* A request that was set aside, or a connection that is waiting. */
static enum fcgi_accept accept_next(struct worker *w, size_t i) {
    struct fcgi *aside = aside_take(w->aside, w->fcgi[i]);

    if (aside == NULL)
        return fcgi_accept(w->fcgi[i]);
    w->fcgi[i] = aside;
    return ACCEPT_OK;
}

/* Accepts a request into a slot; false: there was none. */
static bool take(struct worker *w, size_t i, enum dispatch_next *next) {
    enum fcgi_accept accepted = accept_next(w, i);
    struct transport transport;

    if (accepted == ACCEPT_NONE && i == 0 && w->finish)
        w->retire = true; /* a socket that was shut down looks ready forever */
    if (accepted == ACCEPT_EXHAUSTED && i == 0)
        clock_sleep_ms(EXHAUSTED_MS);
    if (accepted != ACCEPT_OK)
        return false;
    transport = fcgi_transport(w->fcgi[i]);
    *next = dispatch_begin(w->exchanges[i], &transport);
    return true;
}

static void end(struct worker *w, size_t i) {
    bool drained, whole;

    if (parking_try(w->exchanges[i], w->fcgi[i], w->finish ? -1 : w->waiter))
        return;
    whole = exchange_end(w->exchanges[i], &drained);
    fcgi_finish(w->fcgi[i], whole, drained);
}

/* Requests in flight. */
struct batch {
    size_t count;
    size_t cached;
    size_t quick;
    enum dispatch_next next[BATCH];
    bool is_ended[BATCH];
};

static bool may_take(const struct worker *w, const struct batch *b) {
    if (b->count == 0)
        return true;
    if (b->count == w->slots || b->quick == w->max_quick || b->next[b->count - 1] == DISPATCH_RUN)
        return false;
    return b->quick == 0 || metrics_busy(w->processors);
}

/* Takes waiting requests as long as their responses are in the cache, and quick reads while each
 * processor has a busy worker. The first request that needs more work is the last of the batch, so
 * that no request waits for another's work while a free worker could serve it. (It waits for the
 * batch, though, and the batch for a client that is slow to send its request: front servers should
 * have the body when they connect.) */
static void gather(struct worker *w, struct batch *b) {
    while (may_take(w, b) && take(w, b->count, &b->next[b->count])) {
        b->cached += b->next[b->count] == DISPATCH_CACHED;
        b->quick += b->next[b->count] == DISPATCH_QUICK;
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
        return response_cache_refresh(&w->state);
    if (result != CHECK_MINE)
        return result == CHECK_CURRENT;
    gather(w, b);
    if (b->count > 1)
        gather_more(w, b);
    shared_check_begin(shared);
    current = response_cache_refresh(&w->state);
    shared_check_end(shared, current);
    return current;
}

static void serve_cached(struct worker *w, struct batch *b) {
    bool current = b->cached > 0 && check(w, b);

    for (size_t i = 0; current && i < b->count; i++) {
        if (b->next[i] != DISPATCH_CACHED || !response_cache_serve(w->exchanges[i]))
            continue;
        end(w, i);
        b->is_ended[i] = true;
    }
}

/* Quick reads go in one packet; one alone goes when it is run. */
static void prefetch(struct worker *w, const struct batch *b) {
    struct store_prefetch reads[STORE_PREFETCH];
    struct exchange *asked[STORE_PREFETCH];
    size_t quick = 0, count = 0;

    for (size_t i = 0; i < b->count; i++)
        quick += !b->is_ended[i] && dispatch_is_quick(w->exchanges[i]);
    if (quick < 2)
        return;
    for (size_t i = 0; i < b->count && count < STORE_PREFETCH; i++) {
        if (b->is_ended[i] || !dispatch_is_quick(w->exchanges[i]))
            continue;
        asked[count] = w->exchanges[i];
        count += dispatch_ask(w->exchanges[i], &reads[count]);
    }
    if (standby_prefetch(asked, reads, count) || store_prefetch(w->state.store, reads, count))
        metrics_add(METRIC_PREFETCHED, count);
}

static void run_others(struct worker *w, const struct batch *b) {
    prefetch(w, b);
    for (size_t i = 0; i < b->count; i++) {
        if (b->is_ended[i])
            continue;
        dispatch_run(w->exchanges[i]);
        end(w, i);
    }
}

/* False: no request was waiting. */
static bool serve_batch(struct worker *w) {
    int max_requests = w->state.settings->max_requests;
    struct batch batch = {.count = 0};

    metrics_worker_busy(true);
    gather(w, &batch);
    if (batch.quick > 0 && batch.cached == 0)
        gather_more(w, &batch);
    serve_cached(w, &batch);
    run_others(w, &batch);
    auth_note_use(&w->state);
    prune_changes(&w->state);
    idempotency_forget(&w->state);
    metrics_worker_busy(false);
    if (max_requests > 0 && w->state.requests >= (uint64_t)max_requests)
        w->retire = true;
    return batch.count > 0;
}

/* A busy worker finds the next request without waiting for an event. */
static void serve_waiting(struct worker *w) {
    int64_t until = clock_ms() + IN_A_ROW_MS;

    for (int i = 0; i < IN_A_ROW && serve_batch(w) && !w->retire && clock_ms() < until; i++)
        continue;
}

/* Requests must leave descriptors for the database. */
static size_t count_slots(size_t wanted) {
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= RESERVED_FDS + wanted)
        return wanted;
    return limit.rlim_cur > RESERVED_FDS ? (size_t)limit.rlim_cur - RESERVED_FDS : 1;
}

static bool open_slots(struct worker *w, const struct settings *settings, int listen_fd) {
    cpu_set_t processors;

    w->processors = sched_getaffinity(0, sizeof(processors), &processors) == 0
                        ? (size_t)CPU_COUNT(&processors)
                        : 1;
    w->max_quick = settings->store.tag_reads ? 1 : STORE_PREFETCH; /* a name is per packet */
    w->slots = count_slots(w->state.cache ? BATCH : w->max_quick);
    for (size_t i = 0; i < w->slots; i++) {
        w->fcgi[i] = fcgi_new(settings, listen_fd);
        if (w->fcgi[i] == NULL)
            return false;
        w->exchanges[i] = exchange_new(&w->state);
    }
    return true;
}

/* Asked while the worker waits for the database. */
static bool ends(void *context) {
    struct worker *w = context;

    read_signals(w);
    return w->finish || w->retire;
}

static bool open_aside(struct worker *w, const struct settings *settings, struct cluster *cluster,
                       int listen_fd) {
    size_t slots = count_slots(w->slots + ASIDE),
           capacity = slots > w->slots ? slots - w->slots : 1;

    w->aside = aside_new(settings, cluster, listen_fd, capacity, ends, w);
    return w->aside != NULL;
}

/* Otherwise the memory that libfcgi allocates for each request and frees would go back to the
 * system and be requested again with every batch. (With mimalloc, this changes nothing.) */
static void keep_memory(void) {
    mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
    mallopt(M_MMAP_THRESHOLD, MMAP_FROM);
}

static void close_slots(struct worker *w) {
    for (size_t i = 0; i < BATCH; i++) {
        exchange_free(&w->exchanges[i]);
        fcgi_free(&w->fcgi[i]);
    }
}

int worker_run(const struct settings *settings, struct cache *cache, struct cluster *cluster,
               int listen_fd, int waiter) {
    struct worker w = {.epoll_fd = -1, .signal_fd = signals_open(), .waiter = waiter};
    int status = 1;

    if (w.signal_fd < 0 || !open_waiting(&w, listen_fd)) {
        log_error("a worker can't start: %s", strerror(errno));
        goto out;
    }
    keep_memory();
    metrics_worker_begin();
    worker_state_init(&w.state, settings, cache, cluster);
    if (!open_slots(&w, settings, listen_fd) || !open_aside(&w, settings, cluster, listen_fd))
        goto out;
    (void)store_connect(w.state.store); /* logged; requests try again */
    while (!w.retire || aside_count(w.aside) > 0)
        if (aside_count(w.aside) > 0 || wait_for_work(&w))
            serve_waiting(&w);
    status = 0;
out:
    close_slots(&w);
    aside_free(&w.aside);
    worker_state_release(&w.state);
    metrics_worker_end(getpid());
    if (w.epoll_fd >= 0)
        close(w.epoll_fd);
    if (w.signal_fd >= 0)
        close(w.signal_fd);
    return status;
}
