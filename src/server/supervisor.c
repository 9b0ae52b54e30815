/* supervisor.c: starts the workers and the waiter, replaces those that died, and passes signals on.
 */
#include "server/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/cache.h"
#include "server/config.h"
#include "server/daemon.h"
#include "server/handover.h"
#include "server/listen.h"
#include "server/metrics.h"
#include "server/openapi.h"
#include "server/route.h"
#include "server/standby.h"
#include "server/waiter.h"
#include "server/worker.h"
#include "store/cluster.h"

enum {
    MAX_WORKERS = 1024,             /* the setting's maximum */
    MAX_CHILDREN = 4 * MAX_WORKERS, /* including those that retire */
    RESEND_MS = 500,                /* after which a signal is sent again */
    SLOW_MS = 1000,                 /* between two starts after too many deaths */
    MINUTE_MS = 60 * 1000
};

enum kind { WORKER, WAITER };

static const char *const kinds[] = {[WORKER] = "worker", [WAITER] = "waiter"};

struct child {
    pid_t pid;
    enum kind kind;
    int stop_signal;      /* sent to it last; 0: it is active */
    int64_t signalled_at; /* clock_ms() */
    int64_t deadline;     /* clock_ms(); then it is killed */
};

struct supervisor {
    struct settings *settings;
    const char *const *files;
    size_t file_count;
    struct listener listener;
    struct cache *cache;     /* a reload makes a new one */
    struct cluster *cluster; /* so it does here */
    struct account account;
    int handover[2]; /* to the waiter: the workers' end, and its own */
    int pid_fd;
    char *pid_file;
    sigset_t handled;
    struct child children[MAX_CHILDREN];
    size_t child_count;
    bool ending;
    /* deaths in the current minute */
    int deaths;
    int64_t minute_began;
    int64_t next_start; /* not before */
};

/* --- starting workers --- */

static size_t wanted_workers(const struct settings *settings) {
    long cores;

    if (settings->workers > 0)
        return (size_t)settings->workers;
    cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < 2)
        return 4;
    return cores > 8 ? 16 : (size_t)cores * 2;
}

/* Those that are there and were not signalled. */
static size_t count_active(const struct supervisor *s, enum kind kind) {
    size_t count = 0;

    for (size_t i = 0; i < s->child_count; i++)
        count += s->children[i].kind == kind && s->children[i].stop_signal == 0;
    return count;
}

/* Without its end of it there are no requests that wait. */
static int run_worker(struct supervisor *s) {
    int waiter = s->settings->feed_waiters > 0 ? s->handover[0] : -1;

    close(s->handover[1]);
    return worker_run(s->settings, s->cache, s->cluster, s->listener.fd, waiter);
}

static int run_waiter(struct supervisor *s) {
    close(s->handover[0]);
    close(s->listener.fd);
    return waiter_run(s->settings, s->cluster, s->handover[1]);
}

/* In the new process. */
static int be_child(struct supervisor *s, enum kind kind, pid_t parent) {
    int status = 1;

    if (s->pid_fd >= 0)
        close(s->pid_fd); /* the lock on it is the supervisor's */
    if (daemon_become(&s->account)) {
        /* After the change of user, which would undo it. */
        (void)prctl(PR_SET_PDEATHSIG, kind == WORKER ? WORKER_FINISH : WORKER_RETIRE);
        if (getppid() == parent)
            status = kind == WORKER ? run_worker(s) : run_waiter(s);
    }
    config_free(&s->settings);
    free(s->pid_file);
    free(s);
    return status;
}

/* What the workers share. */
static void renew_shared(struct supervisor *s) {
    cluster_free(&s->cluster);
    s->cluster = cluster_new();
    store_log_servers(&s->settings->store);
    standby_open(s->settings);
    cache_free(&s->cache);
    if (s->settings->cache_size > 0)
        s->cache = cache_new((size_t)s->settings->cache_size << 20);
}

static bool start(struct supervisor *s, enum kind kind) {
    pid_t parent = getpid(), pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0)
        exit(be_child(s, kind, parent));
    if (pid < 0) {
        log_error("fork: %s", strerror(errno));
        s->next_start = clock_ms() + SLOW_MS;
        return false;
    }
    s->children[s->child_count++] = (struct child){.pid = pid, .kind = kind};
    if (kind == WORKER)
        metrics_count(METRIC_WORKERS_STARTED);
    if (s->deaths > s->settings->restart_limit)
        s->next_start = clock_ms() + SLOW_MS;
    return true;
}

static bool may_start(const struct supervisor *s) {
    return s->child_count < MAX_CHILDREN && clock_ms() >= s->next_start;
}

static void start_missing(struct supervisor *s) {
    size_t wanted = wanted_workers(s->settings);
    bool ok = !s->ending;

    while (ok && count_active(s, WORKER) < wanted && may_start(s))
        ok = start(s, WORKER);
    if (ok && s->settings->feed_waiters > 0 && count_active(s, WAITER) == 0 && may_start(s))
        (void)start(s, WAITER);
}

/* --- their ends --- */

