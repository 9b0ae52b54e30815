/* unit_send.c: long pieces as records into a socket that takes a part at a time, is interrupted,
 * has a time-out, or is closed at the other end. */
#include "tap.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/records.h"
#include "server/send.h"

enum { REQUEST = 258, LENGTH = 1000003 };

static char content_at(size_t i) {
    return (char)(i * 7 % 251);
}

static bool read_all(int fd, unsigned char *bytes, size_t n) {
    for (ssize_t got; n > 0; bytes += got, n -= (size_t)got)
        if ((got = read(fd, bytes, n)) <= 0)
            return false;
    return true;
}

/* In a process of its own: are these the records? */
static int check_records(int fd) {
    static unsigned char record[RECORDS_HEADER + RECORDS_MAX_CONTENT];
    size_t n = 0;

    while (read_all(fd, record, RECORDS_HEADER)) {
        unsigned char head[RECORDS_HEADER];
        size_t content = (size_t)record[4] << 8 | record[5];

        records_output(head, REQUEST, content);
        if (memcmp(head, record, sizeof head) != 0 || content > RECORDS_MAX_CONTENT ||
            !read_all(fd, record, content))
            return 1;
        for (size_t i = 0; i < content; i++)
            if ((char)record[i] != content_at(n++))
                return 2;
    }
    return n == LENGTH ? 0 : 3;
}

static void on_alarm(int signal) {
    (void)signal;
}

/* The other end, which a process reads; that its `pid` is. */
static int open_reader(pid_t *pid) {
    int ends[2], small = 8192;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        exit(1);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    *pid = fork();
    if (*pid == 0) {
        close(ends[0]);
        _exit(check_records(ends[1]));
    }
    close(ends[1]);
    return ends[0];
}

static void check_sending(const char *bytes, bool interrupted) {
    const struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_alarm};
    int status = -1;
    pid_t pid;
    int fd = open_reader(&pid);
    bool sent;

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, interrupted ? &often : &never, NULL);
    sent = send_output(fd, REQUEST, bytes, LENGTH);
    setitimer(ITIMER_REAL, &never, NULL);
    close(fd);
    waitpid(pid, &status, 0);
    ok(sent && status == 0, "%d bytes arrive as records%s (%d)", LENGTH,
       interrupted ? ", whatever signals come" : "", status);
}

static void check_failures(const char *bytes) {
    const struct timeval soon = {0, 20000};
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        exit(1);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
    ok(!send_output(ends[0], REQUEST, bytes, LENGTH),
       "nothing is read: it ends after the time-out");
    close(ends[1]);
    ok(!send_output(ends[0], REQUEST, bytes, LENGTH), "closed at the other end: that is no signal");
    ok(send_output(ends[0], REQUEST, bytes, 0), "nothing to send");
    close(ends[0]);
}

int main(void) {
    char *bytes = malloc(LENGTH);

    if (!bytes)
        return 1;
    for (size_t i = 0; i < LENGTH; i++)
        bytes[i] = content_at(i);
    check_sending(bytes, false);
    check_sending(bytes, true);
    check_failures(bytes);
    free(bytes);
    return done_testing();
}
