/* fcgi.c: FastCGI requests through libfcgi, which only this file knows. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The wrapped streams are named as such: stdin is not redefined here. */
#define NO_FCGI_DEFINES 1
#include <fastcgi.h>
#include <fcgi_stdio.h>

#include "base/log.h"
#include "server/fcgi.h"

enum { AGAIN_MS = 100, INDEXED = 128 };

/* A variable "NAME=value": where its name ends. */
struct variable {
    const char *text;
    size_t name_length;
};

struct fcgi {
    FCGX_Request request;
    struct variable variables[INDEXED]; /* the first ones of this request */
    size_t variable_count;
    int listen_fd;
    bool tcp;
    bool armed;
    struct itimerval patience; /* for a request to arrive */
    struct timeval sending;    /* for a piece of the answer to be taken */
};

/* --- time-outs ---------------------------------------------------------------------------------
 */

/* Nothing to do: read() comes back with EINTR, and libfcgi takes that for an error. */
static void on_alarm(int signal) {
    (void)signal;
}

static void take_alarm(void) {
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */

    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
}

static struct timeval in_milliseconds(int ms) {
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* The alarm repeats, so that one which comes just before the read() is followed by another. */
static void arm(struct fcgi *f) {
    setitimer(ITIMER_REAL, &f->patience, NULL);
    f->armed = true;
}

static void disarm(struct fcgi *f) {
    static const struct itimerval never;

    if (f->armed)
        setitimer(ITIMER_REAL, &never, NULL);
    f->armed = false;
}

/* --- life --------------------------------------------------------------------------------------
 */

struct fcgi *fcgi_new(const struct settings *settings, int listen_fd) {
    struct fcgi *f = calloc(1, sizeof(*f));
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(address);

    if (f == NULL || FCGX_Init() != 0) {
        log_error("libfcgi can't start: %s", strerror(errno));
        free(f);
        return NULL;
    }
    /* No socket to listen on: libfcgi is given connections that were accepted here. */
    FCGX_InitRequest(&f->request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
    f->listen_fd = listen_fd;
    if (getsockname(listen_fd, (struct sockaddr *)&address, &size) == 0)
        f->tcp = address.ss_family == AF_INET || address.ss_family == AF_INET6;
    f->patience.it_value = in_milliseconds(settings->body_timeout);
    f->patience.it_interval = in_milliseconds(AGAIN_MS);
    f->sending = in_milliseconds(settings->send_timeout);
    take_alarm();
    return f;
}

void fcgi_free(struct fcgi **f) {
    free(*f);
    *f = NULL;
}

/* --- accepting ---------------------------------------------------------------------------------
 */

/* Said once a second: it can happen for every request. */
static enum fcgi_accepted accept_failed(void) {
    static time_t said;
    struct timespec now;

    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
        return ACCEPTED_NOBODY;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec != said)
        log_error("accept: %s", strerror(errno));
    said = now.tv_sec;
    return ACCEPTED_NO_ROOM;
}

static int accept_connection(const struct fcgi *f) {
    static const int on = 1;
    int fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return -1;
    if (f->tcp)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &f->sending, sizeof(f->sending));
    return fd;
}

/* A request is asked for some twenty variables of about thirty: with the lengths of their
 * names at hand that takes a fraction of libfcgi's own search. */
static void index_variables(struct fcgi *f) {
    f->variable_count = 0;
    for (char **p = f->request.envp; *p != NULL && f->variable_count < INDEXED; p++)
        f->variables[f->variable_count++] =
            (struct variable){.text = *p, .name_length = strcspn(*p, "=")};
}

enum fcgi_accepted fcgi_accept(struct fcgi *f) {
    int fd = accept_connection(f);

    if (fd < 0)
        return accept_failed();
    /* As if this were the next request on a connection that was kept: libfcgi then reads from it
     * instead of accepting one. Detached: if there is no request, it closes without lingering. */
    f->request.ipcFd = fd;
    f->request.keepConnection = 1;
    FCGX_Detach(&f->request);
    arm(f);
    if (FCGX_Accept_r(&f->request) != 0) {
        disarm(f);
        log_debug("a connection without a request");
        return ACCEPTED_NO_REQUEST;
    }
    FCGX_Attach(&f->request);
    index_variables(f);
    return ACCEPTED;
}

/* --- the request -------------------------------------------------------------------------------
 */

static const char *fcgi_variable(void *context, const char *name) {
    const struct fcgi *f = context;
    size_t n = strlen(name);

    for (size_t i = 0; i < f->variable_count; i++)
        if (f->variables[i].name_length == n && memcmp(f->variables[i].text, name, n) == 0)
            return f->variables[i].text[n] == '=' ? f->variables[i].text + n + 1 : NULL;
    return f->variable_count < INDEXED ? NULL : FCGX_GetParam(name, f->request.envp);
}