static void count_death(struct supervisor *s, enum kind kind) {
    int64_t now = clock_ms();

    if (kind == WORKER)
        metrics_count(METRIC_WORKERS_DIED);
    else
        metrics_waiting(0);
    if (now - s->minute_began >= MINUTE_MS) {
        s->minute_began = now;
        s->deaths = 0;
    }
    if (++s->deaths == s->settings->restart_limit + 1)
        log_error("%d workers died within a minute: new ones are started slowly", s->deaths);
}

/* Only a worker that was signalled, or served max_requests, ends well. */
static void report_end(struct supervisor *s, const struct child *child, int status) {
    long pid = (long)child->pid;
    const char *kind = kinds[child->kind];

    metrics_worker_end(child->pid);
    if (WIFSIGNALED(status)) {
        log_error("%s %ld was killed by signal %d (%s)%s", kind, pid, WTERMSIG(status),
                  strsignal(WTERMSIG(status)), WCOREDUMP(status) ? ", core dumped" : "");
        count_death(s, child->kind);
    } else if (WEXITSTATUS(status) != 0) {
        log_error("%s %ld exited with status %d", kind, pid, WEXITSTATUS(status));
        count_death(s, child->kind);
    } else {
        log_info("%s %ld ended%s", kind, pid, child->stop_signal != 0 ? "" : " after its requests");
    }
}

static void reap(struct supervisor *s) {
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < s->child_count; i++) {
            if (s->children[i].pid == pid) {
                report_end(s, &s->children[i], status);
                s->children[i] = s->children[--s->child_count];
                break;
            }
        }
    }
}

static void signal_child(const struct supervisor *s, struct child *child, int signal) {
    child->stop_signal = signal;
    child->signalled_at = clock_ms();
    if (child->deadline == 0)
        child->deadline = child->signalled_at + s->settings->drain_timeout;
    kill(child->pid, signal);
}

/* Sends the signal again to workers that are still there, and kills those past their deadline. */
static void enforce_deadlines(struct supervisor *s) {
    int64_t now = clock_ms();

    for (size_t i = 0; i < s->child_count; i++) {
        struct child *child = &s->children[i];

        if (child->stop_signal == 0)
            continue;
        if (now >= child->deadline) {
            if (child->stop_signal != SIGKILL)
                log_warning("%s %ld did not end within drain_timeout", kinds[child->kind],
                            (long)child->pid);
            signal_child(s, child, SIGKILL);
        } else if (now - child->signalled_at >= RESEND_MS) {
            signal_child(s, child, child->stop_signal);
        }
    }
}

static void signal_all(struct supervisor *s, enum kind kind, int signal) {
    for (size_t i = 0; i < s->child_count; i++)
        if (s->children[i].kind == kind &&
            (s->children[i].stop_signal == 0 || signal == WORKER_FINISH))
            signal_child(s, &s->children[i], signal);
}

/* True if nobody else will take what a worker that ends still hands over. */
static bool waiter_is_needed(const struct supervisor *s) {
    bool needed = false;

    if (!s->ending && s->settings->feed_waiters > 0)
        return false;
    for (size_t i = 0; i < s->child_count; i++)
        needed = needed || (s->children[i].kind == WORKER && s->children[i].stop_signal != 0);
    return needed;
}

/* The waiter ends after the workers, which may still have handed requests to it. */
static void end_waiter(struct supervisor *s) {
    if (waiter_is_needed(s))
        return;
    for (size_t i = 0; i < s->child_count; i++)
        if (s->children[i].kind == WAITER && s->children[i].stop_signal == WORKER_FINISH)
            signal_child(s, &s->children[i], WORKER_RETIRE);
}

/* --- signals --- */

static void end(struct supervisor *s, int signal) {
    if (s->ending)
        return;
    log_info("ending on %s", signal == SIGINT ? "INT" : "TERM");
    s->ending = true;
    listen_shut(&s->listener);
    /* Requests that wait on a shared socket are left to its other users. */
    signal_all(s, WORKER, s->listener.inherited ? WORKER_RETIRE : WORKER_FINISH);
    signal_all(s, WAITER, WORKER_FINISH);
}

static void to_log(const char *line) {
    log_error("%s", line);
}

/* Logs which changed settings need a restart. */
static void report_ignored(const struct settings *before, const struct settings *after) {
    size_t count;
    const struct setting *table = settings_table(&count);

    for (size_t i = 0; i < count; i++) {
        const char *a = (const char *)before + table[i].offset;
        const char *b = (const char *)after + table[i].offset;
        bool same = true;

        if (!table[i].needs_restart)
            continue;
        if (table[i].type == SETTING_STRING)
            same = strcmp(*(const char *const *)a, *(const char *const *)b) == 0;
        else if (table[i].type == SETTING_INT || table[i].type == SETTING_MODE)
            same = *(const int *)a == *(const int *)b;
        if (!same)
            log_warning("setting \"%s\" takes effect with a restart", table[i].name);
    }
}

/* New workers are started while the old ones retire; the socket stays open, so that no client is
 * refused. */
