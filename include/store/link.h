/* link.h: one connection to PostgreSQL as a pipeline: statements go out in packets, results come
 * back in order. It knows limits, but no settings; statements, but no transactions.
 *
 * After a failure nothing more is sent, and every call returns the same rc, until link_clear_error.
 * A lost connection leaves nothing behind: the link is as new, but for that rc. */
#ifndef MUSTER_STORE_LINK_H
#define MUSTER_STORE_LINK_H

#include "base/rc.h"
#include "store/link_plan.h"
#include "store/pg_arg.h"
#include "store/stmts.h"

enum link_state {
    LINK_DOWN,
    LINK_CONNECTING, /* being set up: short, so that the client is not watched */
    LINK_READY,
    LINK_CANCELLING /* the server was asked to end what it is doing */
};

/* Milliseconds. */
struct link_limits {
    int connect; /* for each step of setting up */
    int answer;  /* the server's own statement_timeout; 0: none */
};

/* What was put into the pipeline and is not yet read back. */
enum link_kind { LINK_STATEMENT, LINK_PREPARE, LINK_SYNC };

struct link_sent {
    enum link_kind kind;
    const struct stmt_row *row;
    bool wanted;     /* a link_next will ask for it */
    int32_t *number; /* where the first number of an unwanted result goes, or NULL */
    bool *prepared;  /* LINK_PREPARE: becomes true once it is, or NULL */
};

/* Looked at while waiting: whether this connection is still the right one. */
struct link_watch {
    const _Atomic uint64_t *number; /* NULL: it always is */
    uint64_t expected;              /* as long as the number is this */
    void (*look)(void *context);    /* after half a second, from time to time; may change it */
    void *context;
    void (*tick)(void *context); /* called every quarter of a second of waiting; NULL: nothing is */
    void *tick_context;
};

struct link {
    enum link_state state;
    PGconn *conn; /* NULL: down */
    struct link_limits limits;
    bool unnamed; /* statements are not prepared: each is sent with its text */
    int client;   /* the socket of the waiting client; -1: none to watch */
    struct link_watch watch;
    int64_t until; /* no result is waited for longer than this, in clock_ms(); 0: see limits */

    struct arena *scratch; /* parameters on their way into libpq's buffer */
    struct link_sent *sent;
    size_t head, tail, capacity;
    bool packet_open; /* something was put in since the last sync */
    struct link_plans plans;

    enum rc if_lost;       /* what a lost connection means: RC_BROKEN, RC_RETRY or RC_UNKNOWN */
    enum rc rc;            /* why nothing more is sent; RC_OK: no failure */
    bool error_unreported; /* no call has returned it yet */
    bool locked;           /* the last failure was that a lock was held for too long */
    bool cancel_hit;       /* the cancel request has ended a statement */
    bool ended;            /* the server has said that it ends the session */
    bool standby_missed;   /* the server stopped waiting for a standby at a commit */
    int64_t last_heard;    /* monotonic milliseconds */
    int64_t readonly_at;   /* the same: when a connection that takes no writes was dropped last */
    char error[512];       /* the last failure, for logs */
};

void link_init(struct link *link, struct link_limits limits);
void link_release(struct link *link);

/* --- the connection (store/link.c) */

/* As PQconnectStartParams; false: link->error says why. LINK_CONNECTING until the caller says
 * otherwise. */
bool link_open(struct link *link, const char *const *names, const char *const *values);

/* Forgets the connection with everything that was in flight. */
void link_close(struct link *link);

/* The same for a failure: what it means goes to link->rc, according to if_lost. */
void link_drop(struct link *link, enum rc rc);

/* True if the number that is watched is another one now: what comes from this connection may be
 * old. */
bool link_is_outdated(const struct link *link);

/* Closes a connection that the server closed, or that is outdated, while nothing was in flight. */
void link_check_alive(struct link *link);

/* Remembers a failure; the first one stays. */
void link_fail(struct link *link, enum rc rc);
void link_clear_error(struct link *link);

/* link->error in one line. */
void link_set_error(struct link *link, const char *text);

/* True when nothing is in flight. */
bool link_is_idle(const struct link *link);

/* --- sending: does nothing after a failure */

/* `number`: see struct link_sent; NULL with `wanted`. */
void link_enqueue(struct link *link, const struct stmt_row *row, const struct pg_arg *args,
                  size_t count, bool wanted, int32_t *number);
void link_prepare(struct link *link, const struct stmt_row *row);

/* COPY ... FROM STDIN, which leaves the pipeline: for link_copy, which comes back to it. */
void link_begin_copy(struct link *link, const struct stmt_row *row);

/* Ends the packet, which leaves. The calls below do it by themselves. */
void link_sync(struct link *link);

/* --- receiving (store/link_result.c) */

/* See pg_read_ahead. A failure shows with the next result. */
void link_read_ahead(struct link *link);

/* The result of the oldest wanted statement. RC_OK: *result is the caller's; else NULL. */
enum rc link_next(struct link *link, PGresult **result);

/* The same row by row; see pg_stream. */
typedef bool (*pg_row)(void *context, const PGresult *result);
enum rc link_stream(struct link *link, pg_row row, void *context);

/* COPY ... FROM STDIN with these bytes, after everything that is in flight. */
enum rc link_copy(struct link *link, const struct stmt_row *row, const char *bytes, size_t n);

/* Waits for everything in flight and drops it; the first failure among it. */
enum rc link_finish(struct link *link);

/* Cancels what the server is doing and drops everything in flight: RC_GONE. */
enum rc link_abandon(struct link *link);

/* Reads results that are not wanted, while nothing else is in flight, and forgets their failures.
 */
void link_drain_stale(struct link *link);

/* --- waiting (store/link_wait.c) */

/* Called every 50 ms (LINK_IDLE_MS) while any link of this process waits or connects, after the
 * first tenth of a second, and after LINK_IDLE_SOON_MS where it says true: there is more to do.
 * NULL: nothing is. It may not use a link that is in use. */
#define LINK_IDLE_MS      50
#define LINK_IDLE_SOON_MS 5
#define LINK_IDLE_AFTER   100
void link_set_idle(bool (*idle)(void *context), void *context);

/* What that says is done. Milliseconds until it is to be called again, at most `left`. */
int64_t link_idle(int64_t waited, int64_t left);

/* Until PQgetResult won't block; false: too late or outdated, link->error says so. A client that
 * leaves has the statement cancelled. */
bool link_wait(struct link *link);

/* Asks the server to end what it is doing, without waiting for that. */
void link_cancel(struct link *link);

/* --- SQLSTATE to rc (store/sqlstate.c) */

/* NULL (no answer at all) is RC_BROKEN. *lost: the connection is of no more use. */
enum rc sqlstate_rc(const char *sqlstate, bool *lost);

/* True if a lock was waited for until lock_timeout. */
bool sqlstate_is_lock(const char *sqlstate);

#endif
