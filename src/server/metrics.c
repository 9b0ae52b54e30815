/* metrics.c: counters of the running server, in memory that all of its processes share. */
#include "server/metrics.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { ROUTES = 128, STATUSES = 32, BUCKETS = 14, RESULTS = 16, WORKERS = 4096 };

typedef _Atomic uint64_t counter;

/* A worker's slot; pid 0: free. */
struct slot {
    _Atomic pid_t pid;
    _Atomic int64_t busy;   /* since when (clock_ms()); 0: idle */
    _Atomic int64_t writes; /* since when; 0: not */
};

/* The kernel fills it with zeros, where everything begins. Without a lock: a process may die at any
 * point. */
struct metrics {
    counter counts[METRIC_COUNT];
    counter requests[ROUTES + 1][STATUSES + 1]; /* the last ones: no route, another status */
    counter buckets[MOUNT_COUNT][BUCKETS + 1];
    counter microseconds[MOUNT_COUNT];
    counter failures[RESULTS];
    _Atomic size_t waiting; /* clients, for changes */
    _Atomic size_t wanted;
    _Atomic size_t slots; /* of the workers' that were ever in use */
    int64_t started;
    struct slot workers[WORKERS];
};

static struct metrics *shared; /* of this process and all those forked from it */
static struct slot *own;       /* this worker's */
static const struct route *routes;

static const int statuses[] = {200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 405, 408, 409,
                               410, 412, 413, 414, 415, 422, 428, 429, 499, 500, 503, 507};
#define STATUS_COUNT (sizeof(statuses) / sizeof(statuses[0]))

/* Upper bounds in microseconds. */
static const long bounds[BUCKETS] = {250,   500,    1000,   2500,   5000,    10000,   25000,
                                     50000, 100000, 250000, 500000, 1000000, 2500000, 10000000};

static const struct {
    enum rc rc;
    const char *name;
} failures[] = {{RC_RETRY, "conflict"},    {RC_BROKEN, "connection"}, {RC_BUSY, "busy"},
                {RC_READONLY, "readonly"}, {RC_UNREADY, "unready"},   {RC_FULL, "full"},
                {RC_UNKNOWN, "unknown"},   {RC_GONE, "client_gone"},  {RC_BUG, "other"}};