static void reload(struct supervisor *s) {
    struct settings *settings = config_load(s->files, s->file_count, to_log);

    if (settings == NULL) {
        log_error("the configuration stays as it was");
        return;
    }
    report_ignored(s->settings, settings);
    config_free(&s->settings);
    s->settings = settings;
    if (daemon_open_log(settings))
        daemon_share_log(settings, &s->account);
    renew_shared(s);
    metrics_workers_wanted(wanted_workers(settings));
    log_info("the configuration was read again");
    s->next_start = 0;
    signal_all(s, WORKER, WORKER_RETIRE);
    signal_all(s, WAITER, settings->feed_waiters > 0 ? WORKER_RETIRE : WORKER_FINISH);
    start_missing(s);
}

static void reopen_log(struct supervisor *s) {
    if (!log_reopen())
        log_error("%s: %s", s->settings->log_destination, strerror(errno));
    daemon_share_log(s->settings, &s->account);
    for (size_t i = 0; i < s->child_count; i++)
        kill(s->children[i].pid, SIGUSR1);
}

/* --- the loop --- */

/* Until the next deadline or start; -1: none. */
static int64_t milliseconds_to_wait(const struct supervisor *s) {
    int64_t now = clock_ms(), wait = -1;

    for (size_t i = 0; i < s->child_count; i++)
        if (s->children[i].stop_signal != 0)
            wait = s->children[i].deadline > now ? 100 : 10;
    if (!s->ending && s->next_start > now && (wait < 0 || s->next_start - now < wait))
        wait = s->next_start - now;
    return wait;
}

/* The next signal, or 0 after milliseconds_to_wait. */
static int next_signal(const struct supervisor *s) {
    int64_t wait = milliseconds_to_wait(s);
    struct timespec time = {.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000};
    int signal = wait < 0 ? sigwaitinfo(&s->handled, NULL) : sigtimedwait(&s->handled, NULL, &time);

    return signal > 0 ? signal : 0;
}

static void supervise(struct supervisor *s) {
    while (!s->ending || s->child_count > 0) {
        switch (next_signal(s)) {
        case SIGTERM: end(s, SIGTERM); break;
        case SIGINT: end(s, SIGINT); break;
        case SIGHUP:
            if (!s->ending)
                reload(s);
            break;
        case SIGUSR1: reopen_log(s); break;
        default: break;
        }
        reap(s);
        end_waiter(s);
        enforce_deadlines(s);
        start_missing(s);
    }
}

/* --- life --- */

/* All are blocked, and taken one by one: none interrupts anything, none gets lost. */
static void block_signals(struct supervisor *s) {
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
    struct sigaction normal = {.sa_handler = SIG_DFL}, ignore = {.sa_handler = SIG_IGN};
    sigset_t blocked;

    sigemptyset(&s->handled);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        sigaddset(&s->handled, signals[i]);
        sigaction(signals[i], &normal, NULL); /* an ignored one would never arrive */
    }
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL); /* a log that may not grow costs its lines only */
    blocked = s->handled;
    sigaddset(&blocked, WORKER_RETIRE); /* or it would kill a worker that is just starting */
    sigprocmask(SIG_BLOCK, &blocked, NULL);
}

/* Everything that can fail, before the server reports that it is ready. */
static bool prepare(struct supervisor *s) {
    if (!daemon_find_account(s->settings, &s->account) ||
        !daemon_write_pid(s->pid_file, &s->pid_fd) || !listen_open(s->settings, &s->listener))
        return false;
    if (!handover_open(s->handover)) {
        log_error("socketpair: %s", strerror(errno));
        return false;
    }
    if (!daemon_open_log(s->settings)) /* last: errors of the others go to the terminal */
        return false;
    daemon_share_log(s->settings, &s->account);
    return true;
}

int supervisor_run(struct settings **settings, const char *const *files, size_t file_count,
                   bool foreground) {
    struct supervisor *s = calloc(1, sizeof(*s));
    const struct route *routes;
    size_t route_count;
    int ready_fd = -1, status = 1;

    if (s == NULL || (s->pid_file = strdup((*settings)->pid_file)) == NULL)
        log_fatal("out of memory");
    s->settings = *settings;
    *settings = NULL;
    s->files = files;
    s->file_count = file_count;
    s->pid_fd = -1;
    s->listener.fd = -1;
    foreground = foreground || listen_is_inherited();
    if (!foreground && (ready_fd = daemon_detach()) < 0)
        goto out;
    if (!prepare(s))
        goto out;
    block_signals(s);
    log_info("muster %s: %zu workers", s->settings->api.version, wanted_workers(s->settings));
    renew_shared(s);
    routes = route_table(&route_count);
    metrics_open(routes, route_count);
    openapi_open(routes, route_count);
    metrics_workers_wanted(wanted_workers(s->settings));
    start_missing(s);
    if (!foreground)
        daemon_ready(ready_fd, s->settings);
    supervise(s);
    log_info("ended");
    status = 0;
out:
    listen_close(&s->listener);
    cache_free(&s->cache);
    cluster_free(&s->cluster);
    standby_close();
    metrics_close();
    daemon_remove_pid(s->pid_file, &s->pid_fd);
    config_free(&s->settings);
    free(s->pid_file);
    free(s);
    return status;
}
