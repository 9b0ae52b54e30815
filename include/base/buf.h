/* buf.h: growing bytes with a sticky error and a limit. */
#ifndef MUSTER_BASE_BUF_H
#define MUSTER_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* Plain data: `len` bytes at `data`, always followed by a NUL that is not counted. `failed` is set
 * when an append went over `limit` (0: no limit) or memory ran out; later appends then do nothing,
 * so callers append freely and ask once. */
struct buf {
    char *data;
    size_t len;
    size_t capacity;
    size_t limit;
    bool failed;
};

/* An empty buffer that may grow to `limit` bytes (0: unlimited). Allocates nothing. */
void buf_init(struct buf *b, size_t limit);

/* Frees the bytes; the buffer is as after buf_init with the same limit. */
void buf_release(struct buf *b);

/* Empties it and clears `failed`, keeps the memory. */
void buf_clear(struct buf *b);

/* Appends `n` bytes / one byte / a C string / formatted text. */
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends `n` bytes that the caller fills in; NULL, and `failed` set, when there is no room. */
char *buf_extend(struct buf *b, size_t n);

/* Takes bytes off the end: `len` are left. */
void buf_cut(struct buf *b, size_t len);

/* The bytes as a C string, "" when nothing was ever appended; owned by the buffer. */
const char *buf_cstr(const struct buf *b);

#endif
