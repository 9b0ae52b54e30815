/* handover.h: hands a connection whose request waits to the waiter (waiter.h). */
#ifndef MUSTER_SERVER_HANDOVER_H
#define MUSTER_SERVER_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strings one after the other, each with its NUL. */
struct handover_strings {
    const char *bytes;
    size_t length;
};

/* A request that waits, and its connection. */
struct handover {
    int fd;              /* of the connection to the front server */
    unsigned request_id; /* FastCGI's */
    bool keep;           /* the front server asked to keep the connection open */
    bool stream;         /* the response has begun, and goes on for as long as the client likes */
    int64_t began;       /* clock_us(): when the request came */
    int64_t until;       /* clock_ms(): when it is answered at the latest */
    size_t sent;         /* bytes of the response's body that were sent */
    const char *cursor;  /* up to which the client knows everything */
    const char *id;      /* for the log: the request's id, */
    const char *target;  /* path and query, */
    const char *who;     /* and the caller */
    struct handover_strings question; /* what is waited for, and how it is shown (waiter.h) */
    struct handover_strings headers;  /* name and value of each header of every response */
};

/* Two ends of a socket that keeps the bounds of messages; false: errno says why. What was sent to
 * the one end is kept while nobody reads from the other. */
bool handover_open(int ends[2]);

enum handover_result {
    HANDOVER_OK,
    HANDOVER_NONE,     /* there is nothing to receive */
    HANDOVER_FULL,     /* nobody has received for a while */
    HANDOVER_TOO_LONG, /* the texts */
    HANDOVER_FAILED    /* logged */
};

/* After HANDOVER_OK the receiver has a descriptor of the connection, too. Waits a little if there
 * is no room. */
enum handover_result handover_send(int end, const struct handover *h);

/* Does not wait. The texts are valid until the next call; the descriptor is the caller's. */
enum handover_result handover_receive(int end, struct handover *h);

#endif
