/* session.h: what a store is made of, for the files that run the connection (store/pg*.c). */
#ifndef MUSTER_STORE_SESSION_H
#define MUSTER_STORE_SESSION_H

#include "store/pg.h"

enum transaction { TRANSACTION_NONE, TRANSACTION_SNAPSHOT, TRANSACTION_WRITE };

/* What was put into the pipeline and not yet read back, in order. */
enum sent_kind { SENT_STATEMENT, SENT_PREPARE, SENT_SYNC };

struct sent {
    enum sent_kind kind;
    enum stmt stmt;
    bool wanted; /* a pg_next will ask for it */
};

struct store {
    const struct store_options *options;
    PGconn *conn;
    bool whole_tables; /* for statements that read all there is: the planner is let alone */
    bool connecting;
    bool has_ours;
    bool look_again;      /* ours were missed: to be looked for on a new connection */
    int64_t connected;    /* monotonic milliseconds */
    int client;           /* -1: nobody to watch */
    uint64_t connections; /* how many there were */
    const char *request;  /* whose work this is; NULL: nobody's */

    struct arena *scratch; /* parameters on their way into libpq's buffer */

    struct sent *sent;
    size_t head, tail, capacity;
    bool packet_open; /* something was put in since the last sync */

    enum transaction transaction;
    bool begun;          /* BEGIN was put into the pipeline */
    bool commit_sent;    /* from here on a lost answer is an unknown outcome */
    bool lone_write;     /* a statement under way commits itself (pg_exec_write) */
    bool unversioned;    /* this write transaction has no row in clustoversioning */
    bool user_told;      /* this transaction said for which user it is; there is only one */
    bool commit_doubt;   /* the server said that it gave up waiting for a standby */
    struct arena *texts; /* user and description until BEGIN is sent */
    const char *user, *description;
    bool version_taken; /* STMT_VERSION_INSERT was put into the pipeline */
    int32_t version;    /* 0: none, or not known yet */

    enum rc rc;      /* why nothing more is sent; RC_OK: nothing wrong */
    bool rc_unheard; /* no pg_next has returned it yet */
    bool locked;     /* the last failure was that somebody held a lock for too long */
    bool cancelling, cancelled;
    int64_t last_heard; /* monotonic milliseconds */
    bool was_idle;      /* the packet under way is the first after a while: the connection may
                           have died unnoticed */
    int64_t down_until; /* don't try to connect before */
    char error[512];
};

/* pgconnect.c */
/* Only the connection, as libpq makes it, with the session's settings; false: store->error tells.
 */
bool session_open(struct store *store);
/* Connects and prepares; RC_OK, RC_BROKEN, RC_UNREADY for a schema that is missing or too old. */
enum rc session_connect(struct store *store);

/* pgpipe.c */
/* Adds to the end of what is under way. */
void session_note(struct store *store, struct sent sent);
/* True when nothing is under way. */
bool session_idle(const struct store *store);
/* True when a lost connection leaves open whether something was committed. */
bool session_commit_under_way(const struct store *store);
/* Remembers a failure in store->rc; the first one stays. */
void session_fail(struct store *store, enum rc rc);
/* Forgets a failure: the next statement begins anew. */
void session_forgive(struct store *store);
/* Forgets the connection and all that was under way. The reason goes to store->rc. */
void session_drop(struct store *store, enum rc rc);
/* Closes a connection that died while nothing was under way. */
void session_look_alive(struct store *store);
/* Reads answers that nobody waited for, where there is nothing else. */
void session_settle(struct store *store);

/* pgwait.c */
/* Until PQgetResult won't block; false: the connection was given up, store->rc says why. */
bool session_wait_result(struct store *store);
/* Asks the server to end what it is doing, without waiting for that. */
void session_send_cancel(struct store *store);

/* pgresult.c */
/* Reads everything that is outstanding, drops it; the first failure is in store->rc. */
void session_drain(struct store *store);

/* pgstate.c: SQLSTATE to rc; NULL (no answer at all) is RC_BROKEN. *lost: the connection is of no
 * more use. */
enum rc session_state_rc(const char *sqlstate, bool *lost);
/* True if it was waited for a lock until lock_timeout. */
bool session_state_locked(const char *sqlstate);

/* pgarg.c: the arguments in libpq's form, in `scratch`; asserts that they fit `letters`. */
struct pg_wire {
    const char *const *values;
    const int *lengths;
    const int *formats;
    int count;
};
struct pg_wire session_wire(struct arena *scratch, const char *letters, const struct pg_arg *args,
                            size_t count);
/* The parameters' types for preparing. */
const Oid *session_types(struct arena *scratch, const char *letters);

#endif
