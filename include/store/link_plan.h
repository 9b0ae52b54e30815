/* link_plan.h: what a session has prepared by and by: of the statements that are made while the
 * program runs those that were used last, and those of the tables that few sessions need.
 * PostgreSQL plans each text once, however often it is sent. */
#ifndef MUSTER_STORE_LINK_PLAN_H
#define MUSTER_STORE_LINK_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "store/stmts.h"

/* As many are kept in a session: the plan of one may take half a megabyte there. */
#define LINK_PLANS 16

struct link_plan {
    char *text;    /* NULL: free */
    char *letters; /* of its parameters */
    char name[24];
    bool prepared; /* the server has said so */
    uint64_t used; /* when, in statements */
};

/* More than there are rows with STMT_LATE. */
#define LINK_LATE 96

struct link_late {
    const struct stmt_row *row; /* NULL: free, as are those after it */
    bool prepared;              /* the server has said so */
};

struct link_plans {
    struct link_late late[LINK_LATE];
    struct link_plan items[LINK_PLANS];
    uint64_t used, named; /* counters */
};

/* The prepared statement; NULL: there is none. `idle`: nothing is in flight, so one that is not
 * prepared by now was refused. */
struct link_plan *link_plan_find(struct link_plans *plans, const char *text, const char *letters,
                                 bool idle);

/* A new one, to be prepared under its name; its letters and text are copied. The one that it takes
 * the place of, if any, is to be deallocated: its name goes to `old`, which is "" else. */
struct link_plan *link_plan_add(struct link_plans *plans, const char *text, const char *letters,
                                char old[24]);

/* The place of a row with STMT_LATE; *missing: it is to be prepared now. `idle`: as above. */
struct link_late *link_plan_late(struct link_plans *plans, const struct stmt_row *row, bool idle,
                                 bool *missing);

/* The session is gone. */
void link_plan_clear(struct link_plans *plans);

#endif
