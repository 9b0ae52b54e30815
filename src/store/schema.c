/* schema.c: makes and completes the tables (etc/schema.sql). */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "store/schema.h"
#include "store/session.h"

/* etc/schema.sql as a C string, made by the makefile */
static const char schema_sql[] =
#include "schema_sql.h"
    ;

/* Runs that met each other's locks, or a writer's, are run again. */
#define ATTEMPTS     3
#define LOCK_TIMEOUT 60000

/* The schema tells what it does by notices of class MU; all others are of no interest. */
static void on_notice(void *context, const PGresult *notice) {
    const char *state = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
    int *told = context;

    if (!state || strncmp(state, "MU", 2) != 0)
        return;
    printf("%s\n", PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY));
    (*told)++;
}

static enum rc run_schema(struct store *store, int *told) {
    PGresult *result;
    enum rc rc = RC_OK;
    bool lost;

    PQsetNoticeReceiver(store->conn, on_notice, told);
    result = PQexec(store->conn, schema_sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

        rc = session_state_rc(PQresultErrorField(result, PG_DIAG_SQLSTATE), &lost);
        log_error("database: %s", message ? message : PQerrorMessage(store->conn));
    }
    PQclear(result);
    return rc;
}

enum rc store_init_db(const struct store_options *options) {
    struct store_options patient = *options;
    struct store *store;
    enum rc rc = RC_BROKEN;

    patient.statement_timeout = 0;
    patient.lock_timeout = LOCK_TIMEOUT;
    store = store_new(&patient);
    store->whole_tables = true;
    if (!session_open(store))
        log_error("database: can't connect: %s", store->error);
    else
        for (int i = 0; i < ATTEMPTS; i++) {
            int told = 0;

            rc = run_schema(store, &told);
            if (rc == RC_OK && told == 0)
                printf("nothing to do\n");
            else if (rc != RC_OK && told > 0)
                printf("nothing of this was done: the database refused it\n");
            if (rc != RC_RETRY)
                break;
        }
    store_free(&store);
    return rc;
}
