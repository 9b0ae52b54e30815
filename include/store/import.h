/* import.h: many objects at once: their rows go into temporary tables, are checked there, and
 * applied by a few statements (contract/transactions.md, Bulk). All of it belongs to the open write
 * transaction (store_begin_write), which is rolled back if anything is wrong. Memory is flat,
 * however many. */
#ifndef MUSTER_STORE_IMPORT_H
#define MUSTER_STORE_IMPORT_H

#include "store/store.h"

/* Lines are numbered from 1. `driver` NULL: it must be there. */
struct import_object {
    int32_t line;
    const char *name, *driver;
    const char *type; /* of a new one */
    bool all_attrs;   /* other attributes than those that follow are deleted */
    bool all_in;      /* and other memberships */
};

/* Those of one line come in order. What is `gone` has no value: all with this key, subkey and
 * number are deleted. `only_new`: for an object that is created. */
struct import_attr {
    int32_t line, ord;
    const struct attr *attr; /* a relation by related_driver and related_name */
    bool is_null, gone, only_new;
};

struct import_membership {
    int32_t line, ord;
    const char *container;
    const char *subkey; /* NULL: none */
    bool has_number;    /* else the container's next one */
    int32_t number;
};

struct import_error {
    int32_t line;
    const char *text;
};

enum { IMPORT_MAX_ERRORS = 100 };

struct import_result {
    int64_t created, changed, memberships; /* existing objects that were changed, new memberships */
    struct import_error errors[IMPORT_MAX_ERRORS]; /* the first ones, by line; texts in the arena */
    size_t error_count;
    int64_t all_errors;
};

struct store_import;

/* Makes the tables; NULL with *rc: RC_EXISTS if another import is under way, or as any write.
 * Statements are no longer limited in time until store_import_end. Never fails to free what was
 * begun. */
struct store_import *store_import_begin(struct store *store, enum rc *rc);
void store_import_end(struct store_import **import);

/* Called every quarter of a second while the database is at work; NULL: nothing is. */
void store_import_set_tick(struct store_import *import, void (*tick)(void *context), void *context);

/* Add rows; what fails is told by store_import_rc. */
void store_import_add_object(struct store_import *import, const struct import_object *object);
void store_import_add_attr(struct store_import *import, const struct import_attr *attr);
void store_import_add_membership(struct store_import *import,
                                 const struct import_membership *membership);
/* What has failed so far. */
enum rc store_import_rc(const struct store_import *import);

/* Checks and applies all of it. `only_new`: objects that are there are errors. RC_OK with
 * result->error_count > 0: nothing was applied. RC_RETRY: another made one of the objects
 * meanwhile. */
enum rc store_import_apply(struct store_import *import, struct arena *arena, bool only_new,
                           struct import_result *result);

#endif
