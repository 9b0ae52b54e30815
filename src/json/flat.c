/* flat.c: pieces of JSON into a buffer. */
#include "json/flat.h"

#include "base/num.h"
#include "json/plain.h"

void json_flat_string_n(struct buf *b, struct json_writer *w, const char *text, size_t n) {
    char *at;

    if (json_is_plain(text, n)) {
        at = buf_extend(b, n + 2);
        if (!at)
            return;
        at[0] = at[n + 1] = '"';
        memcpy(at + 1, text, n);
        return;
    }
    json_begin(w, true, json_to_buf, b);
    json_string_n(w, text, n);
    if (!json_end(w))
        b->failed = true;
}

void json_flat_string(struct buf *b, struct json_writer *w, const char *text) {
    if (text)
        json_flat_string_n(b, w, text, strlen(text));
    else
        json_flat_literal(b, "null");
}

void json_flat_int(struct buf *b, int64_t number) {
    char room[NUM_DIGITS];
    char *text = num_text(room, number < 0 ? -(uint64_t)number : (uint64_t)number, 10);

    if (number < 0)
        *--text = '-';
    json_flat_literal(b, text);
}
