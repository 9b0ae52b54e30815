/* schema.c: makes and completes the tables (etc/schema.sql). */
#include "store/schema.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "model/driver.h"
#include "store/connect.h"

/* etc/schema.sql as a C string, made by the makefile */
static const char schema_sql[] =
#include "schema_sql.h"
    ;

/* and etc/drop.sql */
static const char drop_sql[] =
#include "drop_sql.h"
    ;

/* Runs that met each other's locks, or a writer's, are run again. */
#define ATTEMPTS     3
#define LOCK_TIMEOUT 60000

/* The schema tells what it does by notices of class MU; all others are of no interest. */
static void on_notice(void *context, const PGresult *notice) {
    const char *state = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
    int *notices = context;

    if (!state || strncmp(state, "MU", 2) != 0)
        return;
    printf("%s\n", PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY));
    (*notices)++;
}

/* What the schema reads of the configuration. */
static void set_keep_history(PGconn *conn, const struct store_options *options) {
    PQclear(PQexec(conn, options->versioning && options->keep_history
                             ? "set muster.keep_history = 'on'"
                             : "set muster.keep_history = 'off'"));
}

/* The schema's triggers are told under which keys the drivers give resources. */
static void name_keys(PGconn *conn) {
    struct arena *arena = arena_new();
    const char *keys = "";

    for (size_t i = 0; i < driver_count(); i++)
        if (driver_at(i)->resource_key)
            keys =
                arena_printf(arena, "%s%s%s", keys, *keys ? "," : "", driver_at(i)->resource_key);
    PQclear(PQexecParams(conn, "select set_config('muster.resource_keys', $1, false)", 1, NULL,
                         &keys, NULL, NULL, 0));
    arena_free(&arena);
}

static enum rc run_script(PGconn *conn, const char *script, int *notices) {
    PGresult *result;
    enum rc rc = RC_OK;
    bool lost;

    PQsetNoticeReceiver(conn, on_notice, notices);
    result = PQexec(conn, script);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

        rc = sqlstate_rc(PQresultErrorField(result, PG_DIAG_SQLSTATE), &lost);
        log_error("database: %s", message ? message : PQerrorMessage(conn));
    }
    PQclear(result);
    return rc;
}

static enum rc run(const struct store_options *options, const char *script) {
    struct store_options patient = *options;
    struct connection c;
    enum rc rc = RC_RETRY;

    patient.statement_timeout = 0;
    patient.lock_timeout = LOCK_TIMEOUT;
    patient.whole_tables = true;
    connect_init(&c, &patient, NULL);
    if (!connect_open(&c)) {
        log_error("database: can't connect: %s", c.link.error);
        rc = RC_BROKEN;
    }
    for (int i = 0; i < ATTEMPTS && rc == RC_RETRY; i++) {
        int notices = 0;

        set_keep_history(c.link.conn, options);
        name_keys(c.link.conn);
        rc = run_script(c.link.conn, script, &notices);
        if (rc == RC_OK && notices == 0)
            printf("nothing to do\n");
        else if (rc != RC_OK && notices > 0)
            printf("nothing of this was done: the database refused it\n");
    }
    connect_release(&c);
    return rc;
}

enum rc store_init_db(const struct store_options *options) {
    return run(options, schema_sql);
}

enum rc store_drop_extensions(const struct store_options *options) {
    return run(options, drop_sql);
}
