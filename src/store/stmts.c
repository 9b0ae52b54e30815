/* stmts.c: the text of every SQL statement. Values come in as parameters only. */
#include "store/stmts.h"

const struct stmt_row stmt_rows[STMT_COUNT] = {
    [STMT_BEGIN_SNAPSHOT] = {"begin_snapshot", "", 0,
                             "begin isolation level repeatable read read only"},
    [STMT_BEGIN_WRITE] = {"begin_write", "", 0, "begin isolation level read committed read write"},
    [STMT_COMMIT] = {"commit", "", 0, "commit"},
    [STMT_ROLLBACK] = {"rollback", "", 0, "rollback"},

    /* The version comes from the insert itself: max(version) may be somebody else's. */
    [STMT_VERSION_INSERT] = {"version_insert", "tt", 0,
                             "insert into clustoversioning (\"timestamp\", \"user\", description)"
                             " values (localtimestamp, left($1, 64), $2) returning version"},

    [STMT_PING] = {"ping", "", 0, "select 1"},

    [STMT_HAS_OURS] = {"has_ours", "", STMT_ONCE,
                       "select to_regclass('muster_schema') is not null"},
    [STMT_SCHEMA_VERSION] = {"schema_version", "", STMT_ONCE | STMT_NEEDS_OURS,
                             "select max(version) from muster_schema"},
};
