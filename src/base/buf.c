/* buf.c: growing bytes with a sticky error and a limit. */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_CAPACITY = 64 };

void buf_init(struct buf *b, size_t limit) {
    assert(b != NULL);
    *b = (struct buf){.limit = limit};
}

void buf_release(struct buf *b) {
    assert(b != NULL);
    free(b->data);
    buf_init(b, b->limit);
}

void buf_clear(struct buf *b) {
    assert(b != NULL);
    b->len = 0;
    b->failed = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

/* Makes room for `n` more bytes and the NUL; if it can't, sets `failed` and returns false. */
static bool make_room(struct buf *b, size_t n) {
    size_t need;
    size_t capacity;
    char *data;

    assert(b != NULL);
    if (b->failed)
        return false;
    if (n >= SIZE_MAX / 4 - b->len || (b->limit != 0 && b->len + n > b->limit)) {
        b->failed = true;
        return false;
    }
    need = b->len + n + 1;
    if (need <= b->capacity)
        return true;
    for (capacity = b->capacity < MIN_CAPACITY ? MIN_CAPACITY : b->capacity; capacity < need;)
        capacity *= 2;
    data = realloc(b->data, capacity);
    if (data == NULL) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->capacity = capacity;
    return true;
}

char *buf_extend(struct buf *b, size_t n) {
    char *at;

    if (!make_room(b, n))
        return NULL;
    at = b->data + b->len;
    b->len += n;
    b->data[b->len] = '\0';
    return at;
}

void buf_add(struct buf *b, const void *bytes, size_t n) {
    char *at;

    assert(bytes != NULL || n == 0);
    at = buf_extend(b, n);
    if (at != NULL && n > 0)
        memcpy(at, bytes, n);
}

void buf_cut(struct buf *b, size_t len) {
    assert(len <= b->len);
    if (b->data != NULL) {
        b->len = len;
        b->data[len] = '\0';
    }
}

void buf_addc(struct buf *b, char c) {
    buf_add(b, &c, 1);
}

void buf_adds(struct buf *b, const char *s) {
    assert(s != NULL);
    buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *format, ...) {
    char small[256];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (n < 0) {
        b->failed = true;
        return;
    }
    if ((size_t)n < sizeof(small)) {
        buf_add(b, small, (size_t)n);
        return;
    }
    if (!make_room(b, (size_t)n))
        return;
    va_start(args, format);
    (void)vsnprintf(b->data + b->len, (size_t)n + 1, format, args);
    va_end(args);
    b->len += (size_t)n;
}

const char *buf_cstr(const struct buf *b) {
    assert(b != NULL);
    return b->data == NULL ? "" : b->data;
}
