/* cluster.c: what the workers know together about their database's servers. */
#include "store/cluster.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mutex.h"

/* Milliseconds. */
#define MIN_PAUSE 100
#define MAX_PAUSE 1000
#define MAX_WAIT  300 /* for another process's attempt */
#define LOG_EVERY 10000

#define MAX_SILENT 2 /* looks */

/* The kernel fills it with zeros, where everything begins. A process may be killed at any point. */
struct cluster {
    pthread_mutex_t mutex; /* of `newest` */
    struct cluster_server newest;
    _Atomic uint64_t number;
    _Atomic int32_t timeline; /* of the primary that was connected to last */
    atomic_bool older_told;   /* that an older one has to serve */
    _Atomic int silent;       /* looks in a row without an answer */
    _Atomic size_t preferred;
    _Atomic int pause;            /* 0: the last attempt went well */
    _Atomic int64_t retry_at;     /* clock_ms() */
    _Atomic int64_t trying_until; /* clock_ms(); a process tries to connect */
    _Atomic uint64_t failures;
    _Atomic uint64_t logged;  /* of the failures */
    _Atomic int64_t log_at;   /* clock_ms() */
    _Atomic int64_t look_at;  /* clock_ms() */
    _Atomic uint64_t settled; /* half of the server's instance, and the version */
};

struct cluster *cluster_new(void) {
    struct cluster *c =
        mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (c == MAP_FAILED)
        log_fatal("no memory: %s", strerror(errno));
    mutex_init(&c->mutex);
    return c;
}

void cluster_free(struct cluster **cluster) {
    if (*cluster)
        munmap(*cluster, sizeof **cluster);
    *cluster = NULL;
}

/* --- the primary --- */

/* What a process that died in here left is not trusted. */
static void lock(struct cluster *c) {
    if (mutex_lock(&c->mutex) != MUTEX_RECOVERED)
        return;
    c->newest = (struct cluster_server){0};
    atomic_fetch_add(&c->number, 1);
}

const _Atomic uint64_t *cluster_number(const struct cluster *cluster) {
    return &cluster->number;
}

/* A hash of the first part, when the postmaster began: a crash of its children ends every
 * connection, and a promotion leaves them as they are. */
uint64_t cluster_instance(const char *incarnation) {
    return hash_add_bytes(HASH_START, incarnation, strcspn(incarnation, "/"));
}

static bool is_same(const struct cluster_server *a, const struct cluster_server *b) {
    return a->system == b->system && a->timeline == b->timeline && a->instance == b->instance;
}

static void set_newest(struct cluster *c, const struct cluster_server *server) {
    if (c->newest.timeline > 0)
        log_info("database: another primary, on timeline %d", (int)server->timeline);
    c->newest = *server;
    atomic_store(&c->older_told, false);
    atomic_fetch_add(&c->number, 1);
}

bool cluster_note(struct cluster *cluster, const struct cluster_server *server, uint64_t *number) {
    const struct cluster_server *newest = &cluster->newest;
    bool older;

    if (server->timeline == 0)
        return true;
    lock(cluster);
    older = newest->system == server->system && newest->timeline > server->timeline;
    if (!older && !is_same(newest, server))
        set_newest(cluster, server);
    if (!older)
        atomic_store(&cluster->timeline, server->timeline);
    *number = atomic_load(&cluster->number);
    pthread_mutex_unlock(&cluster->mutex);
    return !older;
}

void cluster_use_older(struct cluster *cluster, const struct cluster_server *server) {
    atomic_store(&cluster->timeline, server->timeline);
    if (!atomic_exchange(&cluster->older_told, true))
        log_error("database: the primary is on timeline %d, though there was a later one: writes "
                  "that were acknowledged may be lost",
                  (int)server->timeline);
}

int32_t cluster_timeline(const struct cluster *cluster) {
    return atomic_load(&cluster->timeline);
}

void cluster_heard(struct cluster *cluster, size_t place, bool silent) {
    if (!silent) {
        atomic_store(&cluster->silent, 0);
    } else if (atomic_fetch_add(&cluster->silent, 1) + 1 >= MAX_SILENT) {
        atomic_store(&cluster->silent, 0);
        cluster_prefer(cluster, place + 1);
        atomic_fetch_add(&cluster->number, 1);
    }
}

