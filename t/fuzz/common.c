/* common.c: input in parts, promises, and oracles that share no code with src/. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/reader.h"
#include "json/writer.h"

#include "fuzz.h"

void broken(const char *promise, const char *file, int line) {
    fprintf(stderr, "%s:%d: not kept: %s\n", file, line, promise);
    abort();
}

/* --- input --- */

const char *take_text(struct input *in) {
    size_t n = strnlen(in->at, in->left);
    const char *text = arena_strndup(in->arena, in->at, n);

    in->at += n;
    in->left -= n;
    (void)take_byte(in); /* the NUL, if there is one */
    return text;
}

const char *take_optional(struct input *in) {
    const char *text = take_text(in);

    return strcmp(text, "-") == 0 ? NULL : text;
}

unsigned char take_byte(struct input *in) {
    if (in->left == 0)
        return 0;
    in->left--;
    return (unsigned char)*in->at++;
}

const char *take_rest(struct input *in, size_t *n) {
    const char *rest = in->at;

    *n = in->left;
    in->at += in->left;
    in->left = 0;
    return rest;
}

void promise_message(const char *message) {
    PROMISE(message != NULL);
    PROMISE(*message != '\0');
    PROMISE(count_characters(message, strlen(message)) != SIZE_MAX);
}

/* --- UTF-8, by decoding and comparing with the shortest encoding --- */

static size_t encoded_length(uint32_t c) {
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

/* Bytes of the character at `p`, 0: none that may be there. */
static size_t character(const unsigned char *p, size_t left) {
    size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);

    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    return c == 0 || c > 0x10ffff || c >> 11 == 0x1b || encoded_length(c) != n ? 0 : n;
}

size_t count_characters(const char *bytes, size_t n) {
    const unsigned char *p = (const unsigned char *)bytes;
    size_t count = 0;

    for (size_t i = 0; i < n; count++) {
        size_t length = character(p + i, n - i);

        if (length == 0)
            return SIZE_MAX;
        i += length;
    }
    return count;
}

bool has_dot_segment(struct arena *arena, const char *text) {
    const char *between = arena_printf(arena, "/%s/", text);

    return strstr(between, "/./") != NULL || strstr(between, "/../") != NULL;
}

/* --- JSON, by a grammar without recursion: a stack of open brackets --- */

struct scan {
    const char *p;
    const char *end;
};

static void skip_space(struct scan *s) {
    while (s->p < s->end && memchr(" \t\r\n", *s->p, 4) != NULL)
        s->p++;
}

static bool skip_char(struct scan *s, char c) {
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

static bool skip_digits(struct scan *s) {
    const char *start = s->p;

    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > start;
}

static bool skip_number(struct scan *s) {
    skip_char(s, '-');
    if (!skip_char(s, '0') && !skip_digits(s))
        return false;
    if (skip_char(s, '.') && !skip_digits(s))
        return false;
    if (skip_char(s, 'e') || skip_char(s, 'E')) {
        if (!skip_char(s, '+'))
            skip_char(s, '-');
        return skip_digits(s);
    }
    return true;
}

static bool skip_word(struct scan *s, const char *word) {
    size_t n = strlen(word);

    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return false;
    s->p += n;
    return true;
}

static bool skip_escape(struct scan *s) {
    if (skip_char(s, 'u')) {
        for (int i = 0; i < 4; i++)
            if (s->p == s->end || memchr("0123456789abcdefABCDEF", *s->p++, 22) == NULL)
                return false;
        return true;
    }
    return s->p < s->end && memchr("\"\\/bfnrt", *s->p++, 8) != NULL;
}

static bool skip_string(struct scan *s) {
    if (!skip_char(s, '"'))
        return false;
    while (s->p < s->end) {
        if (skip_char(s, '"'))
            return true;
        if ((unsigned char)*s->p < 0x20)
            return false;
        if (*s->p++ == '\\' && !skip_escape(s))
            return false;
    }
    return false;
}

static bool skip_scalar(struct scan *s) {
    if (s->p == s->end)
        return false;
    switch (*s->p) {
    case '"': return skip_string(s);
    case 't': return skip_word(s, "true");
    case 'f': return skip_word(s, "false");
    case 'n': return skip_word(s, "null");
    default: return skip_number(s);
    }
}

static bool skip_key(struct scan *s) {
    skip_space(s);
    if (!skip_string(s))
        return false;
    skip_space(s);
    return skip_char(s, ':');
}

/* Behind a value: closes what ends here. *more: another value follows. */
static bool after_value(struct scan *s, struct buf *open, bool *more) {
    for (*more = false; open->len > 0; open->len--) {
        char bracket = open->data[open->len - 1];

        skip_space(s);
        if (skip_char(s, ',')) {
            *more = true;
            return bracket == '[' || skip_key(s);
        }
        if (!skip_char(s, bracket == '[' ? ']' : '}'))
            return false;
    }
    return true;
}

static bool skip_values(struct scan *s, struct buf *open) {
    bool more = true;

    while (more) {
        skip_space(s);
        if (skip_char(s, '[')) {
            skip_space(s);
            buf_addc(open, '[');
            if (s->p == s->end || *s->p != ']')
                continue;
            open->len--;
            s->p++;
        } else if (skip_char(s, '{')) {
            skip_space(s);
            if (!skip_char(s, '}')) {
                buf_addc(open, '{');
                if (!skip_key(s))
                    return false;
                continue;
            }
        } else if (!skip_scalar(s)) {
            return false;
        }
        if (!after_value(s, open, &more))
            return false;
    }
    skip_space(s);
    return s->p == s->end;
}

bool is_json(const char *bytes, size_t n) {
    struct scan s = {bytes, bytes + n};
    struct buf open;
    bool is;

    if (count_characters(bytes, n) == SIZE_MAX)
        return false;
    buf_init(&open, 0);
    is = skip_values(&s, &open);
    buf_release(&open);
    return is;
}

/* --- printing --- */

bool take_output(void *buf, const char *bytes, size_t n) {
    buf_add(buf, bytes, n);
    return true;
}

const char *print_json(struct arena *arena, const struct json_node *node, bool minify) {
    struct json_writer *w = json_writer_new();
    struct buf out;
    const char *text;

    buf_init(&out, 0);
    json_begin(w, minify, take_output, &out);
    json_tree(w, node);
    PROMISE(json_end(w));
    text = arena_strndup(arena, buf_cstr(&out), out.len);
    buf_release(&out);
    json_writer_free(&w);
    return text;
}
