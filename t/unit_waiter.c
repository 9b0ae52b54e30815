/* unit_waiter.c: how a connection is handed over, and what is sent to a client that waits. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/handover.h"
#include "server/records.h"
#include "server/waiter_client.h"
#include "tap.h"

enum { MOST = 4 << 20 };

static struct handover request(int fd) {
    return (struct handover){.fd = fd,
                             .request_id = 513,
                             .began = 7,
                             .until = 8,
                             .sent = 9,
                             .cursor = "12-abc",
                             .id = "id-1",
                             .target = "/changes?since=12-abc",
                             .who = "alice",
                             .question = {"A\0b\0C\0", 7},
                             .headers = {"X-One\0"
                                         "1",
                                         8}};
}

static void pair(int fds[2]) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        abort();
}

/* --- handing over --- */

static int hand_over(int end, const struct handover *h) {
    enum handover_result result = handover_send(end, h);

    return result;
}

static int receive(int end, struct handover *h) {
    enum handover_result result = handover_receive(end, h);

    return result;
}

static int send_to(struct waiter_client *client) {
    enum waiter_sent sent = waiter_client_send(client);

    return sent;
}

static void test_handover(void) {
    int ends[2], fds[2];
    struct handover in, out = {.fd = -1};
    char byte = 0;

    pair(fds);
    in = request(fds[0]);
    in.keep = in.stream = true;
    ok(handover_open(ends), "two ends");
    is_int(receive(ends[1], &out), HANDOVER_NONE, "nothing yet");
    is_int(hand_over(ends[0], &in), HANDOVER_OK, "sent");
    close(fds[0]);
    is_int(receive(ends[1], &out), HANDOVER_OK, "received");
    ok(out.fd >= 0 && write(out.fd, "x", 1) == 1 && read(fds[1], &byte, 1) == 1 && byte == 'x',
       "with the connection");
    ok((fcntl(out.fd, F_GETFD) & FD_CLOEXEC) != 0, "which no other program gets");
    is_str(out.cursor, "12-abc", "cursor");
    is_str(out.id, "id-1", "id");
    is_str(out.target, "/changes?since=12-abc", "target");
    is_str(out.who, "alice", "who");
    ok(out.question.length == 7 && memcmp(out.question.bytes, in.question.bytes, 7) == 0,
       "question");
    ok(out.headers.length == 8 && memcmp(out.headers.bytes, in.headers.bytes, 8) == 0, "headers");
    ok(out.request_id == 513 && out.began == 7 && out.until == 8 && out.sent == 9 && out.keep &&
           out.stream,
       "numbers");
    close(out.fd);
    close(fds[1]);
    close(ends[0]);
    close(ends[1]);
}

static void test_handover_limits(void) {
    int ends[2], fds[2], sent = 0, received = 0;
    enum handover_result result;
    struct handover h, out;
    char *text = malloc(70000);

    pair(fds);
    h = request(fds[0]);
    ok(handover_open(ends), "two ends");
    memset(text, 'x', 70000);
    text[69999] = '\0';
    h.target = text;
    is_int(hand_over(ends[0], &h), HANDOVER_TOO_LONG, "too long");
    text[60000] = '\0';
    is_int(hand_over(ends[0], &h), HANDOVER_OK, "long");
    ok(handover_receive(ends[1], &out) == HANDOVER_OK && strlen(out.target) == 60000, "received");
    close(out.fd);
    h.target = "/";
    while ((result = handover_send(ends[0], &h)) == HANDOVER_OK && sent < 100000)
        sent++;
    is_int(result, HANDOVER_FULL, "nobody receives");
    ok(sent >= 50, "room for %d", sent);
    while (handover_receive(ends[1], &out) == HANDOVER_OK) {
        received++;
        close(out.fd);
    }
    is_int(received, sent, "none is lost");
    free(text);
    close(fds[0]);
    close(fds[1]);
    close(ends[0]);
    close(ends[1]);
}

/* --- sending --- */

/* All that comes until nothing is there; its length. */
static size_t take(int fd, unsigned char *bytes, size_t length) {
    ssize_t n;

    while ((n = recv(fd, bytes + length, MOST - length, MSG_DONTWAIT)) > 0)
        length += (size_t)n;
    return length;
}

