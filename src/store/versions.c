/* versions.c: points in time. */
#include "store/versions.h"

#include "base/clock.h"
#include "store/exec.h"
#include "store/prefetch.h"

/* Milliseconds. */
#define DOUBT 1000

enum {
    FOUND_NUMBER,
    FOUND_SETTLED,
    FOUND_DONE,
    FOUND_LATEST,
    FOUND_OLDEST,
    FOUND_KEPT,
    FOUND_EXACT,
    FOUND_TIME_IS_FUTURE,
    FOUND_FIXED,
    FOUND_TIME,
    FOUND_RENAMED
};

enum rc store_find_version(struct store *store, struct arena *arena,
                           const struct version_wanted *wanted, struct version_found *out) {
    uint64_t instance = store_instance(store);
    int32_t known = pg_settled(store);
    PGresult *r;
    enum rc rc = pg_exec(store, &r, STMT(FIND_VERSION),
                         PG_ARGS(wanted->by_number ? pg_int(wanted->number) : pg_null(),
                                 pg_text(wanted->time),
                                 pg_int(known > wanted->done ? known : wanted->done)));

    *out = (struct version_found){0};
    if (rc != RC_OK)
        return rc;
    pg_keep(arena, r);
    if (known > 0 && store_instance(store) != instance)
        return RC_RETRY; /* what is known is known of another server */
    if (pg_rows(r) == 0) /* there is no floor: --init-db did not come to its end */
        return RC_UNREADY;
    *out = (struct version_found){.number = pg_get_int32(r, 0, FOUND_NUMBER),
                                  .settled = pg_get_bool(r, 0, FOUND_SETTLED),
                                  .fixed = pg_get_bool(r, 0, FOUND_FIXED),
                                  .exact = pg_get_bool(r, 0, FOUND_EXACT),
                                  .kept = pg_versioning(store) || pg_get_bool(r, 0, FOUND_KEPT),
                                  .time_is_future = pg_get_bool(r, 0, FOUND_TIME_IS_FUTURE),
                                  .latest_done = pg_get_int32(r, 0, FOUND_DONE),
                                  .latest = pg_get_int32(r, 0, FOUND_LATEST),
                                  .oldest = pg_get_int32(r, 0, FOUND_OLDEST),
                                  .time = pg_get_text(r, 0, FOUND_TIME),
                                  .renamed = pg_get_bool(r, 0, FOUND_RENAMED)};
    out->exists = out->number <= out->latest && !pg_is_null(r, 0, FOUND_NUMBER);
    if (out->settled && out->exists)
        pg_note_settled(store, out->number, out->latest);
    return RC_OK;
}

bool store_may_read_settled(const struct store *store, int32_t version) {
    int64_t failed = store->check_failed_at;

    return version > 0 && version <= pg_settled(store) &&
           (failed == 0 || clock_ms() - failed > DOUBT);
}

void store_read_settled(struct store *store, struct arena *arena, int32_t version,
                        struct version_found *out) {
    struct past_check check = {.arena = arena, .found = out, .instance = store_instance(store)};

    exec_read_as_of(store, version, &check);
}

void store_ask_settled(const struct store *store, struct store_read *read, int32_t version,
                       struct version_found *out) {
    read->as_of = version;
    read->check =
        (struct past_check){.arena = read->arena, .found = out, .instance = store_instance(store)};
}

enum rc store_check_settled(struct store *store) {
    PGresult *answer;
    struct past_check check = store->check;
    int32_t version = store->as_of;
    enum rc rc;

    check.renamed = true; /* nothing was read */
    exec_read_current(store);
    rc = pg_exec(store, &answer, STMT(CHECK_VERSIONS), PG_ARGS(pg_ints(&version, NULL, 1)));
    if (rc == RC_OK)
        rc = exec_read_check(store, &check, answer, 0);
    PQclear(answer);
    return rc;
}

static enum rc ask_of_version(struct store *store, const struct stmt_row *row, int32_t version,
                              bool *out) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, row, PG_ARGS(pg_int(version)));

    *out = false;
    if (rc != RC_OK)
        return rc;
    *out = pg_get_bool(result, 0, 0);
    PQclear(result);
    return RC_OK;
}

/* Where there is no such row any more, a later one tells that all before it have ended. */
enum rc store_has_version(struct store *store, int32_t version, bool *there) {
    enum rc rc = ask_of_version(store, STMT(VERSION_EXISTS), version, there);

    if (rc == RC_OK && !*there && pg_has_extensions(store))
        rc = ask_of_version(store, STMT(VERSION_PASSED), version, there);
    return rc;
}

enum rc store_versions_done(struct store *store, int32_t *done) {
    PGresult *result;
    enum rc rc = pg_exec(store, &result, STMT(VERSIONS_DONE), PG_NONE);

    *done = 0;
    if (rc != RC_OK)
        return rc;
    *done = pg_get_int32(result, 0, 0);
    PQclear(result);
    return RC_OK;
}
