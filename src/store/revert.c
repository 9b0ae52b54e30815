/* revert.c: undoing what a version did, or bringing an object back to a version. */
#include "store/revert.h"

#include <stdlib.h>

#include "store/exec.h"
#include "store/objects.h"
#include "store/write.h"

bool revert_is_possible(const struct store *store) {
    return pg_versioning(store);
}

/* --- locks */

/* It may have been deleted since its name was looked up. */
static enum rc find_locked(PGresult *result, int32_t object, int32_t *made) {
    enum rc rc = RC_NOTFOUND;

    for (size_t row = 0; row < pg_rows(result); row++) {
        if (pg_get_int32(result, row, 0) != object)
            continue;
        *made = pg_get_int32(result, row, 1);
        rc = RC_OK;
    }
    PQclear(result);
    return rc;
}

enum rc revert_lock(struct store *store, const struct revert *what, int32_t *made) {
    PGresult *result;
    enum rc rc;

    *made = 0;
    if (what->object == 0) {
        pg_queue(store, STMT(REVERT_LOCK_NAMES), PG_ARGS(pg_int(what->version)));
        return pg_exec(store, NULL, STMT(REVERT_LOCK), PG_ARGS(pg_int(what->version)));
    }
    rc = pg_exec(store, &result, STMT(REVERT_LOCK_OF_OBJECT),
                 PG_ARGS(pg_int(what->object), pg_int(what->version)));
    return rc == RC_OK ? find_locked(result, what->object, made) : rc;
}

/* --- what is to be done */

/* The first column of these statements. */
enum {
    ROW_ENDS = 1,
    ROW_COMES_BACK,
    ROW_COMES_BACK_INSIDE,
    ROW_WAS_CREATED,
    ROW_WAS_DELETED,
    ROW_WAS_RENAMED
};

static void add_row(struct revert_rows *rows, int32_t what, int32_t id) {
    switch (what) {
    case ROW_ENDS: rows->ends[rows->end_count++] = id; break;
    case ROW_COMES_BACK_INSIDE:
        rows->fills = true;
        rows->adds[rows->add_count++] = id;
        break;
    case ROW_COMES_BACK: rows->adds[rows->add_count++] = id; break;
    case ROW_WAS_CREATED: rows->created++; break;
    case ROW_WAS_DELETED: rows->deleted++; break;
    case ROW_WAS_RENAMED: rows->renamed++; break;
    default: break;
    }
}

static struct pg_arg ids(const int32_t *items, size_t count) {
    return pg_ints(items, NULL, count);
}

/* Objects are locked before the tree, as when something is inserted. */
static void claim(struct store *store, const struct revert_rows *rows) {
    if (rows->fills)
        pg_queue(store, STMT(LOCK_TREE), PG_NONE);
    if (rows->add_count > 0)
        pg_queue(store, STMT(REVERT_CLAIM), PG_ARGS(ids(rows->adds, rows->add_count)));
}

enum rc revert_read_rows(struct store *store, struct arena *arena, const struct revert *what,
                         struct revert_rows *out) {
    const struct pg_arg args[] = {pg_int(what->object), pg_int(what->version)};
    PGresult *result;
    enum rc rc = what->object != 0 ? pg_exec(store, &result, STMT(REVERT_ROWS_OF_OBJECT), args, 2)
                                   : pg_exec(store, &result, STMT(REVERT_ROWS), &args[1], 1);

    *out = (struct revert_rows){.end_count = 0};
    if (rc != RC_OK)
        return rc;
    out->ends = arena_array(arena, pg_rows(result) + 1, sizeof *out->ends);
    out->adds = arena_array(arena, pg_rows(result) + 1, sizeof *out->adds);
    for (size_t row = 0; row < pg_rows(result); row++)
        add_row(out, pg_get_int32(result, row, 0), pg_get_int32(result, row, 1));
    PQclear(result);
    claim(store, out);
    return RC_OK;
}

/* --- conflicts */

enum {
    CONFLICT_RULE,
    CONFLICT_WHAT,
    CONFLICT_OBJECT,
    CONFLICT_KEY,
    CONFLICT_SUBKEY,
    CONFLICT_NUMBER,
    CONFLICT_VERSION
};

