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
    STMT_STATUS,
    STMT_SET_NAME,
    STMT_SET_SESSION,
    STMT_SESSION_IS_OWNED,
    /* connection */
    STMT_IDENTIFY,
    STMT_HAS_EXTENSIONS,
    STMT_SCHEMA_VERSION,
    /* preferences (store/prefs.c) */
    STMT_PREFS_LIST,
    STMT_PREFS_SEARCH,
    STMT_PREFS_GET,
    STMT_PREFS_GET_PATH,
    STMT_PREFS_PUT,
    STMT_PREFS_MERGE,
    STMT_PREFS_MERGE_IF,
    STMT_PREFS_SET,
    STMT_PREFS_SET_IF,
    STMT_PREFS_REMOVE,
    STMT_PREFS_CREATE,
    STMT_PREFS_UPDATE,
    STMT_PREFS_DELETE,
    STMT_PREFS_DELETE_ALL,
    STMT_PREFS_LOCK,
    STMT_PREFS_LOCK_USER,
    STMT_PREFS_USAGE,
    STMT_SET_USER,
    /* tokens (store/tokens.c) */
    STMT_TOKEN_FIND,
    STMT_TOKEN_USED,
    STMT_TOKEN_ADD,
    STMT_TOKEN_LIST,
    STMT_TOKEN_REVOKE,

    /* reads (store/read.c, list.c, export.c) */
    STMT_REF_BY_NAME,
    STMT_REFS_BY_NAMES,
    STMT_OBJECT_BY_NAME,
    STMT_OBJECT_ALONE,
    STMT_OBJECT_CROWDED,
    STMT_OBJECTS_BY_NAMES,
    STMT_OBJECTS_BY_IDS,
    STMT_OBJECT_VERSIONS,
    STMT_ATTRS_BY_NAME,
    STMT_ATTRS_AND_MEMBERS,
    STMT_ATTRS_BY_NAME_KEY,
    STMT_ATTRS_INHERITED,
    STMT_LIST_ALL,
    STMT_LIST_DRIVER,
    STMT_LIST_TYPE,
    STMT_LIST_DRIVERS,
    STMT_LIST_TYPES,
    STMT_LIST_NAMES,
    STMT_LIST_BY_KEY,
    STMT_LIST_BY_VALUE,
    STMT_LIST_FROM_POOLS,
    STMT_LIST_FROM_MANY,
    STMT_LIST_CONTAINERS,
    STMT_REFERENCES,
    STMT_EXPORT_HEAD,
    STMT_EXPORT_PLACES,
    STMT_EXPORT_ORDER,
    STMT_EXPORT_ATTRS,
    STMT_EXPORT_ATTRS_BETWEEN,
    STMT_PAGE_BY_KEY,
    STMT_PAGE_BY_VALUE,
    STMT_PAGE_FROM_POOLS,
    STMT_COUNT_OBJECTS,
    STMT_EXPORT_PLANNER,

    /* writes (store/entity.c, attr.c, tree.c, alloc.c) */
    STMT_LOCK_REFER,
    STMT_LOCK_CHANGE,
    STMT_LOCK_DELETE,
    STMT_LOCK_NAMES,
    STMT_LOCK_AHEAD,
    STMT_CREATE,
    STMT_LOCK_OWNERS,
    STMT_DELETE_REFERENCES,
    STMT_ERASE_REFERENCES,
    STMT_DELETE_COUNTERS,
    STMT_DELETE_ENTITY,
    STMT_CONVERT_ENTITY,
    STMT_ERASE_ENTITY,
    STMT_INT_IS_WIDE,
    STMT_ADD_ATTRS,
    STMT_NEXT_NUMBERS,
    STMT_REPLACE_ATTRS,
    STMT_GIVE,
    STMT_DELETE_ATTRS,
    STMT_ERASE_ATTRS,
    STMT_MEMBERSHIPS,
    STMT_CONTAINED,
    STMT_HAS_CONTENTS,
    STMT_LOCK_TREE,
    STMT_FIND_ANCESTOR,
    STMT_INSERT_MEMBERS,
    STMT_INSERT_RACKED,
    STMT_MEMBERS,
    STMT_PLAIN_ATTRS,
    STMT_RESERVE_NUMBER,
    STMT_RESERVE_BESIDE,
    STMT_TAKE_IP,
    STMT_FREE_RANGES,
    STMT_SEARCH,
    STMT_SEARCH_PLAIN,
    STMT_HOLDER_OF_INT,
    STMT_HOLDER_OF_TEXT,
    STMT_CLAIM,
    STMT_TRY_CLAIM,
    STMT_CLAIM_NUMBER,
    STMT_NUMBER_TAKEN,
    STMT_OTHER_KEY,
    STMT_NEXT_ENTITY_NAME,
    STMT_NEXT_ATTR_NAME,
    STMT_NEXT_NUMBER,
    STMT_COUNTER,
    STMT_SET_COUNTER,
    STMT_MOVE_LAST,
    STMT_SET_LAST,
    STMT_GIVEN,

    /* responses that are given again (store/idempotency.c) */
    STMT_IDEMPOTENCY_CLAIM,
    STMT_IDEMPOTENCY_FIND,
    STMT_IDEMPOTENCY_KEEP,
    STMT_IDEMPOTENCY_PRUNE,

    /* points in time (store/versions.c) */
    STMT_FIND_VERSION,
    STMT_CHECK_VERSIONS,
    STMT_SNAPSHOT,
    STMT_VERSION_EXISTS,
    STMT_VERSION_PASSED,
    STMT_VERSIONS_DONE,
    /* and those that go (store/prune.c) */
    STMT_RAISE_FLOOR,
    STMT_PRUNES,
    STMT_PRUNE_ATTRS,
    STMT_PRUNE_ENTITIES,
    STMT_PRUNE_NAMES,
    STMT_PRUNE_VERSIONS,

    /* what versions changed (store/history.c) */
    STMT_HISTORY_CHANGES,
    STMT_HISTORY_CHANGES_OF_OBJECTS,
    STMT_HISTORY_PAGE,
    STMT_HISTORY_VERSIONS,
    STMT_HISTORY_VERSIONS_OF_USER,
    STMT_HISTORY_VERSIONS_OF_OBJECTS,
    STMT_HISTORY_IDS,
    STMT_HISTORY_FLOOR,

    /* reverting (store/revert.c) */
    STMT_REVERT_LOCK_NAMES,
    STMT_REVERT_LOCK,
    STMT_REVERT_LOCK_OF_OBJECT,
    STMT_REVERT_ROWS,
    STMT_REVERT_ROWS_OF_OBJECT,
    STMT_REVERT_CLAIM,
    STMT_REVERT_CONFLICTS,
    STMT_REVERT_TAKEN,
    STMT_REVERT_END,
    STMT_REVERT_FREE_NAMES,
    STMT_REVERT_NAME,
    STMT_REVERT_CREATE,
    STMT_REVERT_ADD,
    STMT_REVERT_COUNT,
    STMT_REVERT_VIOLATIONS,

    /* what was changed (store/changes.c) */
    STMT_UNCHANGED,
    STMT_UNCHANGED_SINCE,
    STMT_REPLAYED,
    STMT_UNREPLAYED,
    STMT_CHANGES,

    /* the same for those who follow them (store/feed.c and others) */
    STMT_FEED_MAKE,
    STMT_FEED_LATEST,
    STMT_FEED_SPAN,
    STMT_FEED_EVENTS,
    STMT_FEED_EVENTS_ALONE,
    STMT_FEED_CONTAINERS,
    STMT_FEED_POOLS,
    STMT_FEED_PREFERENCES,
    STMT_FEED_USERS,
    STMT_FEED_PRUNE_POINTS,
    STMT_FEED_PRUNE_CHANGES,
    STMT_FEED_ADOPT,

    /* reads from standbys (store/position.c) */
    STMT_POSITION,
    STMT_POSITION_TIMELINE,
    STMT_POSITION_LINEAGE,
    STMT_POSITION_REACHED,

    /* the report of --check-db, in its order (store/check.c) */
    STMT_CHECK_ENCODING,
    STMT_CHECK_NAMES,
    STMT_CHECK_DOTS,
    STMT_CHECK_COUNTERS,
    STMT_CHECK_OWNERS,
    STMT_CHECK_RELATIONS,
    STMT_CHECK_DATATYPES,
    STMT_CHECK_CIRCLES,
    STMT_CHECK_UNIQUE_POOLS,
    STMT_CHECK_EXCLUSIVE_POOLS,
    STMT_CHECK_LOCATIONS,
    STMT_CHECK_RACKS,
    STMT_CHECK_UNITS,
    STMT_CHECK_PORTS,
    STMT_CHECK_OTHERS,
    STMT_CHECK_ADDRESSES,
    STMT_CHECK_LAST,
    STMT_CHECK_KEYS,
    STMT_CHECK_BESIDE,
    STMT_CHECK_WATCH,
    STMT_CHECK_COUNTS,
    STMT_CHECK_FLOOR,
    STMT_CHECK_TAKEN,
    STMT_CHECK_HOME,
    STMT_CHECK_SCHEMA,

    STMT_COUNT
};

