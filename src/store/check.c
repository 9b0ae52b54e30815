/* check.c: looks whether what is in the tables keeps the rules, and reports what does not. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "model/driver.h"
#include "store/objects.h"
#include "store/schema.h"

/* One line, whatever the names in it hold. */
static void print_text(void *context, const char *text) {
    int64_t *count = context;

    for (const char *at = text; at && *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 127)
            printf("\\x%02x", (unsigned)(unsigned char)*at);
        else
            putchar(*at);
    }
    putchar('\n');
    (*count)++;
}

static bool print_line(void *context, const PGresult *result) {
    print_text(context, pg_get_text(result, 0, 0));
    return true;
}

/* What drivers give under. */
static struct pg_arg resource_keys(struct arena *arena) {
    size_t count = 0;
    const char **keys = arena_array(arena, driver_count() + 1, sizeof *keys);

    for (size_t i = 0; i < driver_count(); i++)
        if (driver_at(i)->resource_key)
            keys[count++] = driver_at(i)->resource_key;
    return pg_texts(keys, count);
}

static enum rc report(struct store *store, int64_t *count) {
    struct arena *arena = arena_new();
    struct pg_arg args[2];
    struct pg_arg keys = resource_keys(arena);
    enum rc rc = RC_OK;

    objects_rules(arena, args);
    store_begin_snapshot(store);
    for (const struct stmt_row *row = STMT(CHECK_ENCODING); row <= STMT(CHECK_TAKEN) && rc == RC_OK;
         row++) {
        if ((row->flags & STMT_NEEDS_INIT_DB) && !pg_has_extensions(store))
            continue;
        pg_send(store, row, row == STMT(CHECK_KEYS) ? &keys : args, strlen(row->params));
        rc = pg_stream(store, print_line, count);
    }
    if (rc == RC_OK)
        rc = store_commit(store);
    else
        store_rollback(store);
    arena_free(&arena);
    return rc;
}

/* What --init-db would make. */
static enum rc report_missing(struct store *store, const struct store_options *options,
                              int64_t *count) {
    bool complete = pg_has_extensions(store);

    if (!complete)
        print_text(count, "muster's additions are missing or older than this version needs (muster "
                          "--init-db makes them)");
    return schema_compare(options, complete, print_text, count);
}

enum rc store_check_db(const struct store_options *options, int64_t *count) {
    struct store_options patient = *options;
    struct store *store;
    enum rc rc;

    patient.statement_timeout = 0;
    patient.whole_tables = true;
    store = store_new(&patient, NULL);
    *count = 0;
    rc = store_connect(store);
    if (rc == RC_OK)
        rc = report(store, count);
    if (rc == RC_UNREADY) { /* what is missing is reported next */
        log_warning("database: not everything was looked at: %s", store_error(store));
        rc = RC_OK;
    }
    if (rc == RC_OK)
        rc = report_missing(store, options, count);
    if (rc == RC_OK)
        printf("%" PRId64 " found\n", *count);
    else
        log_error("database: %s", store_error(store));
    store_free(&store);
    return rc;
}
