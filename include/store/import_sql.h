/* import_sql.h: the statements of an import (store/import.c), which work on its temporary tables:
 * they are made, filled, checked and applied within one transaction. */
#ifndef MUSTER_STORE_IMPORT_SQL_H
#define MUSTER_STORE_IMPORT_SQL_H

#include "store/stmts.h"

enum import_stmt {
    /* begin */
    IMPORT_LOCK, /* is this the only import? */
    IMPORT_SETTINGS,
    IMPORT_TABLES,
    IMPORT_RULES,
    IMPORT_KEYS,
    /* load */
    IMPORT_COPY_OBJECTS,
    IMPORT_COPY_ATTRS,
    IMPORT_COPY_MEMBERSHIPS,
    /* resolve */
    IMPORT_ANALYZE,
    IMPORT_REF_LOCKED,
    IMPORT_REF_LEFT,
    IMPORT_REF_TARGETS,
    IMPORT_REF_FRESH,
    IMPORT_REF_INDEX,
    IMPORT_COUNTS,
    IMPORT_LOCK_NAMES,
    /* what existing objects keep and lose */
    IMPORT_ONLY_NEW,
    IMPORT_KEEP,
    IMPORT_END,
    /* memberships */
    IMPORT_WAS,
    IMPORT_NEW,
    IMPORT_GONE,
    IMPORT_IN_ALREADY,
    IMPORT_INNER,
    IMPORT_ANALYZE_MORE,
    /* resources */
    IMPORT_GIVEN,
    IMPORT_CLAIM,
    IMPORT_CLAIM_ALL,
    /* checks, which add errors */
    IMPORT_CHECK_TWICE,
    IMPORT_CHECK_EXISTS,
    IMPORT_CHECK_DRIVER,
    IMPORT_CHECK_CONTAINERS,
    IMPORT_CHECK_TARGETS,
    IMPORT_CHECK_RANGE,
    IMPORT_CHECK_SELF,
    IMPORT_CHECK_OTHERS,
    IMPORT_CHECK_BOTH,
    IMPORT_CHECK_UNITS,
    IMPORT_CHECK_RANGE_OF_RACK,
    IMPORT_CHECK_ADJACENT,
    IMPORT_CHECK_OCCUPIED,
    IMPORT_CHECK_UNIT_TWICE,
    IMPORT_CHECK_CIRCLES,
    IMPORT_CHECK_GIVEN_TWICE,
    IMPORT_CHECK_HELD,
    IMPORT_ERRORS,
    /* apply */
    IMPORT_BY_INDEX,
    IMPORT_INSERT_OBJECTS,
    IMPORT_END_ATTRS,
    IMPORT_ERASE_ATTRS,
    IMPORT_INSERT_ATTRS,
    IMPORT_INSERT_MEMBERS,
    IMPORT_CHANGED,
    IMPORT_BUMP_NUMBERS,
    IMPORT_MAKE_NUMBERS,

    IMPORT_STMT_COUNT
};

extern const struct stmt_row import_rows[IMPORT_STMT_COUNT];

#endif