static struct revert_conflict read_conflict(const PGresult *result, size_t row) {
    return (struct revert_conflict){.rule = pg_get_int32(result, row, CONFLICT_RULE),
                                    .what = pg_get_text(result, row, CONFLICT_WHAT),
                                    .object = pg_get_text(result, row, CONFLICT_OBJECT),
                                    .key = pg_get_text(result, row, CONFLICT_KEY),
                                    .subkey = pg_get_text(result, row, CONFLICT_SUBKEY),
                                    .has_number = !pg_is_null(result, row, CONFLICT_NUMBER),
                                    .number = pg_get_int32(result, row, CONFLICT_NUMBER),
                                    .version = pg_get_int32(result, row, CONFLICT_VERSION)};
}

static int by_rule(const void *a, const void *b) {
    const struct revert_conflict *x = a, *y = b;

    if (x->rule != y->rule)
        return x->rule < y->rule ? -1 : 1;
    return (x->version > y->version) - (x->version < y->version);
}

/* Adds those of one statement. */
static enum rc add_conflicts(struct store *store, struct arena *arena, struct revert_conflict *out,
                             size_t *count) {
    PGresult *result;
    enum rc rc = pg_next(store, &result);

    if (rc != RC_OK)
        return rc;
    pg_keep(arena, result);
    for (size_t row = 0; row < pg_rows(result) && *count < REVERT_CONFLICTS; row++)
        out[(*count)++] = read_conflict(result, row);
    return RC_OK;
}

enum rc revert_find_conflicts(struct store *store, struct arena *arena, const struct revert *what,
                              const struct revert_rows *rows, struct revert_conflict **out,
                              size_t *count) {
    bool of_version = what->object == 0;
    enum rc rc = RC_OK;

    *out = arena_array(arena, REVERT_CONFLICTS, sizeof **out);
    *count = 0;
    if (of_version)
        pg_send(store, STMT(REVERT_CONFLICTS), PG_ARGS(pg_int(what->version)));
    pg_send(store, STMT(REVERT_TAKEN),
            PG_ARGS(ids(rows->ends, rows->end_count), ids(rows->adds, rows->add_count),
                    pg_int(what->version)));
    if (of_version)
        rc = add_conflicts(store, arena, *out, count);
    if (rc == RC_OK)
        rc = add_conflicts(store, arena, *out, count);
    qsort(*out, *count, sizeof **out, by_rule);
    return rc;
}

/* --- doing it */

void revert_apply(struct store *store, const struct revert *what, const struct revert_rows *rows) {
    const struct pg_arg version = pg_int(what->version);
    bool of_version = what->object == 0;

    store_delete_attrs(store, rows->ends, rows->end_count);
    if (rows->created > 0) /* before others take their names */
        pg_queue(store, STMT(REVERT_END), &version, 1);
    if (rows->renamed > 1)
        pg_queue(store, STMT(REVERT_FREE_NAMES), &version, 1);
    if (rows->renamed > 0)
        pg_queue(store, STMT(REVERT_NAME), &version, 1);
    if (rows->deleted > 0)
        pg_queue(store, STMT(REVERT_CREATE), &version, 1);
    if (rows->add_count > 0)
        pg_queue(store, STMT(REVERT_ADD),
                 PG_ARGS(of_version ? version : pg_null(), ids(rows->adds, rows->add_count)));
    if (rows->deleted > 0)
        pg_queue(store, STMT(REVERT_COUNT), PG_NONE);
}

enum rc revert_find_violation(struct store *store, struct arena *arena, const char **out) {
    struct pg_arg args[2];
    PGresult *result;
    enum rc rc;

    *out = NULL;
    if (store->version == 0) /* nothing was done */
        return RC_OK;
    objects_rules(arena, args);
    rc = pg_exec(store, &result, STMT(REVERT_VIOLATIONS), args, 2);
    if (rc != RC_OK)
        return rc;
    pg_keep(arena, result);
    if (pg_rows(result) > 0)
        *out = pg_get_text(result, 0, 0);
    return RC_OK;
}
