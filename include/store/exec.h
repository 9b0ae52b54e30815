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

struct store {
    struct connection db;
    enum transaction transaction;
    enum transaction_kind kind;
    const char *request;            /* the id of the request that this is for, or NULL */
    struct arena *texts;            /* of the version, until it is sent */
    const char *user, *description; /* of the version */
    int32_t as_of;                  /* a snapshot is read as of this version; CURRENT: as it is */
    bool renamed;    /* since then an object was given another name, driver or type */
    int32_t version; /* of the write transaction; 0: none; VERSION_TAKEN: not known yet */
    bool user_set;   /* this transaction has said for which user it is; there is only one */
};

#endif
