/* prune.c: forgets old history: first the floor is raised, below which nobody reads, then the rows
 * go that nobody can see from there. */
#include "store/prune.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "store/pg.h"
#include "store/versions.h"

/* Milliseconds. A batch that met a writer's locks is run again. */
enum { LOCK_TIMEOUT = 1000, ATTEMPTS = 10, PAUSE = 100, PROGRESS = 1000 };

enum { SECONDS_OF_DAY = 86400 };

bool prune_parse(const char *text, struct prune_command *out) {
    int64_t number;

    *out = (struct prune_command){.by_version = *text == 'v'};
    if (num_parse_range(out->by_version ? text + 1 : text, 0, INT32_MAX, &number) != NUM_OK)
        return false;
    *(out->by_version ? &out->version : &out->days) = (int32_t)number;
    return true;
}

/* --- up to which version --- */

/* ISO, UTC. */
static const char *days_ago(struct arena *arena, int32_t days) {
    time_t then = time(NULL) - (time_t)days * SECONDS_OF_DAY;
    char text[32] = "0001-01-01T00:00:00";
    struct tm parts;

    if (gmtime_r(&then, &parts) != NULL && parts.tm_year > -1900)
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    return arena_strdup(arena, text);
}

static enum rc find(struct store *store, struct arena *arena, const struct prune_command *command,
                    struct version_found *found) {
    struct version_wanted wanted = {.by_number = command->by_version, .number = command->version};
    enum rc rc = store_versions_done(store, &wanted.done);

    if (!command->by_version && command->days > 0)
        wanted.time = days_ago(arena, command->days);
    if (rc != RC_OK)
        return rc;
    store_begin_snapshot(store);
    rc = store_find_version(store, arena, &wanted, found);
    store_rollback(store);
    return rc;
}

static enum rc raise_floor(struct store *store, int32_t version, int32_t *oldest) {
    PGresult *result;
    enum rc rc = pg_exec_write(store, &result, STMT(RAISE_FLOOR), PG_ARGS(pg_int(version)));

    if (rc != RC_OK)
        return rc;
    *oldest = pg_get_int32(result, 0, 0);
    PQclear(result);
    return RC_OK;
}

/* --- rows --- */

/* Each deletes a batch up to the version $1 from the place $2 on, and returns how many, and where
 * the next begins; null: nothing is left. */
static const struct step {
    const struct stmt_row *row;
    const char *what;
} steps[] = {{STMT(PRUNE_ATTRS), "attributes"},
             {STMT(PRUNE_ENTITIES), "objects"},
             {STMT(PRUNE_NAMES), "names"},
             {STMT(PRUNE_VERSIONS), "versions"}};

struct progress {
    int32_t from;
    bool more;
    int64_t count;
    int64_t print_at;
};

static enum rc delete_batch(struct store *store, const struct step *step, int32_t oldest,
                            struct progress *p) {
    PGresult *result;
    int64_t count;
    enum rc rc;

    store_begin_plain(store);
    pg_queue(store, STMT(PRUNES), PG_NONE); /* the triggers let them go */
    rc = pg_exec(store, &result, step->row, PG_ARGS(pg_int(oldest), pg_int(p->from)));
    if (rc != RC_OK) {
        store_rollback(store);
        return rc;
    }
    count = pg_get_int(result, 0, 0);
    p->more = !pg_is_null(result, 0, 1);
    p->from = pg_get_int32(result, 0, 1);
    PQclear(result);
    rc = store_commit(store);
    p->count += rc == RC_OK ? count : 0;
    return rc;
}

/* A deletion that may have been done can be done again. */
static bool is_passing(enum rc rc) {
    return rc == RC_RETRY || rc == RC_BUSY || rc == RC_UNKNOWN;
}

static enum rc try_batch(struct store *store, const struct step *step, int32_t oldest,
                         struct progress *p) {
    struct progress before = *p;
    enum rc rc = delete_batch(store, step, oldest, p);

    for (int i = 1; i < ATTEMPTS && is_passing(rc); i++) {
        clock_sleep_ms(PAUSE);
        *p = before;
        rc = delete_batch(store, step, oldest, p);
    }
    return rc;
}

static void print_progress(const struct step *step, struct progress *p) {
    int64_t now = clock_ms();

    if (p->more && now < p->print_at)
        return;
    printf("%s: %" PRId64 " deleted%s\n", step->what, p->count, p->more ? " so far" : "");
    fflush(stdout);
    p->print_at = now + PROGRESS;
}

static enum rc run_step(struct store *store, const struct step *step, int32_t oldest) {
    struct progress p = {.more = true, .print_at = clock_ms() + PROGRESS};
    enum rc rc = RC_OK;

    while (p.more && rc == RC_OK) {
        rc = try_batch(store, step, oldest, &p);
        if (rc == RC_OK)
            print_progress(step, &p);
    }
    return rc;
}

static enum rc prune(struct store *store, struct arena *arena,
                     const struct prune_command *command) {
    struct version_found found;
    int32_t oldest;
    enum rc rc = find(store, arena, command, &found);

    if (rc == RC_OK && command->by_version && !found.exists) {
        log_error("version %d is not there yet; the latest is %d", (int)command->version,
                  (int)found.latest);
        return RC_INVALID;
    }
    if (rc == RC_OK)
        rc = raise_floor(store, found.settled ? found.number : found.latest_done, &oldest);
    if (rc != RC_OK)
        return rc;
    printf("history is kept from version %d on\n", (int)oldest);
    fflush(stdout);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && rc == RC_OK; i++)
        rc = run_step(store, &steps[i], oldest);
    return rc;
}

enum rc store_prune_history(const struct store_options *options,
                            const struct prune_command *command) {
    struct store_options patient = *options;
    struct arena *arena = arena_new();
    struct store *store;
    enum rc rc;

    patient.lock_timeout = LOCK_TIMEOUT;
    patient.statement_timeout = 0;
    store = store_new(&patient, NULL);
    rc = store_connect(store);
    if (rc == RC_OK)
        rc = prune(store, arena, command);
    if (rc != RC_OK && rc != RC_INVALID)
        log_error("database: %s: %s", rc_name(rc), store_error(store));
    store_free(&store);
    arena_free(&arena);
    return rc;
}