static size_t fcgi_variable_count(void *context, const char *name) {
    const struct fcgi *f = context;
    size_t n = strlen(name), count = 0;

    for (char **p = f->request.envp; *p != NULL; p++)
        count += strncmp(*p, name, n) == 0 && (*p)[n] == '=';
    return count;
}

/* The wrapped streams are the process's; several requests may be in hand. */
static void select_streams(const struct fcgi *f) {
    FCGI_stdin->fcgx_stream = f->request.in;
    FCGI_stdout->fcgx_stream = f->request.out;
    FCGI_stderr->fcgx_stream = f->request.err;
}

static long fcgi_read(void *context, char *bytes, size_t n) {
    struct fcgi *f = context;
    size_t got;

    select_streams(f);
    got = FCGI_fread(bytes, 1, n, FCGI_stdin);
    if (got > 0)
        return (long)got;
    disarm(f);
    return FCGI_ferror(FCGI_stdin) != 0 ? -1 : 0;
}

static bool fcgi_write(void *context, const char *bytes, size_t n) {
    select_streams(context);
    disarm(context); /* a body may have been refused before its end */
    return FCGI_fwrite((void *)(uintptr_t)bytes, 1, n, FCGI_stdout) == n;
}

struct transport fcgi_transport(struct fcgi *f) {
    return (struct transport){.variable = fcgi_variable,
                              .variable_count = fcgi_variable_count,
                              .read = fcgi_read,
                              .out = {.write = fcgi_write, .context = f},
                              .client_fd = f->request.ipcFd,
                              .context = f};
}

/* --- the end -----------------------------------------------------------------------------------
 */

/* The records that end a request, as libfcgi would send them, and one of no meaning behind them. */
struct end_records {
    FCGI_Header no_more_output;
    FCGI_EndRequestRecord end;
    FCGI_UnknownTypeRecord surplus;
};

static FCGI_Header header(unsigned char type, int request_id, unsigned char length) {
    return (FCGI_Header){.version = FCGI_VERSION_1,
                         .type = type,
                         .requestIdB1 = (unsigned char)(request_id >> 8 & 0xff),
                         .requestIdB0 = (unsigned char)(request_id & 0xff),
                         .contentLengthB0 = length};
}

/* A front server that asked to keep the connection may write its next request to it as soon as it
 * has seen this one's end, before it sees that the connection is closed. libfcgi's way of ending
 * leaves room for that: of 62,000 POST requests through nginx 200 failed. So nothing more can be
 * written to us before the end is told; and the end comes with a surplus record in the same piece,
 * from which a front server sees that this connection can't be used again (nginx: anything behind
 * END_REQUEST). What still gets through fails there at once and is tried elsewhere. */
static void end_kept(struct fcgi *f) {
    int id = f->request.requestId;
    const struct end_records records = {
        .no_more_output = header(FCGI_STDOUT, id, 0),
        .end = {.header = header(FCGI_END_REQUEST, id, sizeof(FCGI_EndRequestBody)),
                .body = {.protocolStatus = FCGI_REQUEST_COMPLETE}},
        .surplus = {.header = header(FCGI_UNKNOWN_TYPE, 0, sizeof(FCGI_UnknownTypeBody))}};

    select_streams(f);
    shutdown(f->request.ipcFd, SHUT_RD);
    if (FCGI_fflush(FCGI_stdout) == 0)
        (void)send(f->request.ipcFd, &records, sizeof(records), MSG_NOSIGNAL);
    FCGX_Detach(&f->request);
    FCGX_Free(&f->request, 1);
}

/* The end of the connection alone is not enough: nginx takes it for the end of the answer, unless
 * it was told to keep connections. A record of no known version is an error to all. */
static void end_broken(struct fcgi *f) {
    const FCGI_Header nonsense = {.version = 0xff, .type = 0xff};

    (void)send(f->request.ipcFd, &nonsense, sizeof(nonsense), MSG_NOSIGNAL);
    FCGX_Detach(&f->request);
    FCGX_Free(&f->request, 1);
}

void fcgi_finish(struct fcgi *f, bool whole, bool drained) {
    bool kept = f->request.keepConnection != 0;

    disarm(f);
    f->request.keepConnection = 0;
    if (!whole) {
        end_broken(f);
    } else if (drained && kept) {
        end_kept(f);
    } else if (drained) {
        FCGX_Detach(&f->request);
        FCGX_Finish_r(&f->request);
    } else {
        arm(f); /* libfcgi reads what is left until the front server closes */
        FCGX_Finish_r(&f->request);
        disarm(f);
    }
    FCGI_stdin->fcgx_stream = FCGI_stdout->fcgx_stream = FCGI_stderr->fcgx_stream = NULL;
}