static void add(counter *c, uint64_t n) {
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static uint64_t value(const counter *c) {
    return atomic_load_explicit(c, memory_order_relaxed);
}

/* --- life --- */

void metrics_open(const struct route *table, size_t count) {
    struct metrics *m =
        mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert(shared == NULL && STATUS_COUNT <= (size_t)STATUSES && count <= ROUTES);
    if (m == MAP_FAILED) {
        log_warning("metrics are disabled: %s", strerror(errno));
        return;
    }
    m->started = (int64_t)time(NULL);
    shared = m;
    routes = table;
}

void metrics_close(void) {
    if (shared != NULL)
        munmap(shared, sizeof(*shared));
    shared = NULL;
    own = NULL;
}

/* --- counting --- */

void metrics_add(enum metric metric, size_t count) {
    if (shared != NULL)
        add(&shared->counts[metric], count);
}

void metrics_count(enum metric metric) {
    metrics_add(metric, 1);
}

static size_t status_index(int status) {
    size_t i = 0;

    while (i < STATUS_COUNT && statuses[i] != status)
        i++;
    return i < STATUS_COUNT ? i : STATUSES;
}

void metrics_request(const struct route *route, int status, long microseconds) {
    enum mount mount = route != NULL ? route->mount : MOUNT_ROOT;
    size_t i = 0;

    if (shared == NULL)
        return;
    add(&shared->requests[route != NULL ? route - routes : ROUTES][status_index(status)], 1);
    while (i < BUCKETS && microseconds > bounds[i])
        i++;
    add(&shared->buckets[mount][i], 1);
    add(&shared->microseconds[mount], microseconds > 0 ? (uint64_t)microseconds : 0);
}

void metrics_database(enum rc rc) {
    if (shared == NULL || rc == RC_OK)
        return;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        if (failures[i].rc == rc)
            add(&shared->failures[i], 1);
}

void metrics_waiting(size_t count) {
    if (shared != NULL)
        atomic_store(&shared->waiting, count);
}

size_t metrics_waiting_count(void) {
    return shared != NULL ? atomic_load(&shared->waiting) : 0;
}

/* --- workers --- */

void metrics_workers_wanted(size_t count) {
    if (shared != NULL)
        atomic_store(&shared->wanted, count);
}

/* Those beyond are free. */
static void count_slots(void) {
    size_t count = own != NULL ? (size_t)(own - shared->workers) + 1 : 0, before;

    if (own == NULL)
        return;
    before = atomic_load(&shared->slots);
    while (before < count && !atomic_compare_exchange_weak(&shared->slots, &before, count))
        continue;
}

void metrics_worker_begin(void) {
    pid_t pid = getpid();

    for (size_t i = 0; shared != NULL && own == NULL && i < WORKERS; i++) {
        pid_t none = 0;

        if (atomic_compare_exchange_strong(&shared->workers[i].pid, &none, pid))
            own = &shared->workers[i];
    }
    metrics_worker_busy(false); /* the slot's last owner may have died while it was busy */
    metrics_worker_write(0);
    count_slots();
}

void metrics_worker_write(int64_t since) {
    if (own != NULL)
        atomic_store(&own->writes, since);
}

struct metrics_writes metrics_writes(void) {
    struct metrics_writes w = {0};
    size_t slots = shared != NULL ? atomic_load(&shared->slots) : 0;

    for (size_t i = 0; i < slots; i++) {
        int64_t since = atomic_load(&shared->workers[i].writes);

        if (since == 0 || atomic_load(&shared->workers[i].pid) == 0)
            continue;
        w.count++;
        if (since > w.newest)
            w.newest = since;
    }
    return w;
}

bool metrics_writes_beside_reads(void) {
    return own != NULL && atomic_load(&own->writes) != 0 &&
           metrics_writes().count < atomic_load(&shared->wanted);
}

void metrics_worker_busy(bool busy) {
    if (own != NULL)
        atomic_store_explicit(&own->busy, busy ? clock_ms() : 0, memory_order_relaxed);
}

void metrics_worker_end(pid_t pid) {
    for (size_t i = 0; shared != NULL && i < WORKERS; i++) {
        if (atomic_load(&shared->workers[i].pid) == pid) {
            atomic_store(&shared->workers[i].busy, 0);
            atomic_store(&shared->workers[i].pid, 0);
        }
    }
}

size_t metrics_workers_wanted_count(void) {
    return shared != NULL ? atomic_load(&shared->wanted) : 0;
}

static void count_worker(struct metrics_workers *w, const struct slot *slot) {
    if (atomic_load_explicit(&slot->pid, memory_order_relaxed) == 0)
        return;
    w->alive++;
    w->busy += atomic_load_explicit(&slot->busy, memory_order_relaxed) != 0;
}

struct metrics_workers metrics_workers(void) {
    struct metrics_workers w = {0};

    if (shared == NULL)
        return w;
    w.wanted = atomic_load(&shared->wanted);
    for (size_t i = 0; i < WORKERS; i++)
        count_worker(&w, &shared->workers[i]);
    return w;
}

bool metrics_busy(size_t count) {
    struct metrics_workers w = {.wanted = shared != NULL ? atomic_load(&shared->wanted) : 0};

    for (size_t i = 0; i < WORKERS && w.alive < w.wanted && w.busy < count; i++)
        count_worker(&w, &shared->workers[i]);
    return w.busy == count || w.busy == w.alive;
}

bool metrics_all_busy(int64_t since) {
    size_t wanted = shared != NULL ? atomic_load(&shared->wanted) : 0, busy = 0;

    for (size_t i = 0; i < WORKERS && busy < wanted; i++) {
        int64_t began = atomic_load(&shared->workers[i].busy);

        if (atomic_load(&shared->workers[i].pid) == 0)
            continue;
        if (began == 0 || began > since)
            return false;
        busy++;
    }
    return wanted > 0 && busy == wanted;
}

/* --- printing --- */

static void head(struct buf *out, const char *name, const char *type, const char *help) {
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct buf *out, const char *name, const char *type, const char *help,
                uint64_t number) {
    head(out, name, type, help);
    buf_printf(out, "%s %llu\n", name, (unsigned long long)number);
}

/* "GET /entity/{driver}", or "none". */
static void add_route_label(struct buf *out, size_t index) {
    int method = METHOD_GET;

    if (index == ROUTES) {
        buf_adds(out, "none");
        return;
    }
    while (!(routes[index].methods & METHOD_BIT(method)))
        method++;
    buf_printf(out, "%s %s/%s", request_method_name((enum request_method)method),
               mount_rows[routes[index].mount].default_path, routes[index].pattern);
}

static void print_requests(struct buf *out) {
    head(out, "muster_requests_total", "counter", "Requests by route and status of the response.");
    for (size_t r = 0; r <= ROUTES; r++) {
        for (size_t s = 0; s <= STATUSES; s++) {
            uint64_t n = value(&shared->requests[r][s]);

            if (n == 0)
                continue;
            buf_adds(out, "muster_requests_total{route=\"");
            add_route_label(out, r);
            if (s < STATUS_COUNT)
                buf_printf(out, "\",status=\"%d\"} %llu\n", statuses[s], (unsigned long long)n);
            else
                buf_printf(out, "\",status=\"other\"} %llu\n", (unsigned long long)n);
        }
    }
}

/* Seconds as text, without the rounding of a double. */
static void add_seconds(struct buf *out, uint64_t microseconds) {
    buf_printf(out, "%llu.%06llu", (unsigned long long)(microseconds / 1000000),
               (unsigned long long)(microseconds % 1000000));
}

static void print_durations(struct buf *out) {
    static const char name[] = "muster_request_seconds";

    head(out, name, "histogram",
         "From the first byte read of a request to the last byte sent of its response.");
    for (int m = 0; m < MOUNT_COUNT; m++) {
        uint64_t sum = 0;

        if (m == MOUNT_RESOURCE) /* its requests count for the same routes */
            continue;
        for (int b = 0; b <= BUCKETS; b++) {
            sum += value(&shared->buckets[m][b]);
            buf_printf(out, "%s_bucket{mount=\"%s/\",le=\"", name, mount_rows[m].default_path);
            if (b < BUCKETS)
                add_seconds(out, (uint64_t)bounds[b]);
            else
                buf_adds(out, "+Inf");
            buf_printf(out, "\"} %llu\n", (unsigned long long)sum);
        }
        buf_printf(out, "%s_sum{mount=\"%s/\"} ", name, mount_rows[m].default_path);
        add_seconds(out, value(&shared->microseconds[m]));
        buf_printf(out, "\n%s_count{mount=\"%s/\"} %llu\n", name, mount_rows[m].default_path,
                   (unsigned long long)sum);
    }
}

static void print_database(struct buf *out) {
    head(out, "muster_database_errors_total", "counter",
         "Requests that failed in the database, by the kind of failure.");
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        buf_printf(out, "muster_database_errors_total{kind=\"%s\"} %llu\n", failures[i].name,
                   (unsigned long long)value(&shared->failures[i]));
}

static void print_counts(struct buf *out) {
    static const struct {
        const char *name, *help;
    } rows[METRIC_COUNT] = {
        [METRIC_RETRIES] = {"muster_retries_total", "Requests that were run again."},
        [METRIC_TRUNCATED] = {"muster_broken_answers_total",
                              "Responses truncated before their end."},
        [METRIC_PREFETCHED] = {"muster_reads_together_total",
                               "Requests whose read was sent to the database with others'."},
        [METRIC_CACHE_SERVED] = {"muster_cache_served_total", "Responses served from the cache."},
        [METRIC_CACHE_MISSED] = {"muster_cache_missed_total",
                                 "Cacheable responses that were not in the cache, or not current."},
        [METRIC_CACHE_STORED] = {"muster_cache_stored_total", "Responses stored in the cache."},
        [METRIC_CACHE_CHECKS] = {"muster_cache_checks_total",
                                 "Queries that check whether the cache is current."},
        [METRIC_STANDBY_READS] = {"muster_standby_reads_total",
                                  "Requests for which a standby was read instead of the primary."},
        [METRIC_STANDBY_CHECKS] = {"muster_standby_checks_total",
                                   "Queries for the position that a standby must have reached."},
        [METRIC_STANDBY_BEHIND] = {"muster_standby_behind_total",
                                   "Times that a standby was waited for in vain."},
        [METRIC_STANDBY_FAILED] = {"muster_standby_failed_total",
                                   "Requests that failed on a standby and went to the primary."},
        [METRIC_STANDBY_STALE] = {"muster_standby_stale_total",
                                  "Requests that a standby served while the primary was "
                                  "unreachable."},
        [METRIC_WRITES_REFUSED] = {"muster_writes_refused_total",
                                   "Writes refused because too many were waiting."},
        [METRIC_WAITS_WOKEN] = {"muster_waits_woken_total",
                                "Times that a waiting client was sent changes."},
        [METRIC_WAITS_TIMED_OUT] = {"muster_waits_timed_out_total",
                                    "Clients that waited for changes in vain."},
        [METRIC_WAITS_DROPPED] = {"muster_waits_dropped_total",
                                  "Clients that left while they waited for changes."},
        [METRIC_WAITS_REFUSED] = {"muster_waits_refused_total",
                                  "Requests refused because feed_waiters clients were waiting."},
        [METRIC_WORKERS_STARTED] = {"muster_workers_started_total", "Workers that were started."},
        [METRIC_WORKERS_DIED] = {"muster_workers_died_total", "Workers that exited unexpectedly."}};

    for (int m = 0; m < METRIC_COUNT; m++)
        one(out, rows[m].name, "counter", rows[m].help, value(&shared->counts[m]));
}

static void print_workers(struct buf *out) {
    struct metrics_workers w = metrics_workers();

    head(out, "muster_workers", "gauge", "Running workers.");
    buf_printf(out, "muster_workers{state=\"busy\"} %zu\nmuster_workers{state=\"idle\"} %zu\n",
               w.busy, w.alive - w.busy);
    one(out, "muster_workers_writing", "gauge", "Workers that are in a write.",
        metrics_writes().count);
    one(out, "muster_waiting_clients", "gauge", "Clients that wait for changes.",
        metrics_waiting_count());
    one(out, "muster_workers_wanted", "gauge", "Configured number of workers.", w.wanted);
}

static void print_servers(struct buf *out, const struct store *store) {
    const struct store_servers s = store_servers(store);

    one(out, "muster_database_timeline", "gauge",
        "Timeline of the primary that was connected to last.", (uint64_t)s.timeline);
    one(out, "muster_database_switches_total", "counter",
        "Times that connections were given up for another primary, or a silent one.", s.switches);
    one(out, "muster_database_connect_failures_total", "counter",
        "Attempts to connect to the database that failed.", s.failures);
}

void metrics_print(struct buf *out, const char *version, const struct store *store) {
    head(out, "muster_info", "gauge", "The program.");
    buf_printf(out, "muster_info{version=\"%s\"} 1\n", version);
    if (shared == NULL)
        return;
    one(out, "muster_start_time_seconds", "gauge", "Start of the server, in seconds since 1970.",
        (uint64_t)shared->started);
    print_requests(out);
    print_durations(out);
    print_database(out);
    print_counts(out);
    print_servers(out, store);
    print_workers(out);
}
