/* waiter_room.c: the clients that wait: who comes, who leaves, who is sent what. */
#include "server/waiter_room.h"

#include "config.h" /* _GNU_SOURCE, for EPOLLRDHUP */

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "api/changes_page.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/exchange.h"
#include "server/metrics.h"

enum {
    COMMENT_MS = 15 * 1000,     /* between two comments in a stream */
    STREAM_MS = 15 * 60 * 1000, /* after which a stream ends, so that the client is checked anew */
    PER_MS = 8,                 /* clients that are sent something, and may come again then */
    BURST = 200,                /* those who need not wait for that */
    PAGES = 32,                 /* that are read in a row */
    NO_CLIENT = 499             /* the status of a client that has left, for the log only */
};

#define NEVER INT64_MAX

void waiter_room_init(struct waiter_room *room, int epoll_fd, struct waiter_answers *answers,
                      int send_timeout) {
    *room = (struct waiter_room){
        .epoll_fd = epoll_fd, .answers = answers, .send_timeout = send_timeout, .due_at = NEVER};
}

/* --- coming and leaving --- */

static bool watch(const struct waiter_room *room, int operation, struct waiter_client *client,
                  uint32_t events) {
    struct epoll_event event = {.events = events | EPOLLRDHUP, .data.ptr = client};

    return epoll_ctl(room->epoll_fd, operation, client->request.fd, &event) == 0;
}

static void set_due(struct waiter_room *room, struct waiter_client *client, int64_t due) {
    client->due = due;
    if (due < room->due_at)
        room->due_at = due;
}

static void log_end(const struct waiter_client *client, int status) {
    const struct handover *r = &client->request;

    log_set_request(r->id);
    exchange_log(&(struct exchange_line){.method = "GET",
                                         .target = r->target,
                                         .status = status,
                                         .bytes = r->sent,
                                         .us = (long)(clock_us() - r->began),
                                         .who = r->who});
    log_set_request(NULL);
}

static void remove_client(struct waiter_room *room, struct waiter_client *client, int status) {
    log_end(client, status);
    room->clients[client->slot] = room->clients[--room->count];
    room->clients[client->slot]->slot = client->slot;
    waiter_question_drop(room->answers, &client->question);
    /* Closing is not enough: the worker may still have its copy of the descriptor. */
    (void)epoll_ctl(room->epoll_fd, EPOLL_CTL_DEL, client->request.fd, NULL);
    waiter_client_free(&client);
}

/* One that is queued is removed when its turn comes. */
static void drop(struct waiter_room *room, struct waiter_client *client) {
    metrics_count(METRIC_WAITS_DROPPED);
    if (!client->queued) {
        remove_client(room, client, NO_CLIENT);
        return;
    }
    client->left = true;
    epoll_ctl(room->epoll_fd, EPOLL_CTL_DEL, client->request.fd, NULL);
}

static bool reserve(struct waiter_room *room) {
    size_t capacity = room->capacity > 0 ? 2 * room->capacity : 64;
    struct waiter_client **clients;

    if (room->count < room->capacity)
        return true;
    clients = realloc(room->clients, capacity * sizeof(struct waiter_client *));
    if (clients == NULL)
        return false;
    room->clients = clients;
    room->capacity = capacity;
    return true;
}

void waiter_room_release(struct waiter_room *room) {
    while (room->count > 0)
        remove_client(room, room->clients[room->count - 1], NO_CLIENT);
    free(room->clients);
    room->clients = NULL;
}

/* --- sending --- */

/* The first ones of a queue need not wait for their turn. */
static void begin_pace(struct waiter_room *room, struct waiter_client *client) {
    int64_t since = clock_us() - BURST * INT64_C(1000) / PER_MS;

    room->first = client;
    if (room->sent_at < since)
        room->sent_at = since;
}

static void enqueue(struct waiter_room *room, struct waiter_client *client) {
    client->queued = true;
    client->next = NULL;
    if (room->last != NULL)
        room->last->next = client;
    else
        begin_pace(room, client);
    room->last = client;
}

static struct waiter_client *dequeue(struct waiter_room *room) {
    struct waiter_client *client = room->first;

    room->first = client->next;
    if (room->first == NULL)
        room->last = NULL;
    client->queued = false;
    return client;
}

/* A stream goes on. */
static void after_sending(struct waiter_room *room, struct waiter_client *client) {
    int64_t now = clock_ms(), next = now + COMMENT_MS;

    if (client->ends) {
        remove_client(room, client, client->status);
        return;
    }
    watch(room, EPOLL_CTL_MOD, client, EPOLLIN);
    set_due(room, client, next < client->request.until ? next : client->request.until);
    room->behind = true;
}

