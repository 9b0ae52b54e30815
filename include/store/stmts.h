/* stmts.h: every SQL statement of the program, keyed by name; the texts are in store/stmts.c. */
#ifndef MUSTER_STORE_STMTS_H
#define MUSTER_STORE_STMTS_H

enum stmt {
    /* transactions */
    STMT_BEGIN_SNAPSHOT,
    STMT_BEGIN_WRITE,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_VERSION_INSERT,
    STMT_PING,
    /* connection */
    STMT_HAS_OURS,
    STMT_SCHEMA_VERSION,

    STMT_COUNT
};

enum stmt_flags {
    STMT_NEEDS_OURS = 1, /* uses what --init-db adds to the shared schema: left out without it */
    STMT_ONCE = 2        /* run seldom: never prepared */
};

/* `params`: one letter per parameter, see pg.h. The name is the prepared statement's. */
struct stmt_row {
    const char *name;
    const char *params;
    unsigned flags;
    const char *text;
};

extern const struct stmt_row stmt_rows[STMT_COUNT];

#endif
