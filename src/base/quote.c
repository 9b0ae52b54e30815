/* quote.c: foreign text inside a message. */
#include "base/quote.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* Length of the UTF-8 sequence of two to four bytes at `p`, 0 if there is none. */
static size_t sequence(const char *p, size_t n) {
    size_t length;

    for (length = 2; length <= 4 && length <= n; length++)
        if (utf8_valid(p, length))
            return length;
    return 0;
}

static size_t put_escape(char *to, unsigned char c) {
    static const char hex[] = "0123456789abcdef";
    const char *short_form = memchr("\tt\nn\rr", c, 6);
    size_t n = 0;

    to[n++] = '\\';
    if (short_form != NULL && c < ' ') {
        to[n++] = short_form[1];
        return n;
    }
    to[n++] = 'x';
    to[n++] = hex[c >> 4];
    to[n++] = hex[c & 15];
    return n;
}

/* Writes the next character, escaped if need be, and moves *p past it. */
static size_t put_next(char *to, const char **p, size_t left, char mark) {
    unsigned char c = (unsigned char)**p;
    size_t n = c >= 0x80 ? sequence(*p, left) : 0;

    if (n == 2 && c == 0xC2 && (unsigned char)(*p)[1] < 0xA0) {
        c = (unsigned char)(*p)[1]; /* a control character of U+0080..009F */
        *p += 2;
        return put_escape(to, c);
    }
    if (n > 0) {
        memcpy(to, *p, n);
        *p += n;
        return n;
    }
    (*p)++;
    if (c < ' ' || c >= 0x7F)
        return put_escape(to, c);
    if (c == '\\' || c == (unsigned char)mark)
        to[n++] = '\\';
    to[n++] = (char)c;
    return n;
}

const char *quote_bytes(struct arena *arena, const char *text, size_t n) {
    const char *p = text;
    const char *end;
    char *out;
    size_t length = 0;
    bool cut = n > QUOTE_LIMIT;
    char mark;

    assert(arena != NULL && (text != NULL || n == 0));
    if (n == 0)
        return "''";
    end = cut ? text + QUOTE_LIMIT : text + n;
    while (cut && end > text + QUOTE_LIMIT - 4 && ((unsigned char)*end & 0xC0) == 0x80)
        end--; /* not in the middle of a character */
    mark = memchr(text, '\'', n) != NULL && memchr(text, '"', n) == NULL ? '"' : '\'';
    out = arena_alloc(arena, (size_t)(end - text) * 4 + sizeof("''..."));
    out[length++] = mark;
    while (p < end)
        length += put_next(out + length, &p, (size_t)(end - p), mark);
    out[length++] = mark;
    if (cut)
        memcpy(out + length, "...", 3);
    return out;
}

const char *quote(struct arena *arena, const char *text) {
    assert(text != NULL);
    return quote_bytes(arena, text, strlen(text));
}
