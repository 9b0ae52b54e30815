/* fcgi.c: FastCGI requests through libfcgi, which only this file uses. */
#include "server/fcgi.h"

#include "config.h" /* _GNU_SOURCE, for memfd_create */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

/* The wrapped streams are named as such: stdin is not redefined here. */
#define NO_FCGI_DEFINES 1
#include <fastcgi.h>
#include <fcgi_stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/records.h"
#include "server/send.h"

enum { MAX_VARIABLES = 1024, HASHES = 64, QUICK_MAX = 32 * 1024, LONG_PIECE = 16 * 1024 };

/* A variable, and the next one with this hash (+ 1). */
struct variable {
    struct records_param param;
    uint16_t next;
};

struct fcgi {
    FCGX_Request request;
    struct records records; /* what the front server sends */
    FCGX_Stream body;       /* reads the body from them */
    struct variable variables[MAX_VARIABLES];
    size_t variable_count;
    uint16_t by_hash[HASHES];     /* the first one (+ 1) */
    const unsigned char *content; /* where libfcgi buffers the response */
    size_t written;               /* bytes of the response */
    size_t quick;                 /* bytes that a new connection takes without waiting */
    int listen_fd;
    bool tcp;
    bool limited;           /* sending has its timeout */
    bool pieces;            /* each piece of the body has its timeout */
    int timeout;            /* milliseconds for a request to arrive */
    struct timeval sending; /* for a piece of the response to be sent */
};

/* --- timeouts --- */

/* The connection that is read from, and until when. Setting a timer for each request and removing
 * it would be two system calls; so a timer that was set stays, and its handler looks whether the
 * request is late. Global, as signals are. */
static struct {
    volatile sig_atomic_t fd; /* -1: none is read from */
    volatile sig_atomic_t ticking;
    int64_t until; /* clock_us() */
} reading = {.fd = -1};