enum stmt_flags {
    STMT_NEEDS_INIT_DB = 1, /* uses what --init-db adds to the shared schema: left out without it */
    STMT_ONCE = 2,          /* run seldom: never prepared */
    STMT_OF_USER = 4,       /* $1 is the user who owns the rows: the session is told first */
    STMT_NAMES_ITSELF = 8,  /* a write that says itself for which request it is */
    STMT_TAKES_VERSION = 16, /* makes or ends rows, with the number of the transaction's version */
    STMT_COMMITS = 32,
    STMT_COMPILED = 64,  /* of no table: made for one request (store/query_sql.h), and prepared
                            by its text (store/link_plan.h) */
    STMT_TIMELESS = 128, /* reads nothing that has a past: the same as of any version */
    STMT_LATE = 256      /* of a table, but prepared when a session first uses it: not of that in
                            stmts.c, all of whose rows are prepared on connecting */
};

/* `params`: one letter per parameter, see pg.h. The name is the prepared statement's. */
struct stmt_row {
    const char *name;
    const char *params;
    unsigned flags;
    const char *text;
};

extern const struct stmt_row stmts_rows[STMT_COUNT];

/* STMT(STATUS) is the row of STMT_STATUS. */
#define STMT(name) (&stmts_rows[STMT_##name])

#endif
