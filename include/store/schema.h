/* schema.h: making the tables, and looking whether what is in them is sound. */
#ifndef MUSTER_STORE_SCHEMA_H
#define MUSTER_STORE_SCHEMA_H

#include <stdint.h>

#include "base/rc.h"
#include "store/store.h"

/* What muster_schema must say before statements that need our additions are prepared. To be raised
 * with every change of etc/schema.sql that such a statement needs. */
#define STORE_SCHEMA_VERSION 4

/* muster --init-db: makes the tables of clusto where they are missing and adds what is ours
 * (contract/storage.md). Safe to run again, on a database made by Python clusto, and by several at
 * once. One line to stdout for each thing it did, or that nothing was to do. RC_OK; else what went
 * wrong is logged, and nothing was changed. */
enum rc store_init_db(const struct store_options *options);

/* muster --drop-extensions: takes all that --init-db added to the tables of clusto away again, with
 * the tables of our own and what is in them. Told and returned as by store_init_db. */
enum rc store_drop_extensions(const struct store_options *options);

/* One line for each thing that --init-db would make, or make again, and for what it would not but
 * is missing of clusto's own tables: what its script makes in a schema of its own, which is rolled
 * back, is compared with what is there. `complete`: what --init-db has added is all there, or
 * reported by other checks where it is triggers that tell of changes or wait for other writers.
 * Where it can't be done (a standby, no right to create a schema) that is logged, and RC_OK. */
typedef void (*schema_line)(void *context, const char *text);
enum rc schema_compare(const struct store_options *options, bool complete, schema_line line,
                       void *context);

/* muster --check-db: one line to stdout for each break of the rules found (duplicate names,
 * orphans, cycles, containment, the lists of taken addresses) and of what --init-db would make;
 * changes nothing. *count: how
 * many. */
enum rc store_check_db(const struct store_options *options, int64_t *count);

#endif
