/* waiter_client.h: a client that waits: its connection, and what is being sent to it. */
#ifndef MUSTER_SERVER_WAITER_CLIENT_H
#define MUSTER_SERVER_WAITER_CLIENT_H

#include "base/buf.h"
#include "server/handover.h"
#include "store/feed.h"

struct waiter_question;

/* A part of responses that is the same for many clients: one copy, which goes with its last user.
 */
struct waiter_text {
    size_t users;
    size_t length;
    char bytes[];
};

/* A copy with one user, the caller. */
struct waiter_text *waiter_text_new(const char *bytes, size_t length);
void waiter_text_free(struct waiter_text **text);

struct waiter_client {
    struct handover request; /* its texts are this client's own */
    /* what is being sent: a head of its own, then a text; both NULL: nothing */
    char *head;
    size_t head_length;
    struct waiter_text *body;
    size_t sent; /* bytes, with the records' headers */
    bool ends;   /* with that the response ends */
    /* of waiter_room.c */
    size_t slot;
    int status;            /* of the response, for the log */
    int64_t failed_at;     /* clock_ms(): what follows its cursor could not be read; 0: it could */
    int64_t due;           /* clock_ms(): when something is to be done even if nothing happens */
    struct feed_cursor at; /* up to which the client knows everything */
    struct waiter_question *question;
    bool queued;                /* to be sent something */
    bool left;                  /* while it was queued */
    struct waiter_client *next; /* in the queue */
    char texts[];
};

/* Takes the connection over, whatever comes. NULL: no memory, the connection was closed. */
struct waiter_client *waiter_client_new(const struct handover *h);

/* Closes the connection. */
void waiter_client_free(struct waiter_client **client);

bool waiter_client_is_sending(const struct waiter_client *client);

/* What is to be sent next, while nothing is: `head` is copied (NULL: none), of the text the client
 * becomes a user. `ends`: this is the end of the response. */
void waiter_client_put(struct waiter_client *client, const struct buf *head,
                       struct waiter_text *body, bool ends);

enum waiter_sent {
    WAITER_SENT,    /* all of it; nothing is being sent any more */
    WAITER_PENDING, /* the connection takes no more now */
    WAITER_GONE     /* the front server has closed it */
};

/* Sends as much as the connection takes without waiting. */
enum waiter_sent waiter_client_send(struct waiter_client *client);

/* After the connection has become readable: true if the client has left, or wants the request
 * aborted. */
bool waiter_client_has_left(const struct waiter_client *client);

#endif
