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

/* muster --check-db: one line to stdout for each break of the rules found (duplicate names,
 * orphans, cycles, containment, the lists of taken addresses); changes nothing. *count: how
 * many. */
enum rc store_check_db(const struct store_options *options, int64_t *count);

#endif