/* What the records say; *ended: how many bytes follow the empty record. */
static size_t content_of(const unsigned char *bytes, size_t length, unsigned char *content,
                         size_t *ended, bool *valid) {
    size_t at = 0, total = 0;

    *ended = 0;
    *valid = true;
    while (at + RECORDS_HEADER <= length && *valid) {
        size_t n = (size_t)bytes[at + 4] << 8 | bytes[at + 5];

        *valid = bytes[at] == 1 && bytes[at + 1] == 6 && bytes[at + 2] == 2 && bytes[at + 3] == 1 &&
                 bytes[at + 6] == 0 && at + RECORDS_HEADER + n <= length;
        at += RECORDS_HEADER;
        if (n == 0) {
            *ended = length - at;
            return total;
        }
        if (*valid)
            memcpy(content + total, bytes + at, n);
        total += n;
        at += n;
    }
    *valid = *valid && at == length;
    return total;
}

static void fill(char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)('a' + i % 25);
}

static void check_sent(size_t head_length, size_t body_length, bool ends, bool keep) {
    static unsigned char bytes[MOST], content[MOST];
    static char text[MOST];
    int fds[2], size = 4096, rounds = 0;
    size_t length = 0, total, ended;
    bool valid;
    enum waiter_sent sent;
    struct waiter_client *client;
    struct waiter_text *body;
    struct buf head;
    struct handover h;

    fill(text, head_length + body_length);
    pair(fds);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    h = request(fds[0]);
    h.keep = keep;
    client = waiter_client_new(&h);
    buf_init(&head, 0);
    buf_add(&head, text, head_length);
    body = waiter_text_new(text + head_length, body_length);
    waiter_client_put(client, head_length > 0 ? &head : NULL, body, ends);
    is_int((int)body->users, 2, "the text has two users");
    while ((sent = waiter_client_send(client)) == WAITER_PENDING && rounds++ < 100000)
        length = take(fds[1], bytes, length);
    length = take(fds[1], bytes, length);
    is_int(sent, WAITER_SENT, "%zu and %zu bytes in %d pieces", head_length, body_length, rounds);
    total = content_of(bytes, length, content, &ended, &valid);
    ok(valid && total == head_length + body_length && memcmp(content, text, total) == 0,
       "arrive whole");
    is_int((int)ended, !ends ? 0 : keep ? 32 : 16, "and the end");
    ok(!waiter_client_is_sending(client) && body->users == 1, "nothing is left");
    waiter_text_free(&body);
    buf_release(&head);
    waiter_client_free(&client);
    close(fds[1]);
}

static void test_sending(void) {
    static const size_t sizes[] = {0,
                                   1,
                                   RECORDS_MAX_CONTENT - 1,
                                   RECORDS_MAX_CONTENT,
                                   RECORDS_MAX_CONTENT + 1,
                                   2 * RECORDS_MAX_CONTENT,
                                   1000000};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        check_sent(0, sizes[i], true, false);
        check_sent(300, sizes[i], true, true);
        if (sizes[i] > 0)
            check_sent(0, sizes[i], false, false);
    }
}

static void test_leaving(void) {
    static const unsigned char other[8] = {1, 5, 2, 1}, stop[8] = {1, 2, 2, 1};
    int fds[2];
    struct handover h;
    struct waiter_client *client;
    struct waiter_text *body = waiter_text_new("x", 1);

    pair(fds);
    h = request(fds[0]);
    client = waiter_client_new(&h);
    ok(!waiter_client_has_left(client), "still there");
    ok(write(fds[1], other, sizeof(other)) == 8 && !waiter_client_has_left(client),
       "what has no meaning is passed over");
    ok(write(fds[1], stop, sizeof(stop)) == 8 && waiter_client_has_left(client), "aborted");
    close(fds[1]);
    ok(waiter_client_has_left(client), "closed");
    waiter_client_put(client, NULL, body, true);
    is_int(send_to(client), WAITER_GONE, "nothing can be sent");
    waiter_client_free(&client);
    is_int((int)body->users, 1, "the text is left");
    waiter_text_free(&body);
}

int main(void) {
    test_handover();
    test_handover_limits();
    test_sending();
    test_leaving();
    return done_testing();
}