static struct timeval in_milliseconds(int ms) {
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* 0: never. */
static void set_timer(int ms) {
    const struct itimerval timer = {.it_value = in_milliseconds(ms)};

    reading.ticking = ms > 0;
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* A late client's connection is shut down, which is an error to libfcgi. */
static void on_alarm(int signal) {
    int saved = errno;

    (void)signal;
    reading.ticking = 0;
    if (reading.fd >= 0) {
        int64_t left = reading.until - clock_us();

        if (left > 0)
            set_timer((int)((left + 999) / 1000));
        else
            shutdown(reading.fd, SHUT_RD);
    }
    errno = saved;
}

static void take_alarm(void) {
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
}

static void arm(const struct fcgi *f, int fd) {
    reading.until = clock_us() + f->timeout * INT64_C(1000);
    reading.fd = fd;
    if (!reading.ticking)
        set_timer(f->timeout);
}

static void disarm(void) {
    reading.fd = -1;
}

/* A large response may have to wait for the front server. A signal would truncate it then. */
static void limit_sending(struct fcgi *f) {
    if (!f->limited)
        setsockopt(f->request.ipcFd, SOL_SOCKET, SO_SNDTIMEO, &f->sending, sizeof(f->sending));
    f->limited = true;
    if (reading.ticking)
        set_timer(0);
}

/* --- life --- */

/* A file with the head of a request without parameters. */
static int head_file(void) {
    static const struct {
        FCGI_BeginRequestRecord begin;
        FCGI_Header no_params;
    } text = {.begin = {.header = {.version = FCGI_VERSION_1,
                                   .type = FCGI_BEGIN_REQUEST,
                                   .requestIdB0 = 1,
                                   .contentLengthB0 = sizeof(FCGI_BeginRequestBody)},
                        .body = {.roleB0 = FCGI_RESPONDER}},
              .no_params = {.version = FCGI_VERSION_1, .type = FCGI_PARAMS, .requestIdB0 = 1}};
    int fd = memfd_create("request", MFD_CLOEXEC);

    if (fd >= 0 && write(fd, &text, sizeof(text)) != (ssize_t)sizeof(text)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* That file, one for all requests of the process; opened with the first slot, so that a worker
 * has the same descriptors from its beginning. */
static int head_fd = -1;

struct fcgi *fcgi_new(const struct settings *settings, int listen_fd) {
    struct fcgi *f = calloc(1, sizeof(*f));
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(address);

    if (f == NULL || FCGX_Init() != 0) {
        log_error("libfcgi can't start: %s", strerror(errno));
        free(f);
        return NULL;
    }
    /* Without a socket to listen on: connections are accepted here and handed to libfcgi. */
    FCGX_InitRequest(&f->request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
    f->listen_fd = listen_fd;
    if (getsockname(listen_fd, (struct sockaddr *)&address, &size) == 0)
        f->tcp = address.ss_family == AF_INET || address.ss_family == AF_INET6;
    f->timeout = settings->body_timeout;
    f->sending = in_milliseconds(settings->send_timeout);
    take_alarm();
    if (head_fd < 0)
        head_fd = head_file();
    return f;
}

void fcgi_free(struct fcgi **f) {
    if (*f != NULL)
        records_release(&(*f)->records);
    free(*f);
    *f = NULL;
}

/* --- accepting --- */

/* Logged once a second: it can happen for every request. */
static enum fcgi_accept accept_failed(void) {
    static int64_t said;
    int64_t second = clock_ms() / 1000;

    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
        return ACCEPT_NONE;
    if (second != said)
        log_error("accept: %s", strerror(errno));
    said = second;
    return ACCEPT_EXHAUSTED;
}

/* A Unix socket has its whole buffer from the start; what fits well into it is sent at once. */
static size_t quick_bytes(const struct fcgi *f, int fd) {
    int size = 0;
    socklen_t n = sizeof(size);

    if (f->tcp || getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &n) != 0)
        return 0;
    return size / 4 < QUICK_MAX ? (size_t)size / 4 : QUICK_MAX;
}

static int accept_connection(struct fcgi *f) {
    static const int on = 1;
    int fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return -1;
    if (f->tcp)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (f->quick == 0)
        f->quick = quick_bytes(f, fd);
    return fd;
}

static size_t hash_of(const char *name, size_t n) {
    return n == 0 ? 0 : (n * 5 + (unsigned char)name[n - 1]) % HASHES;
}

/* About thirty variables are looked up in each request: a hash takes a fraction of the time of a
 * search. Of two with the same name the first comes first in its list. False: records.problem says
 * what is wrong. */
static bool index_variables(struct fcgi *f) {
    struct records_param param;
    size_t at = 0;

    f->variable_count = 0;
    while (records_param(&f->records, &at, &param)) {
        if (f->variable_count == MAX_VARIABLES) {
            f->records.problem = "more than 1024 parameters";
            return false;
        }
        f->variables[f->variable_count++].param = param;
    }
    memset(f->by_hash, 0, sizeof(f->by_hash));
    for (size_t i = f->variable_count; i > 0; i--) {
        struct variable *v = &f->variables[i - 1];
        uint16_t *first = &f->by_hash[hash_of(v->param.name, v->param.name_length)];

        /* where the next one's length was, which has been read */
        v->param.value[v->param.value_length] = '\0';
        v->next = *first;
        *first = (uint16_t)i;
    }
    return f->records.problem == NULL;
}

/* The request begins for libfcgi, which gets to read nothing that a client sent: it ends the
 * process over a length that is wrong, or over a connection that breaks at the wrong byte. False:
 * out of memory. */
static bool open_request(struct fcgi *f, int fd) {
    if (head_fd < 0)
        head_fd = head_file();
    if (head_fd < 0 || lseek(head_fd, 0, SEEK_SET) != 0)
        return false;
    /* As if this were the next request on a connection that was kept open: libfcgi then reads from
     * it instead of accepting one. */
    f->request.ipcFd = head_fd;
    f->request.keepConnection = 1;
    FCGX_Detach(&f->request);
    if (FCGX_Accept_r(&f->request) != 0) {
        head_fd = -1; /* closed */
        return false;
    }
    FCGX_Attach(&f->request);
    f->request.ipcFd = fd;
    f->request.requestId = (int)f->records.request_id;
    f->request.keepConnection = f->records.keep;
    return true;
}

static void log_problem(const struct records *records) {
    if (records->problem != NULL)
        log_warning("FastCGI: %s: the connection is closed", records->problem);
    else
        log_debug("a connection without a request");
}

/* FCGX_Stream's way of asking for more. */
static void fill_body(FCGX_Stream *stream) {
    struct records *records = stream->data;
    long n = records_body(records, &stream->rdNext);

    stream->stop = stream->rdNext + (n > 0 ? n : 0);
    stream->isClosed = n <= 0;
    if (n < 0) {
        stream->FCGI_errno = FCGX_PROTOCOL_ERROR;
        log_problem(records);
    }
}

static bool read_request(struct fcgi *f, int fd) {
    bool ok = records_begin(&f->records, fd) && index_variables(f);

    if (!ok)
        log_problem(&f->records);
    return ok && open_request(f, fd);
}

enum fcgi_accept fcgi_accept(struct fcgi *f) {
    int fd = accept_connection(f);

    if (fd < 0)
        return accept_failed();
    f->limited = f->pieces = false;
    arm(f, fd);
    if (!read_request(f, fd)) {
        disarm();
        close(fd);
        return ACCEPT_NO_REQUEST;
    }
    f->body = (FCGX_Stream){.isReader = 1,
                            .fillBuffProc = fill_body,
                            .data = &f->records,
                            .rdNext = f->records.bytes,
                            .stop = f->records.bytes};
    f->content = f->request.out->wrNext;
    f->written = 0;
    return ACCEPT_OK;
}

void fcgi_resume(struct fcgi *f) {
    arm(f, f->request.ipcFd);
}

void fcgi_end_timer(void) {
    disarm();
    if (reading.ticking)
        set_timer(0);
}

/* --- the request --- */

/* The next one of this name, from the one with this number on (+ 1); NULL: there is none. */
static const struct variable *find_variable(const struct fcgi *f, size_t from, const char *name,
                                            size_t n) {
    for (size_t i = from; i > 0; i = f->variables[i - 1].next) {
        const struct variable *v = &f->variables[i - 1];

        if (v->param.name_length == n && memcmp(v->param.name, name, n) == 0)
            return v;
    }
    return NULL;
}

static const char *fcgi_variable(void *context, const char *name) {
    const struct fcgi *f = context;
    size_t n = strlen(name);
    const struct variable *found = find_variable(f, f->by_hash[hash_of(name, n)], name, n);

    return found != NULL ? found->param.value : NULL;
}

static size_t fcgi_variable_count(void *context, const char *name) {
    const struct fcgi *f = context;
    size_t n = strlen(name), count = 0;
    const struct variable *found = find_variable(f, f->by_hash[hash_of(name, n)], name, n);

    for (; found != NULL; found = find_variable(f, found->next, name, n))
        count++;
    return count;
}

/* The wrapped streams are the process's; several requests may be in flight. */
static void select_streams(struct fcgi *f) {
    FCGI_stdin->fcgx_stream = &f->body;
    FCGI_stdout->fcgx_stream = f->request.out;
    FCGI_stderr->fcgx_stream = f->request.err;
}

static long fcgi_read(void *context, char *bytes, size_t n) {
    struct fcgi *f = context;
    size_t got;

    select_streams(f);
    if (f->pieces)
        arm(f, f->request.ipcFd);
    got = FCGI_fread(bytes, 1, n, FCGI_stdin);
    if (f->pieces || got == 0)
        disarm();
    if (got > 0)
        return (long)got;
    return FCGI_ferror(FCGI_stdin) != 0 ? -1 : 0;
}

static void fcgi_read_pieces(void *context) {
    struct fcgi *f = context;

    f->pieces = true;
}

/* What was written of the response leaves. */
static bool fcgi_push(void *context) {
    struct fcgi *f = context;

    select_streams(f);
    disarm();
    return f->written == 0 || FCGI_fflush(FCGI_stdout) == 0;
}

static bool fcgi_write(void *context, const char *bytes, size_t n) {
    struct fcgi *f = context;

    select_streams(f);
    disarm(); /* the body may not have been read to its end */
    f->written += n;
    if (f->written > f->quick)
        limit_sending(f);
    if (n >= LONG_PIECE)
        return FCGI_fflush(FCGI_stdout) == 0 &&
               send_output(f->request.ipcFd, (unsigned)f->request.requestId, bytes, n);
    return FCGI_fwrite((void *)(uintptr_t)bytes, 1, n, FCGI_stdout) == n;
}

struct transport fcgi_transport(struct fcgi *f) {
    return (struct transport){.variable = fcgi_variable,
                              .variable_count = fcgi_variable_count,
                              .read = fcgi_read,
                              .read_pieces = fcgi_read_pieces,
                              .out = {.write = fcgi_write, .flush = fcgi_push, .context = f},
                              .client_fd = f->request.ipcFd,
                              .context = f};
}

/* --- the end --- */

/* What libfcgi has not sent yet. If that is the whole response it can be sent together with its
 * end; else libfcgi sends it, and nothing is left. False: the client is gone. */
static bool take_unsent(struct fcgi *f, unsigned char head[RECORDS_HEADER], struct iovec parts[2]) {
    FCGX_Stream *out = f->request.out;

    if (f->written == 0 || f->written > FCGI_MAX_LENGTH ||
        (size_t)(out->wrNext - f->content) != f->written) {
        parts[0].iov_len = parts[1].iov_len = 0;
        return FCGI_fflush(FCGI_stdout) == 0;
    }
    records_output(head, (unsigned)f->request.requestId, f->written);
    parts[0] = (struct iovec){.iov_base = head, .iov_len = RECORDS_HEADER};
    parts[1] = (struct iovec){.iov_base = out->wrNext - f->written, .iov_len = f->written};
    return true;
}

/* libfcgi's way of ending leaves room for the front server's next request on this connection: of
 * 62,000 POST requests through nginx 200 failed. */
static void end_kept(struct fcgi *f) {
    unsigned char head[RECORDS_HEADER], ending[RECORDS_MAX_ENDING];
    struct iovec parts[3] = {
        [2] = {.iov_base = ending,
               .iov_len = records_ending(ending, (unsigned)f->request.requestId, true)}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};

    select_streams(f);
    if (take_unsent(f, head, parts))
        (void)sendmsg(f->request.ipcFd, &message, MSG_NOSIGNAL);
    FCGX_Detach(&f->request);
    FCGX_Free(&f->request, 1);
}

static void end_broken(struct fcgi *f) {
    send_break(f->request.ipcFd);
    FCGX_Detach(&f->request);
    FCGX_Free(&f->request, 1);
}

void fcgi_finish(struct fcgi *f, bool whole, bool drained) {
    bool kept = f->request.keepConnection != 0;

    disarm();
    f->request.keepConnection = 0;
    if (!whole) {
        end_broken(f);
    } else if (drained && kept) {
        end_kept(f);
    } else if (drained) {
        FCGX_Detach(&f->request);
        FCGX_Finish_r(&f->request);
    } else {
        arm(f, f->request.ipcFd); /* libfcgi reads what is left until the front server closes */
        FCGX_Finish_r(&f->request);
        disarm();
    }
    FCGI_stdin->fcgx_stream = FCGI_stdout->fcgx_stream = FCGI_stderr->fcgx_stream = NULL;
}

/* --- handing over --- */

struct fcgi_connection fcgi_connection(const struct fcgi *f) {
    return (struct fcgi_connection){.fd = f->request.ipcFd,
                                    .request_id = (unsigned)f->request.requestId,
                                    .keep = f->request.keepConnection != 0};
}

/* Detached, libfcgi closes its descriptor without shutting the connection down. */
void fcgi_release(struct fcgi *f) {
    disarm();
    f->request.keepConnection = 0;
    FCGX_Detach(&f->request);
    FCGX_Free(&f->request, 1);
    FCGI_stdin->fcgx_stream = FCGI_stdout->fcgx_stream = FCGI_stderr->fcgx_stream = NULL;
}
