/* log.h: one line for each message, errno preserved. */
#ifndef MUSTER_BASE_LOG_H
#define MUSTER_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
#define LOG_LEVEL_NAMES "debug, info, warning, error"
enum log_destination { LOG_TO_STDERR, LOG_TO_FILE, LOG_TO_SYSLOG };

/* The level of that name; false: there is none. */
bool log_level_parse(const char *name, enum log_level *out);

/* Where lines go from now on. `path` is used by LOG_TO_FILE only (opened append, created 0640).
 * Returns false, errno set, when the file can't be opened; the former destination then stays. */
bool log_open(enum log_destination destination, const char *path, enum log_level level);

/* Opens the log file again under its name (after a rotation); no file: nothing. */
bool log_reopen(void);

/* The id of the request that following messages are about: each begins with "[id] ". Borrowed until
 * the next call, of more than 124 bytes the first ones; NULL: none. */
void log_set_request(const char *id);
const char *log_get_request(void);

/* True when a message of this level would be written: to save making an expensive one. */
bool log_enabled(enum log_level level);

/* Writes one line, if the level is enabled. Control characters in the message are written as \xNN,
 * so that a request can't forge a line. A write that fails is dropped: logging never stops the
 * service. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...)   log_write(LOG_LEVEL_ERROR, __VA_ARGS__)

/* Logs at error level and ends the process with status 1. */
void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
