/* send.c: records whose content is not copied: libfcgi would do that, and send 8 KiB at a time; and
 * one that is none. */
#include "server/send.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "server/records.h"

/* Takes off what was sent. */
static void advance(struct msghdr *message, size_t sent) {
    struct iovec *part = message->msg_iov;

    while (message->msg_iovlen > 0 && sent >= part->iov_len) {
        sent -= part->iov_len;
        message->msg_iovlen--;
        part = ++message->msg_iov;
    }
    if (message->msg_iovlen > 0) {
        part->iov_base = (char *)part->iov_base + sent;
        part->iov_len -= sent;
    }
}

/* A signal may come after a part of it. */
static bool send_all(int fd, struct msghdr *message) {
    while (message->msg_iovlen > 0) {
        ssize_t sent = sendmsg(fd, message, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR)
            return false;
        if (sent > 0)
            advance(message, (size_t)sent);
    }
    return true;
}

bool send_output(int fd, unsigned request_id, const char *bytes, size_t n) {
    while (n > 0) {
        size_t content = n < RECORDS_MAX_CONTENT ? n : RECORDS_MAX_CONTENT;
        unsigned char head[RECORDS_HEADER];
        struct iovec parts[2] = {{.iov_base = head, .iov_len = sizeof head},
                                 {.iov_base = (void *)(uintptr_t)bytes, .iov_len = content}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

        records_output(head, request_id, content);
        if (!send_all(fd, &message))
            return false;
        bytes += content;
        n -= content;
    }
    return true;
}

void send_break(int fd) {
    static const unsigned char nonsense[RECORDS_HEADER] = {0xff, 0xff};

    (void)send(fd, nonsense, sizeof nonsense, MSG_NOSIGNAL);
}
