/* exec.h: what a store is made of, for the files that run statements and transactions. */
#ifndef MUSTER_STORE_EXEC_H
#define MUSTER_STORE_EXEC_H

#include "store/connect.h"
#include "store/pg.h"

enum transaction {
    TRANSACTION_NONE,
    TRANSACTION_DUE,       /* BEGIN leaves with the next statement */
    TRANSACTION_OPEN,      /* BEGIN was sent */
    TRANSACTION_COMMITTING /* COMMIT, or a write that commits itself, is in flight */
};

enum transaction_kind {
    TRANSACTION_SNAPSHOT,
    TRANSACTION_WRITE, /* of the inventory: may make a version */
    TRANSACTION_PLAIN  /* a write that is no part of the inventory */
};

#define VERSION_TAKEN (-1)
#define CURRENT       (-1)

struct version_found;

/* For reads outside a transaction, as of a version that is known to be settled: each is followed by
 * the question whether it could be read so, whose answer goes to *found. */
struct past_check {
    struct arena *arena;
    struct version_found *found;
    uint64_t instance; /* of the server that the version is settled on */
    bool renamed;      /* the statement knows other names */
};

/* What the check of a version said last, and the snapshot that it saw: as long as that is the
 * present one, nothing has been committed since, and the check would say the same. */
struct past_known {
    uint64_t connection; /* 0: nothing is known */
    int32_t version;
    bool renamed;
    int seen; /* checks in a row that saw this snapshot */
    char snapshot[128], time[32];
};

struct store {
    struct connection db;
    enum transaction transaction;
    enum transaction_kind kind;
    const char *request;            /* the id of the request that this is for, or NULL */
    struct arena *texts;            /* of the version, until it is sent */
    const char *user, *description; /* of the version */
    int32_t as_of;                  /* a snapshot is read as of this version; CURRENT: as it is */
    bool renamed;            /* since then an object was given another name, driver or type */
    struct past_check check; /* as of a version, outside a transaction */
    int32_t renamed_to;      /* up to this version it is known that one was */
    int64_t check_failed_at; /* clock_ms() */
    struct past_known known;
    int32_t version;          /* of the write transaction; 0: none; VERSION_TAKEN: not known yet */
    struct stmt_row compiled; /* the last one that was made for a request (store/query_sql.h) */
    int64_t lineage;          /* of the primary's timeline (position.h) */
    uint64_t lineage_of;      /* the connection that says so; 0: none */
    bool pinned;              /* no other connection than this one is used */
    bool user_set; /* this transaction has said for which user it is; there is only one */
};

/* Reads from now on are as of this version, outside a transaction; check->renamed is set. */
void exec_read_as_of(struct store *store, int32_t version, struct past_check *check);
void exec_read_current(struct store *store);

/* After statements of any of these versions, in their packet: can they be read so? */
void exec_send_check(struct store *store, const int32_t *versions, size_t count);

/* One row of the answer, or all of it where the check was spared. RC_RETRY: no; what was read says
 * nothing. */
enum rc exec_read_check(struct store *store, const struct past_check *check, PGresult *answer,
                        size_t row);

#endif