size_t cluster_preferred(const struct cluster *cluster) {
    return atomic_load(&cluster->preferred);
}

void cluster_prefer(struct cluster *cluster, size_t place) {
    atomic_store(&cluster->preferred, place);
}

/* --- attempts --- */

/* Up to a quarter more or less, so that several servers of ours don't keep step. */
static int64_t jitter(int64_t ms) {
    return ms - ms / 4 + random() % (ms / 2 + 1);
}

/* Another process is trying: most often it is done in a moment. True if that went well. */
static bool wait_for_other(struct cluster *c, int64_t until) {
    while (atomic_load(&c->trying_until) > clock_ms() && clock_ms() < until) {
        clock_sleep_ms(2);
        if (atomic_load(&c->pause) == 0)
            return true;
    }
    return false;
}

bool cluster_may_connect(struct cluster *cluster, int64_t limit) {
    int64_t at = atomic_load(&cluster->retry_at), now = clock_ms();

    if (atomic_load(&cluster->pause) == 0)
        return true;
    if (now < at || !atomic_compare_exchange_strong(&cluster->retry_at, &at, now + limit))
        return wait_for_other(cluster, now + MAX_WAIT);
    atomic_store(&cluster->trying_until, now + limit);
    return true;
}

void cluster_connected(struct cluster *cluster) {
    uint64_t failures = atomic_load(&cluster->failures);
    uint64_t logged = atomic_load(&cluster->logged);

    if (atomic_exchange(&cluster->pause, 0) == 0)
        return;
    atomic_store(&cluster->trying_until, 0);
    atomic_store(&cluster->log_at, 0);
    atomic_store(&cluster->logged, failures);
    if (failures > logged)
        log_info("database: connected again, after %llu more failed attempts",
                 (unsigned long long)(failures - logged));
}

uint64_t cluster_failed(struct cluster *cluster, int64_t began) {
    int before = atomic_load(&cluster->pause);
    int pause = before == 0 ? MIN_PAUSE : before < MAX_PAUSE / 2 ? 2 * before : MAX_PAUSE;
    int64_t now = clock_ms(), log_at = atomic_load(&cluster->log_at);
    uint64_t failures = atomic_fetch_add(&cluster->failures, 1) + 1;
    int64_t rest = began + jitter(pause) - now;

    atomic_store(&cluster->trying_until, 0);
    atomic_store(&cluster->pause, pause);
    /* An attempt that took long was a pause itself: most were not allowed to try meanwhile. */
    atomic_store(&cluster->retry_at, now + (rest > MIN_PAUSE ? rest : jitter(MIN_PAUSE)));
    if (now < log_at || !atomic_compare_exchange_strong(&cluster->log_at, &log_at, now + LOG_EVERY))
        return 0;
    return failures - atomic_exchange(&cluster->logged, failures);
}

/* --- settled versions --- */

static uint64_t settled_of(uint64_t instance, int32_t version) {
    return instance >> 32 << 32 | (uint32_t)version;
}

int32_t cluster_settled(const struct cluster *cluster, uint64_t instance) {
    uint64_t settled = atomic_load(&cluster->settled);
    int32_t version = (int32_t)(uint32_t)settled;

    return instance != 0 && settled_of(instance, version) == settled ? version : 0;
}

void cluster_note_settled(struct cluster *cluster, uint64_t instance, int32_t version,
                          int32_t latest) {
    uint64_t before = atomic_load(&cluster->settled);
    int32_t known = cluster_settled(cluster, instance);

    if (latest < known)
        atomic_store(&cluster->settled, 0);
    else if (instance != 0 && version > known)
        (void)atomic_compare_exchange_strong(&cluster->settled, &before,
                                             settled_of(instance, version));
}

uint64_t cluster_failures(const struct cluster *cluster) {
    return atomic_load(&cluster->failures);
}

bool cluster_may_look(struct cluster *cluster, int64_t period) {
    int64_t at = atomic_load(&cluster->look_at), now = clock_ms();

    return now >= at && atomic_compare_exchange_strong(&cluster->look_at, &at, now + period);
}
