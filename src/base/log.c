/* log.c: one line for each message, errno preserved. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { PREFIX_MAX = 127, MESSAGE_MAX = 2047, PATH_BYTES = 4096 };

/* Global, as one process writes one log. `fd` is the file's or standard error's. */
static struct {
    enum log_destination destination;
    enum log_level level;
    int fd;
    char path[PATH_BYTES];
    const char *request; /* NULL: none */
} state = {.destination = LOG_TO_STDERR, .level = LOG_LEVEL_INFO, .fd = STDERR_FILENO};

static const struct {
    const char *name;
    int syslog;
} levels[] = {
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
    [LOG_LEVEL_INFO] = {"info", LOG_INFO},
    [LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
};

bool log_level_parse(const char *name, enum log_level *out) {
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(levels[i].name, name) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static int open_file(const char *path) {
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

static void close_former(void) {
    int saved = errno;

    if (state.destination == LOG_TO_FILE)
        (void)close(state.fd);
    else if (state.destination == LOG_TO_SYSLOG)
        closelog();
    errno = saved;
}

bool log_open(enum log_destination destination, const char *path, enum log_level level) {
    int fd = STDERR_FILENO;

    if (destination == LOG_TO_FILE) {
        if (strlen(path) >= sizeof(state.path)) {
            errno = ENAMETOOLONG;
            return false;
        }
        fd = open_file(path);
        if (fd < 0)
            return false;
    }
    close_former();
    if (destination == LOG_TO_FILE)
        memcpy(state.path, path, strlen(path) + 1);
    else if (destination == LOG_TO_SYSLOG)
        openlog("muster", LOG_PID | LOG_NDELAY, LOG_DAEMON);
    state.destination = destination;
    state.level = level;
    state.fd = fd;
    return true;
}

bool log_reopen(void) {
    int fd;

    if (state.destination != LOG_TO_FILE)
        return true;
    fd = open_file(state.path);
    if (fd < 0)
        return false;
    (void)close(state.fd);
    state.fd = fd;
    return true;
}

void log_set_request(const char *id) {
    state.request = id;
}

const char *log_get_request(void) {
    return state.request;
}

bool log_enabled(enum log_level level) {
    return level >= state.level;
}

/* Length of the control character at `p` (a C1 one is two bytes in UTF-8), 0 for any other. */
static size_t control_length(const char *p) {
    const unsigned char *u = (const unsigned char *)p;

    if (u[0] < 0x20 || u[0] == 0x7F)
        return 1;
    return u[0] == 0xC2 && u[1] >= 0x80 && u[1] <= 0x9F ? 2 : 0;
}

/* Copies `text` to `out` with control characters as \xNN; returns the bytes written, no NUL. */
static size_t escape(char *out, size_t room, const char *text) {
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;

    while (*text != '\0' && n + 4 <= room) {
        size_t i = control_length(text);

        if (i == 0)
            out[n++] = *text++;
        for (; i > 0 && n + 4 <= room; i--, text++) {
            out[n++] = '\\';
            out[n++] = 'x';
            out[n++] = hex[(unsigned char)*text >> 4];
            out[n++] = hex[(unsigned char)*text & 15];
        }
    }
    return n;
}

/* One write for the line and its end, so that lines of several workers don't mix. */
static void write_line(enum log_level level, const char *text, size_t n) {
    char line[(PREFIX_MAX + MESSAGE_MAX) * 4 + 256];
    char when[32] = "";
    struct timespec now = {0};
    struct tm tm;
    int head;

    if (clock_gettime(CLOCK_REALTIME, &now) == 0 && gmtime_r(&now.tv_sec, &tm) != NULL)
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    head = snprintf(line, 128, "%s.%03ldZ %ld %s: ", when, now.tv_nsec / 1000000, (long)getpid(),
                    levels[level].name);
    if (head < 0)
        return;
    memcpy(line + head, text, n);
    line[(size_t)head + n] = '\n';
    if (write(state.fd, line, (size_t)head + n + 1) < 0)
        return; /* dropped, as the header says */
}

static void write_message(enum log_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void write_message(enum log_level level, const char *format, va_list args) {
    char message[MESSAGE_MAX + 1], prefix[PREFIX_MAX + 1] = "";
    char safe[(PREFIX_MAX + MESSAGE_MAX) * 4 + 1];
    size_t n;
    int wanted = vsnprintf(message, sizeof(message), format, args);

    if (wanted < 0)
        (void)snprintf(message, sizeof(message), "(message could not be formatted: %s)", format);
    else if ((size_t)wanted >= sizeof(message))
        memcpy(message + sizeof(message) - 4, "...", 4);
    if (state.request != NULL)
        (void)snprintf(prefix, sizeof(prefix), "[%.*s] ", PREFIX_MAX - 3, state.request);
    n = escape(safe, (size_t)PREFIX_MAX * 4, prefix);
    n += escape(safe + n, sizeof(safe) - 1 - n, message);
    safe[n] = '\0';
    if (state.destination == LOG_TO_SYSLOG)
        syslog(levels[level].syslog, "%s", safe);
    else
        write_line(level, safe, n);
}

void log_write(enum log_level level, const char *format, ...) {
    int saved = errno;
    va_list args;

    if (!log_enabled(level))
        return;
    va_start(args, format);
    write_message(level, format, args);
    va_end(args);
    errno = saved;
}

void log_fatal(const char *format, ...) {
    va_list args;

    va_start(args, format);
    write_message(LOG_LEVEL_ERROR, format, args);
    va_end(args);
    exit(EXIT_FAILURE);
}
