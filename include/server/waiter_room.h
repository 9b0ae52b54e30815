/* waiter_room.h: the clients that wait. */
#ifndef MUSTER_SERVER_WAITER_ROOM_H
#define MUSTER_SERVER_WAITER_ROOM_H

#include "server/waiter_answer.h"
#include "server/waiter_client.h"

struct waiter_room {
    int epoll_fd;                   /* tells of the clients' connections; data.ptr is the client */
    struct waiter_answers *answers; /* how responses are made */
    int64_t send_timeout;           /* milliseconds for a client to take what it is sent */
    struct waiter_client **clients;
    size_t count, capacity;
    struct waiter_client *first, *last; /* queued */
    int64_t sent_at;                    /* clock_us(): up to when the queue's pace was used */
    int64_t due_at;                     /* clock_ms(): the earliest of the clients' */
    bool behind;                        /* some may not have been shown all that is there */
};

void waiter_room_init(struct waiter_room *room, int epoll_fd, struct waiter_answers *answers,
                      int send_timeout);

/* Closes all connections. */
void waiter_room_release(struct waiter_room *room);

/* A client comes in. `stays` false: it is responded to at once. */
void waiter_room_add(struct waiter_room *room, const struct handover *h, bool stays);

/* Something happened on the client's connection: EPOLLx. */
void waiter_room_event(struct waiter_room *room, struct waiter_client *client, uint32_t events);

/* Shows what was changed up to the latest point to those who have not seen it, as far as it can be
 * read in a while; `behind` says whether there is more. Any rc but RC_OK: as reading failed. */
enum rc waiter_room_advance(struct waiter_room *room, const struct feed_status *status);

/* Sees to those whose time has come. */
void waiter_room_enforce_times(struct waiter_room *room);

/* Responds to everybody. */
void waiter_room_dismiss(struct waiter_room *room);

/* Sends to some of those that are queued. Not to all at once: they would all come again at once. */
void waiter_room_send(struct waiter_room *room);

/* Milliseconds until one of the two above has something to do; -1: never. */
int64_t waiter_room_wait(const struct waiter_room *room);

#endif
