/* standby.c: which reads go to a standby, and whether it is as far as the primary. */
#include "server/standby.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "server/metrics.h"
#include "server/shared_check.h"
#include "store/cluster.h"
#include "store/position.h"

/* Milliseconds. */
enum {
    MIN_PAUSE = 100,
    MAX_PAUSE_BEHIND = 1000, /* of a standby that answers */
    MAX_PAUSE = 5000,
    CONNECT_LIMIT = 1000,
    ANSWER_GRACE = 20 /* for an answer after read_wait */
};

/* The kernel fills it with zeros, where everything begins. */
struct shared {
    struct cluster *cluster;   /* what is known of the standbys as servers */
    struct shared_check check; /* for the position */
    pthread_mutex_t mutex;     /* of what follows */
    struct store_position position;
    _Atomic int pause;        /* 0: the standby was good for the last read */
    _Atomic int64_t retry_at; /* clock_ms() */
    atomic_bool no_feedback;  /* it may cancel long reads */
};

static struct shared *shared; /* of this process and all those forked from it */

void standby_open(const struct settings *settings) {
    struct shared *s;

    standby_close();
    if (*settings->database_read == '\0')
        return;
    s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED) {
        log_warning("no memory to read from standbys: %s", strerror(errno));
        return;
    }
    s->cluster = cluster_new();
    shared_check_init(&s->check);
    mutex_init(&s->mutex);
    shared = s;
}

void standby_close(void) {
    if (shared == NULL)
        return;
    cluster_free(&shared->cluster);
    munmap(shared, sizeof *shared);
    shared = NULL;
}

/* --- pauses --- */

/* While it is not good for reads, one process tries after each pause. */
static bool may_try(void) {
    int pause = atomic_load(&shared->pause);
    int64_t at = atomic_load(&shared->retry_at), now = clock_ms();

    return pause == 0 ||
           (now >= at && atomic_compare_exchange_strong(&shared->retry_at, &at, now + pause));
}

static void hold_off(int most) {
    int before = atomic_load(&shared->pause);
    int pause = before == 0 ? MIN_PAUSE : 2 * before;

    if (pause > most)
        pause = most;
    atomic_store(&shared->retry_at, clock_ms() + pause);
    if (atomic_exchange(&shared->pause, pause) == 0)
        log_debug("standby: left alone for a while");
}

static void note_good(void) {
    if (atomic_load(&shared->pause) != 0)
        atomic_store(&shared->pause, 0);
}

/* --- the primary's position --- */

static bool ask(struct worker_state *w) {
    struct store_position position;
    enum rc rc;

    metrics_count(METRIC_STANDBY_CHECKS);
    rc = position_ask(w->store, &position);
    if (rc == RC_RETRY) /* by another connection than before: that is no reason to be stale */
        rc = position_ask(w->store, &position);
    if (rc == RC_READONLY || rc == RC_UNREADY)
        hold_off(MAX_PAUSE);
    if (rc != RC_OK)
        return false;
    /* several ask at once where one of them is late; what is half written is replaced */
    if (mutex_lock(&shared->mutex) == MUTEX_RECOVERED ||
        position_is_later(&position, &shared->position))
        shared->position = position;
    pthread_mutex_unlock(&shared->mutex);
    return true;
}

/* By a question that begins from now on, whichever worker asks it. */
static bool ask_together(struct worker_state *w) {
    struct shared_check *check = &shared->check;
    bool known;

    switch (shared_check_wait(check, shared_check_begun(check))) {
    case CHECK_CURRENT: return true;
    case CHECK_UNKNOWN: return false;
    case CHECK_LATE: return ask(w);
    case CHECK_MINE: break;
    }
    shared_check_begin(check);
    known = ask(w);
    shared_check_end(check, known);
    return known;
}

/* False: it was never asked. */
static bool read_position(struct store_position *position) {
    enum mutex_result locked = mutex_lock(&shared->mutex);

    if (locked == MUTEX_RECOVERED)
        shared->position.asked_at = 0;
    *position = shared->position;
    pthread_mutex_unlock(&shared->mutex);
    return position->asked_at > 0;
}

/* --- the standby --- */

static bool connect_standby(struct worker_state *w) {
    struct store_options *options = &w->standby_options;

    if (w->standby == NULL) {
        *options = w->settings->store;
        options->database = w->settings->database_read;
        if (options->connect_timeout == 0 || options->connect_timeout > CONNECT_LIMIT)
            options->connect_timeout = CONNECT_LIMIT;
        w->standby = store_new(options, shared->cluster);
    }
    return store_connect(w->standby) == RC_OK;
}

/* Another server may be better than one that was behind several times, or that was promoted. */
static void note_behind(struct worker_state *w, bool is_standby) {
    metrics_count(METRIC_STANDBY_BEHIND);
    if (!is_standby || atomic_load(&shared->pause) >= MAX_PAUSE_BEHIND)
        position_leave(w->standby);
    hold_off(is_standby ? MAX_PAUSE_BEHIND : MAX_PAUSE);
}