static void send_to(struct waiter_room *room, struct waiter_client *client) {
    switch (waiter_client_send(client)) {
    case WAITER_SENT: after_sending(room, client); break;
    case WAITER_PENDING:
        watch(room, EPOLL_CTL_MOD, client, EPOLLIN | EPOLLOUT);
        set_due(room, client, clock_ms() + room->send_timeout);
        break;
    case WAITER_GONE: drop(room, client); break;
    }
}

void waiter_room_send(struct waiter_room *room) {
    int64_t now = clock_us(), most = (now - room->sent_at) * PER_MS / 1000;

    if (room->first == NULL)
        return;
    if (most > 0)
        room->sent_at = now;
    for (; most > 0 && room->first != NULL; most--) {
        struct waiter_client *client = dequeue(room);

        if (client->left)
            remove_client(room, client, NO_CLIENT);
        else
            send_to(room, client);
    }
}

/* --- responses --- */

static bool is_idle(const struct waiter_client *client) {
    return !client->queued && !waiter_client_is_sending(client);
}

static void put_text(struct waiter_room *room, struct waiter_client *client, const char *text,
                     bool ends) {
    struct waiter_text *body = waiter_text_new(text, strlen(text));

    waiter_client_put(client, NULL, body, ends);
    waiter_text_free(&body);
    enqueue(room, client);
}

static void put_answer(struct waiter_room *room, struct waiter_client *client,
                       const struct waiter_answer *answer) {
    struct buf head;

    if (client->request.stream) {
        waiter_client_put(client, NULL, answer->body, false);
    } else {
        client->status = answer->response->status;
        buf_init(&head, 0);
        waiter_answers_head(answer, &client->request, &head);
        waiter_client_put(client, &head, answer->body, true);
        buf_release(&head);
    }
    client->at = answer->next;
    enqueue(room, client);
}

/* An empty response, or the end of a stream: the client may ask again. */
static void dismiss(struct waiter_room *room, struct waiter_client *client) {
    struct waiter_answer answer;

    if (client->request.stream)
        put_text(room, client, "", true);
    else if (client->question != NULL &&
             waiter_answers_empty(room->answers, client->question, &client->at, &answer))
        put_answer(room, client, &answer);
    else
        drop(room, client);
}

/* No question was made of its request: the client is told why, unless its response has begun. */
static void refuse(struct waiter_room *room, struct waiter_client *client) {
    struct waiter_answer answer;

    if (!client->request.stream && waiter_answers_refusal(room->answers, &answer))
        put_answer(room, client, &answer);
    else
        dismiss(room, client);
    waiter_answers_close(room->answers);
}

void waiter_room_dismiss(struct waiter_room *room) {
    for (size_t i = room->count; i > 0; i--) {
        struct waiter_client *client = room->clients[i - 1];

        if (is_idle(client))
            dismiss(room, client);
        else if (client->request.stream)
            client->ends = true;
    }
}

void waiter_room_add(struct waiter_room *room, const struct handover *h, bool stays) {
    struct waiter_client *client = waiter_client_new(h);

    if (client == NULL)
        return;
    if (!reserve(room) || !watch(room, EPOLL_CTL_ADD, client, EPOLLIN)) {
        log_error("there is no room for another waiting client");
        waiter_client_free(&client);
        return;
    }
    client->status = 200;
    client->slot = room->count;
    room->clients[room->count++] = client;
    client->question = waiter_question_take(room->answers, &h->question);
    if (h->stream)
        client->request.until = clock_ms() + STREAM_MS;
    if (client->question == NULL)
        refuse(room, client);
    else if (!feed_cursor_parse(h->cursor, &client->at) || !stays)
        dismiss(room, client);
    else
        set_due(room, client, h->stream ? clock_ms() + COMMENT_MS : h->until);
    room->behind = true;
}

void waiter_room_event(struct waiter_room *room, struct waiter_client *client, uint32_t events) {
    bool left = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 ||
                ((events & EPOLLIN) != 0 && waiter_client_has_left(client));

    if (left)
        drop(room, client);
    else if ((events & EPOLLOUT) != 0 && !client->queued)
        send_to(room, client);
}

/* --- time --- */

/* The comment keeps the connection from being closed, and the cursor the client from falling behind
 * what is kept. */
static void put_comment(struct waiter_room *room, struct waiter_client *client,
                        struct arena *arena) {
    put_text(room, client, changes_page_comment(arena, feed_cursor_text(arena, &client->at)),
             false);
}

static void enforce_time(struct waiter_room *room, struct waiter_client *client, int64_t now,
                         struct arena *arena) {
    if (client->queued)
        return;
    if (waiter_client_is_sending(client)) {
        drop(room, client);
    } else if (client->request.stream && now < client->request.until) {
        put_comment(room, client, arena);
    } else {
        if (!client->request.stream)
            metrics_count(METRIC_WAITS_TIMED_OUT);
        dismiss(room, client);
    }
}

