/* past.h: the statements that read, once more as of a version. */
#ifndef MUSTER_STORE_PAST_H
#define MUSTER_STORE_PAST_H

#include "store/stmts.h"

/* The statement of the same enum stmt that gives the same rows as they were when all versions up to
 * its last parameter, an integer, had been written; before that it has the same parameters. Without
 * a text where there is none. */
extern const struct stmt_row past_rows[STMT_COUNT];

/* The same for a version since which no object was given another name, driver or type: what objects
 * were called costs as much as all the rest. */
extern const struct stmt_row past_same_rows[STMT_COUNT];

#endif