/* Waits until the standby has replayed that, up to read_wait. */
static bool wait_for(struct worker_state *w, const struct store_position *position, bool lone) {
    int64_t until = clock_ms() + w->settings->read_wait;
    struct position_reached reached;

    for (int ms = 1;; ms *= 2) {
        if (position_compare(w->standby, position, lone, until + ANSWER_GRACE, &reached) != RC_OK) {
            hold_off(MAX_PAUSE);
            return false;
        }
        if (reached.reached || !reached.is_standby || clock_ms() + ms > until)
            break;
        clock_sleep_ms(ms);
    }
    atomic_store(&shared->no_feedback, !reached.feedback);
    if (reached.reached)
        note_good();
    else
        note_behind(w, reached.is_standby);
    return reached.reached;
}

static bool is_reached(struct worker_state *w, const struct store_position *position, bool lone) {
    if (!connect_standby(w)) {
        hold_off(MAX_PAUSE);
        return false;
    }
    if (!wait_for(w, position, lone))
        return false;
    position_pin(w->standby, true);
    return true;
}

/* --- requests --- */

/* It may take so long that the standby has to cancel it, in order to go on. */
static bool is_long(const struct exchange *x) {
    return (x->match.route->flags & (ROUTE_LIST | ROUTE_LONG)) &&
           request_header(&x->request, "Clusto-Page") == NULL &&
           request_header(&x->request, "Clusto-After") == NULL;
}

static bool is_for_standby(const struct exchange *x) {
    if (shared == NULL || !(x->match.route->flags & ROUTE_STANDBY))
        return false;
    if (exchange_is_feed(x))
        return false; /* points are made by the primary */
    if (x->as_of.wanted && !x->as_of.point.wanted.by_number)
        return false; /* which version is the latest, the primary knows better */
    return !is_long(x) || !atomic_load(&shared->no_feedback);
}

/* The primary can't be asked: what it was at last may be shown for a while. */
static bool begin_stale(struct exchange *x) {
    struct store_position position;
    int64_t age;

    if (x->w->settings->stale_reads == 0 || !exchange_is_read(x) || !read_position(&position))
        return false;
    age = (clock_us() - position.asked_at) / 1000;
    if (age > x->w->settings->stale_reads || !is_reached(x->w, &position, true))
        return false;
    response_header(&x->response, "Clusto-Stale",
                    arena_printf(x->arena, "%d", (int)(age / 1000 + 1)));
    x->c.if_none_match = (struct etag_list){0};
    x->cache_key = NULL;
    metrics_count(METRIC_STANDBY_STALE);
    return true;
}

static bool begin_exact(struct exchange *x) {
    struct store_position position;

    if (!read_position(&position) || !is_reached(x->w, &position, false))
        return false;
    x->standby_instance = position.instance;
    return true;
}

bool standby_begin(struct exchange *x) {
    if (!is_for_standby(x) || !may_try())
        return false;
    if (!(ask_together(x->w) ? begin_exact(x) : begin_stale(x)))
        return false;
    x->c.store = x->w->standby;
    return true;
}

/* Not one that took too long: the primary would not be faster. */
static bool is_because_of_standby(const struct exchange *x, int status) {
    int64_t limit = (int64_t)x->w->settings->store.statement_timeout * 1000;

    if (status < 500 || x->c.rc == RC_GONE || x->response.started)
        return false;
    return x->c.rc != RC_BUSY || limit == 0 || clock_us() - x->began < limit;
}

bool standby_end(struct exchange *x, int status) {
    bool failed = is_because_of_standby(x, status);

    position_pin(x->w->standby, false);
    x->c.store = x->w->store;
    metrics_count(failed ? METRIC_STANDBY_FAILED : METRIC_STANDBY_READS);
    if (!failed)
        return true;
    x->standby_instance = 0;
    if (!store_connected(x->w->standby))
        hold_off(MAX_PAUSE);
    return false;
}

/* --- several at once --- */

static void note_prefetched(struct exchange *x, uint64_t instance) {
    if (!store_read_is_done(x->c.read))
        return;
    x->standby_instance = instance;
    metrics_count(METRIC_STANDBY_READS);
}

bool standby_prefetch(struct exchange *const *x, const struct store_prefetch *reads, size_t count) {
    struct store_position position;
    struct worker_state *w;
    bool sent;

    if (count == 0)
        return false;
    w = x[0]->w;
    for (size_t i = 0; i < count; i++)
        if (!is_for_standby(x[i]) || x[i]->as_of.wanted)
            return false;
    if (!may_try() || !ask_together(w) || !read_position(&position) ||
        !is_reached(w, &position, false))
        return false;
    sent = store_prefetch(w->standby, reads, count);
    position_pin(w->standby, false);
    store_repeat_failed(reads, count);
    for (size_t i = 0; i < count; i++)
        note_prefetched(x[i], position.instance);
    return sent;
}
