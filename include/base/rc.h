/* rc.h: the named results of inner calls; one function in api/ maps them to HTTP statuses. */
#ifndef MUSTER_BASE_RC_H
#define MUSTER_BASE_RC_H

enum rc {
    RC_OK,
    RC_NOTFOUND,     /* no such row */
    RC_EXISTS,       /* it already exists, by a unique index or a rule */
    RC_CONFLICT,     /* the state of the data does not allow it */
    RC_INVALID,      /* a value makes no sense, or the database refused it */
    RC_RANGE,        /* a number that is made from what is stored would be too large */
    RC_ENCODING,     /* a text that the database's encoding or a column has no place for */
    RC_PRECONDITION, /* the request's condition does not hold */
    RC_TOO_LARGE,    /* it is larger than a limit allows */
    RC_QUOTA,        /* it would go beyond what its owner may have */
    RC_RETRY,        /* serialisation failure or deadlock: run the request again from its start */
    RC_BROKEN,       /* no connection to the database, or it was lost before COMMIT was sent */
    RC_BUSY,         /* statement or lock time-out, too many connections */
    RC_READONLY,     /* the database takes no writes now (standby, read only) */
    RC_UNREADY,      /* the database lacks what --init-db adds, and this needs it */
    RC_FULL,         /* disk or quota full */
    RC_UNKNOWN,      /* COMMIT was sent and its answer never came: outcome unknown */
    RC_GONE,         /* the client disconnected or a sink failed: stop */
    RC_BUG           /* anything else; logged where it was seen */
};

/* "RC_OK" and so on, for logs. Static. */
const char *rc_name(enum rc rc);

#endif