/* Backwards: one that leaves has the last one take its place. */
void waiter_room_enforce_times(struct waiter_room *room) {
    int64_t now = clock_ms();
    struct arena *arena;

    if (now < room->due_at)
        return;
    arena = arena_new();
    room->due_at = NEVER;
    for (size_t i = room->count; i > 0; i--) {
        struct waiter_client *client = room->clients[i - 1];

        if (client->due <= now)
            enforce_time(room, client, now, arena);
        else if (client->due < room->due_at)
            room->due_at = client->due;
    }
    arena_free(&arena);
}

int64_t waiter_room_wait(const struct waiter_room *room) {
    int64_t left;

    if (room->first != NULL)
        return 1;
    if (room->due_at == NEVER)
        return -1;
    left = room->due_at - clock_ms();
    return left > 0 ? left : 0;
}

/* --- changes --- */

static bool is_same(const struct feed_cursor *a, const struct feed_cursor *b) {
    return a->point == b->point && a->nonce == b->nonce && a->to == b->to && a->seq == b->seq;
}

/* Also where the client has another point of the same number, which was lost. */
static bool is_behind(const struct waiter_client *client, const struct feed_cursor *latest) {
    return is_idle(client) && client->at.point <= latest->point && !is_same(&client->at, latest);
}

/* Those whose last page could not be read come after all others, so that they hold nobody up. */
static const struct waiter_client *find_behind(const struct waiter_room *room,
                                               const struct feed_cursor *latest) {
    const struct waiter_client *found = NULL;

    for (size_t i = 0; i < room->count && (found == NULL || found->failed_at > 0); i++) {
        const struct waiter_client *client = room->clients[i];

        if (is_behind(client, latest) && (found == NULL || client->failed_at < found->failed_at))
            found = client;
    }
    return found;
}

/* What is read once for all who have come to a cursor; where that failed, again for each question.
 */
struct page {
    struct feed_cursor from;
    const struct waiter_question *only; /* NULL: all questions that have not failed */
};

static bool is_on(const struct waiter_client *client, const struct page *page) {
    return is_idle(client) && is_same(&client->at, &page->from) &&
           (page->only != NULL ? client->question == page->only : client->failed_at == 0);
}

static struct page page_of(const struct waiter_client *client) {
    return (struct page){client->at, client->failed_at > 0 ? client->question : NULL};
}

static enum rc show(struct waiter_room *room, struct waiter_client *client) {
    struct waiter_answer answer;
    enum rc rc = waiter_answers_find(room->answers, client->question, &answer);

    if (rc == RC_OK || rc == RC_NOTFOUND)
        client->failed_at = 0;
    if (rc == RC_OK) {
        metrics_count(METRIC_WAITS_WOKEN);
        put_answer(room, client, &answer);
    } else if (rc == RC_NOTFOUND) {
        client->at = answer.next;
    } else if (rc == RC_GONE) {
        dismiss(room, client);
    } else {
        return rc;
    }
    return RC_OK;
}

static enum rc show_page(struct waiter_room *room, const struct page *page,
                         const struct feed_status *status) {
    enum rc rc;

    for (size_t i = 0; i < room->count; i++)
        if (is_on(room->clients[i], page))
            waiter_answers_want(room->answers, room->clients[i]->question);
    rc = waiter_answers_open(room->answers, &page->from, status);
    for (size_t i = room->count; rc == RC_OK && i > 0; i--)
        if (is_on(room->clients[i - 1], page))
            rc = show(room, room->clients[i - 1]);
    waiter_answers_close(room->answers);
    return rc;
}

/* Where the database is lost, that is not because of what is read. */
static void note_failure(struct waiter_room *room, const struct page *page, enum rc rc) {
    int64_t now = clock_ms();

    for (size_t i = 0; rc != RC_BROKEN && i < room->count; i++)
        if (is_on(room->clients[i], page))
            room->clients[i]->failed_at = now;
}

/* A query that takes too long would hold up all others at each change: its clients get an empty
 * response, with the cursor that they had, and come to a worker, which has more time. False: it was
 * not that. */
static bool give_up_query(struct waiter_room *room, const struct page *page, enum rc rc) {
    if (rc != RC_BUSY || page->only == NULL || !waiter_question_is_query(page->only))
        return false;
    for (size_t i = room->count; i > 0; i--)
        if (is_on(room->clients[i - 1], page))
            dismiss(room, room->clients[i - 1]);
    return true;
}

enum rc waiter_room_advance(struct waiter_room *room, const struct feed_status *status) {
    const struct waiter_client *client = NULL;

    for (int pages = 0; pages < PAGES; pages++) {
        struct page page;
        enum rc rc;

        client = find_behind(room, &status->latest);
        if (client == NULL)
            break;
        page = page_of(client);
        rc = show_page(room, &page, status);
        if (rc != RC_OK && !give_up_query(room, &page, rc)) {
            note_failure(room, &page, rc);
            return rc;
        }
    }
    room->behind = client != NULL;
    return RC_OK;
}
