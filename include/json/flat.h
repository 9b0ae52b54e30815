/* flat.h: pieces of JSON on one line, into a buffer: for what is written a million times. The
 * caller sees to brackets, commas and keys; texts that can't stand between quotes as they are go
 * through the writer. What they add is what the writer would have written. */
#ifndef MUSTER_JSON_FLAT_H
#define MUSTER_JSON_FLAT_H

#include "base/buf.h"
#include "json/writer.h"

/* A string; NULL: null. `w` is free: no document is being written by it. */
void json_flat_string(struct buf *b, struct json_writer *w, const char *text);
void json_flat_string_n(struct buf *b, struct json_writer *w, const char *text, size_t n);

void json_flat_int(struct buf *b, int64_t number);

/* Text of the program, as it is. */
static inline void json_flat_literal(struct buf *b, const char *text) {
    size_t n = strlen(text);

    if (b->capacity > b->len + n) {
        memcpy(b->data + b->len, text, n);
        b->data[b->len += n] = '\0';
    } else {
        buf_add(b, text, n);
    }
}

#endif
