/* prefetch.h: a read in two steps, for the files of store/: made by store_ask_..., run and turned
 * into structs by store_take_... */
#ifndef MUSTER_STORE_PREFETCH_H
#define MUSTER_STORE_PREFETCH_H

#include "store/exec.h"

struct store_read {
    struct arena *arena;
    const struct stmt_row *row;
    const struct pg_arg *args;
    size_t arg_count;
    int32_t as_of; /* a settled version; 0: as it is */
    struct past_check check;
    bool done; /* by store_prefetch: rc and result are there */
    enum rc rc;
    PGresult *result; /* of whoever takes it */
};

/* In the arena, with a copy of the arguments (but not of their texts and items). */
struct store_read *prefetch_read(struct arena *arena, const struct stmt_row *row,
                                 const struct pg_arg *args, size_t count);

/* As pg_exec: the result that was fetched, else the statement is run now. */
enum rc prefetch_take(struct store *store, struct store_read *read, PGresult **result);

/* The same with at least one row, which the read's arena keeps; RC_NOTFOUND: there is none. */
enum rc prefetch_take_rows(struct store *store, struct store_read *read, PGresult **result);

#endif
