/* waiter_client.c: a client that waits: its connection, and what is being sent to it. */
#include "server/waiter_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "server/records.h"

enum { RECORD = RECORDS_HEADER + RECORDS_MAX_CONTENT, PARTS = 4 };

/* --- texts --- */

struct waiter_text *waiter_text_new(const char *bytes, size_t length) {
    struct waiter_text *text = malloc(sizeof(*text) + length);

    if (text == NULL)
        log_fatal("out of memory");
    text->users = 1;
    text->length = length;
    if (length > 0)
        memcpy(text->bytes, bytes, length);
    return text;
}

void waiter_text_free(struct waiter_text **text) {
    if (*text != NULL && --(*text)->users == 0)
        free(*text);
    *text = NULL;
}

/* --- life --- */

static const char *keep_bytes(char **at, const char *bytes, size_t n) {
    char *copy = *at;

    if (n > 0)
        memcpy(copy, bytes, n);
    *at += n;
    return copy;
}

static const char *keep_text(char **at, const char *text) {
    return keep_bytes(at, text, strlen(text) + 1);
}

struct waiter_client *waiter_client_new(const struct handover *h) {
    size_t length = strlen(h->cursor) + strlen(h->id) + strlen(h->target) + strlen(h->who) + 4 +
                    h->question.length + h->headers.length;
    struct waiter_client *client = calloc(1, sizeof(*client) + length);
    char *at;

    if (client == NULL) {
        log_error("out of memory for a waiting client");
        close(h->fd);
        return NULL;
    }
    at = client->texts;
    client->request = *h;
    client->request.cursor = keep_text(&at, h->cursor);
    client->request.id = keep_text(&at, h->id);
    client->request.target = keep_text(&at, h->target);
    client->request.who = keep_text(&at, h->who);
    client->request.question.bytes = keep_bytes(&at, h->question.bytes, h->question.length);
    client->request.headers.bytes = keep_bytes(&at, h->headers.bytes, h->headers.length);
    return client;
}

static void forget_output(struct waiter_client *client) {
    free(client->head);
    client->head = NULL;
    client->head_length = 0;
    client->sent = 0;
    waiter_text_free(&client->body);
}

void waiter_client_free(struct waiter_client **client) {
    if (*client == NULL)
        return;
    forget_output(*client);
    close((*client)->request.fd);
    free(*client);
    *client = NULL;
}

/* --- sending --- */

bool waiter_client_is_sending(const struct waiter_client *client) {
    return client->head != NULL || client->body != NULL;
}

void waiter_client_put(struct waiter_client *client, const struct buf *head,
                       struct waiter_text *body, bool ends) {
    if (head != NULL && (client->head = malloc(head->len + 1)) == NULL)
        log_fatal("out of memory");
    if (head != NULL) {
        memcpy(client->head, head->data, head->len);
        client->head_length = head->len;
    }
    client->body = body;
    if (body != NULL)
        body->users++;
    client->ends = ends;
    client->request.sent += body != NULL ? body->length : 0;
}

/* The slice [from, from + n) of the content, which is the head and then the body. */
static size_t add_content(const struct waiter_client *c, size_t from, size_t n,
                          struct iovec *parts) {
    size_t head = from < c->head_length ? c->head_length - from : 0, count = 0;

    if (head > n)
        head = n;
    if (head > 0)
        parts[count++] = (struct iovec){.iov_base = c->head + from, .iov_len = head};
    if (n > head)
        parts[count++] = (struct iovec){.iov_base = c->body->bytes + (from + head - c->head_length),
                                        .iov_len = n - head};
    return count;
}

static void skip(struct msghdr *message, size_t n) {
    while (message->msg_iovlen > 0 && n >= message->msg_iov->iov_len) {
        n -= message->msg_iov->iov_len;
        message->msg_iov++;
        message->msg_iovlen--;
    }
    if (message->msg_iovlen > 0) {
        message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + n;
        message->msg_iov->iov_len -= n;
    }
}

/* Sends what is left of the record that `sent` has come to, the last one with the end of the
 * response. 0: nothing is left; -1: see errno. */
static ssize_t send_record(struct waiter_client *c) {
    size_t content = c->head_length + (c->body != NULL ? c->body->length : 0);
    size_t last = content > 0 ? (content - 1) / RECORDS_MAX_CONTENT : 0;
    size_t record = c->sent / RECORD < last ? c->sent / RECORD : last;
    size_t from = record * RECORDS_MAX_CONTENT;
    size_t n = record < last ? RECORDS_MAX_CONTENT : content - from;
    unsigned char header[RECORDS_HEADER], ending[RECORDS_MAX_ENDING];
    struct iovec parts[PARTS] = {{.iov_base = header, .iov_len = n > 0 ? RECORDS_HEADER : 0}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 1};

    records_output(header, c->request.request_id, n);
    message.msg_iovlen += add_content(c, from, n, parts + 1);
    if (record == last && c->ends) {
        size_t length = records_ending(ending, c->request.request_id, c->request.keep);

        parts[message.msg_iovlen++] = (struct iovec){.iov_base = ending, .iov_len = length};
    }
    skip(&message, c->sent - record * RECORD);
    if (message.msg_iovlen == 0)
        return 0;
    return sendmsg(c->request.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

enum waiter_sent waiter_client_send(struct waiter_client *client) {
    while (waiter_client_is_sending(client)) {
        ssize_t n = send_record(client);

        if (n > 0)
            client->sent += (size_t)n;
        else if (n == 0)
            forget_output(client);
        else if (errno == EAGAIN || errno == ENOBUFS)
            return WAITER_PENDING;
        else if (errno != EINTR)
            return WAITER_GONE;
    }
    return WAITER_SENT;
}

bool waiter_client_has_left(const struct waiter_client *client) {
    unsigned char bytes[64];
    ssize_t n = recv(client->request.fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (n < 0)
        return errno != EAGAIN && errno != EINTR;
    return n == 0 || records_is_abort(bytes, (size_t)n);
}
