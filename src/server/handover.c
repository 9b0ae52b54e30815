/* handover.c: hands a connection whose request waits from a worker to the waiter. */
#include "server/handover.h"

#include "config.h" /* _GNU_SOURCE, for MSG_CMSG_CLOEXEC */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

enum { MAX_MESSAGE = 64 * 1024, FULL_MS = 100 };

/* A message: this, then the four texts, the question and the headers. Both ends are the same
 * program, so that nothing is converted. */
struct fixed {
    int64_t began, until;
    size_t sent, question, headers; /* lengths */
    unsigned request_id;
    bool keep, stream;
};

/* A descriptor beside the bytes, aligned as the kernel wants it. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

bool handover_open(int ends[2]) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0;
}

/* --- sending --- */

static struct iovec part(const void *bytes, size_t n) {
    return (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = n};
}

static struct iovec text_part(const char *text) {
    return part(text, strlen(text) + 1);
}

static void add_descriptor(struct msghdr *message, union control *control, int fd) {
    struct cmsghdr *header;

    memset(control, 0, sizeof(*control));
    message->msg_control = control->bytes;
    message->msg_controllen = sizeof(control->bytes);
    header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(fd));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
}

static enum handover_result send_message(int end, const struct msghdr *message) {
    struct pollfd room = {.fd = end, .events = POLLOUT};

    for (int attempts = 0; attempts < 2; attempts++) {
        if (sendmsg(end, message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return HANDOVER_OK;
        if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR && errno != ETOOMANYREFS)
            break;
        (void)poll(&room, 1, FULL_MS);
    }
    if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
        return HANDOVER_FULL;
    log_error("a waiting client can't be handed over: %s", strerror(errno));
    return HANDOVER_FAILED;
}

enum handover_result handover_send(int end, const struct handover *h) {
    const struct fixed fixed = {.began = h->began,
                                .until = h->until,
                                .sent = h->sent,
                                .question = h->question.length,
                                .headers = h->headers.length,
                                .request_id = h->request_id,
                                .keep = h->keep,
                                .stream = h->stream};
    struct iovec parts[] = {part(&fixed, sizeof(fixed)),
                            text_part(h->cursor),
                            text_part(h->id),
                            text_part(h->target),
                            text_part(h->who),
                            part(h->question.bytes, h->question.length),
                            part(h->headers.bytes, h->headers.length)};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = sizeof(parts) / sizeof(parts[0])};
    union control control;
    size_t length = 0;

    for (size_t i = 0; i < message.msg_iovlen; i++)
        length += parts[i].iov_len;
    if (length > MAX_MESSAGE)
        return HANDOVER_TOO_LONG;
    add_descriptor(&message, &control, h->fd);
    return send_message(end, &message);
}

/* --- receiving --- */

static int take_descriptor(struct msghdr *message) {
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fd = -1;

    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(fd)))
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

/* The next text, *at behind its NUL. */
static const char *take_text(const char **at) {
    const char *text = *at;

    *at += strlen(text) + 1;
    return text;
}

static void read_message(const char *bytes, struct handover *h) {
    struct fixed fixed;
    const char *at = bytes + sizeof(fixed);

    memcpy(&fixed, bytes, sizeof(fixed));
    h->began = fixed.began;
    h->until = fixed.until;
    h->sent = fixed.sent;
    h->request_id = fixed.request_id;
    h->keep = fixed.keep;
    h->stream = fixed.stream;
    h->cursor = take_text(&at);
    h->id = take_text(&at);
    h->target = take_text(&at);
    h->who = take_text(&at);
    h->question = (struct handover_strings){at, fixed.question};
    h->headers = (struct handover_strings){at + fixed.question, fixed.headers};
}

enum handover_result handover_receive(int end, struct handover *h) {
    static char bytes[MAX_MESSAGE];
    struct iovec room = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    union control control;
    struct msghdr message = {.msg_iov = &room,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(end, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return HANDOVER_NONE;
    if (n > 0)
        h->fd = take_descriptor(&message);
    if (n > 0 && h->fd >= 0) {
        read_message(bytes, h);
        return HANDOVER_OK;
    }
    log_error("a waiting client was lost: %s", n < 0 ? strerror(errno) : "no descriptor is free");
    return HANDOVER_FAILED;
}
