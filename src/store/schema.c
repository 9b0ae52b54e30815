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

/* The schema tells what it does by notices of class MU, MU002: what it can't do; all others are of
 * no interest. */
static void on_notice(void *context, const PGresult *notice) {
    const char *state = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
    int *notices = context;

    if (!state || strncmp(state, "MU", 2) != 0)
        return;
    printf("%s\n", PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY));
    if (strcmp(state, "MU002") != 0)
        (*notices)++;
}

/* The keys under which the drivers give resources. */
static const char *resource_keys(struct arena *arena) {
    const char *keys = "";

    for (size_t i = 0; i < driver_count(); i++)
        if (driver_at(i)->resource_key)
            keys =
                arena_printf(arena, "%s%s%s", keys, *keys ? "," : "", driver_at(i)->resource_key);
    return keys;
}

/* What the schema reads of the configuration. */
static void set_options(PGconn *conn, const struct store_options *options) {
    struct arena *arena = arena_new();
    const char *values[] = {options->versioning && options->keep_history ? "on" : "off",
                            resource_keys(arena), options->history_time_zone,
                            options->search_index ? "on" : "off"};

    PQclear(PQexecParams(conn,
                         "select set_config('muster.keep_history', $1, false),"
                         " set_config('muster.resource_keys', $2, false),"
                         " set_config('muster.history_time_zone', $3, false),"
                         " set_config('muster.search_index', $4, false)",
                         4, NULL, values, NULL, NULL, 0));
    arena_free(&arena);
}

/* The first error of a result, or NULL. */
static const char *error_of(PGconn *conn, const PGresult *result) {
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return NULL;
    return message ? message : PQerrorMessage(conn);
}

static enum rc run_script(PGconn *conn, const char *script, int *notices) {
    PGresult *result;
    const char *error;
    enum rc rc = RC_OK;
    bool lost;

    PQsetNoticeReceiver(conn, on_notice, notices);
    result = PQexec(conn, script);
    error = error_of(conn, result);
    if (error) {
        rc = sqlstate_rc(PQresultErrorField(result, PG_DIAG_SQLSTATE), &lost);
        log_error("database: %s", error);
    }
    PQclear(result);
    return rc;
}

/* A connection that has all the time it needs. False: logged. */
static bool open_patiently(struct connection *c, const struct store_options *options,
                           struct store_options *patient) {
    *patient = *options;
    patient->statement_timeout = 0;
    patient->lock_timeout = LOCK_TIMEOUT;
    patient->whole_tables = true;
    connect_init(c, patient, NULL);
    if (!connect_open(c)) {
        log_error("database: can't connect: %s", c->link.error);
        return false;
    }
    set_options(c->link.conn, options);
    return true;
}

static enum rc run(const struct store_options *options, const char *script) {
    struct store_options patient;
    struct connection c;
    enum rc rc = open_patiently(&c, options, &patient) ? RC_RETRY : RC_BROKEN;

    if (rc == RC_RETRY)
        connect_warn_encoding(&c);
    for (int i = 0; i < ATTEMPTS && rc == RC_RETRY; i++) {
        int notices = 0;

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

/* --- what it would do --- */

static void ignore_notice(void *context, const PGresult *notice) {
    (void)context;
    (void)notice;
}

/* One step of the comparison; NULL: it failed, which is logged. */
static PGresult *step(PGconn *conn, const char *sql, const char *const *values, int count) {
    PGresult *result =
        count > 0 ? PQexecParams(conn, sql, count, NULL, values, NULL, NULL, 0) : PQexec(conn, sql);
    const char *error = error_of(conn, result);

    if (!error)
        return result;
    log_warning("database: what --init-db would make is not known: %s", error);
    PQclear(result);
    return NULL;
}

static bool did(PGresult *result) {
    PQclear(result);
    return result != NULL;
}

/* The first value of a statement's only row. */
static const char *value_of(PGconn *conn, struct arena *arena, const char *sql) {
    PGresult *result = step(conn, sql, NULL, 0);
    const char *value = result ? arena_strdup(arena, PQgetvalue(result, 0, 0)) : NULL;

    PQclear(result);
    return value;
}

/* Makes everything in a schema that nobody else ever sees, to be compared with what is there. */
static PGresult *compare(PGconn *conn, struct arena *arena, bool complete) {
    const char *name = arena_printf(arena, "muster_check_%d", PQbackendPID(conn));
    const char *values[3] = {[2] = complete ? "true" : "false"};

    if (!did(step(conn, "begin", NULL, 0)))
        return NULL;
    values[1] = value_of(conn, arena, STMT(CHECK_HOME)->text);
    if (!values[1] ||
        !did(step(conn,
                  arena_printf(arena, "create schema %s; set local search_path = %s", name, name),
                  NULL, 0)))
        return NULL;
    values[0] = value_of(conn, arena, arena_printf(arena, "select '%s'::regnamespace::oid", name));
    if (!values[0] || !did(step(conn, schema_sql, NULL, 0)))
        return NULL;
    return step(conn, STMT(CHECK_SCHEMA)->text, values, 3);
}

enum rc schema_compare(const struct store_options *options, bool complete, schema_line line,
                       void *context) {
    struct arena *arena = arena_new();
    struct store_options patient;
    struct connection c;
    bool ok = open_patiently(&c, options, &patient);

    if (ok) {
        PGresult *result;

        PQsetNoticeReceiver(c.link.conn, ignore_notice, NULL);
        result = compare(c.link.conn, arena, complete);
        for (int row = 0; row < PQntuples(result); row++)
            line(context, PQgetvalue(result, row, 0));
        PQclear(result);
        PQclear(PQexec(c.link.conn, "rollback"));
    }
    connect_release(&c);
    arena_free(&arena);
    return ok ? RC_OK : RC_BROKEN;
}

enum rc store_drop_extensions(const struct store_options *options) {
    return run(options, drop_sql);
}
