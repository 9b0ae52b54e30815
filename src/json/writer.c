/* writer.c: JSON text in Python's layout, made by yajl_gen. */
#include "json/writer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>

#include "base/log.h"
#include "base/num.h"
#include "base/utf8.h"
#include "json/decimal.h"
#include "json/plain.h"

/* yajl_gen keeps its states in a fixed array of 128. */
enum { DEPTH_MAX = 127, BUFFER = 8192, PLAIN_MAX = 4096, SHORT_LINE = 33 };

/* yajl writes without spaces; those of the layout are put in on the way (it could indent, but with
 * a piece for each level, and "[", a blank line and "]" for an empty array). A container is held
 * back in `held` until its first member; closed before that it goes out as a literal. `kinds` has
 * the opening bracket of each container that is open; `level` is how many of them are out. */
struct json_writer {
    yajl_gen gen;
    json_sink sink;
    void *context;
    bool minify;
    bool failed;
    bool in_string;
    bool after_key;
    bool complete;
    char held; /* '[', '{' or 0 */
    size_t depth;
    size_t level;
    size_t used;
    char kinds[DEPTH_MAX];
    char buffer[BUFFER + SHORT_LINE]; /* put_line writes beyond what it takes */
};

static void flush(struct json_writer *w) {
    if (w->used > 0 && !w->failed && !w->sink(w->context, w->buffer, w->used))
        w->failed = true;
    w->used = 0;
}

/* Room for so many bytes, fewer than the buffer has. */
static inline char *room(struct json_writer *w, size_t n) {
    char *at;

    if (n > (size_t)BUFFER - w->used)
        flush(w);
    at = w->buffer + w->used;
    w->used += n;
    return at;
}

static void put(struct json_writer *w, const char *bytes, size_t n) {
    if (n < BUFFER) {
        memcpy(room(w, n), bytes, n);
        return;
    }
    flush(w);
    w->failed = w->failed || !w->sink(w->context, bytes, n);
}

/* The next line, at its indent. */
static void put_line(struct json_writer *w) {
    static const char line[SHORT_LINE + 1] = "\n                                ";
    size_t n = 1 + JSON_INDENT * w->level;
    char *at = room(w, n);

    memcpy(at, line, SHORT_LINE); /* of a fixed length: no call */
    if (n > SHORT_LINE)
        memset(at + 1, ' ', n - 1);
}

/* A character that is no part of a string: Python's ", " and ": ", or lines. */
static void put_mark(struct json_writer *w, char mark) {
    if (w->minify) {
        *room(w, 1) = mark;
        if (mark == ',' || mark == ':')
            *room(w, 1) = ' ';
        return;
    }
    switch (mark) {
    case '[':
    case '{': w->level++; break;
    case ']':
    case '}':
        w->level--;
        put_line(w);
        *room(w, 1) = mark;
        return;
    case ':': put(w, ": ", 2); return;
    case ',': break;
    default: *room(w, 1) = mark; return; /* a digit */
    }
    *room(w, 1) = mark;
    put_line(w);
}

/* yajl prints brackets, separators and quotes as pieces of one byte, but so it does a string that
 * is just ",". What tells them apart are the quotes around strings; a quote in a string comes with
 * its backslash. */
static void print(void *context, const char *bytes, size_t n) {
    struct json_writer *w = context;

    if (w->failed || n == 0)
        return;
    if (n != 1) {
        put(w, bytes, n);
        return;
    }
    w->in_string ^= *bytes == '"';
    if (*bytes == '"' || w->in_string)
        *room(w, 1) = *bytes;
    else
        put_mark(w, *bytes);
}

struct json_writer *json_writer_new(void) {
    struct json_writer *w = calloc(1, sizeof(*w));

    if (w != NULL)
        w->gen = yajl_gen_alloc(NULL);
    if (w == NULL || w->gen == NULL)
        log_fatal("out of memory: no room for a JSON writer");
    (void)yajl_gen_config(w->gen, yajl_gen_print_callback, print, w);
    w->failed = true; /* until a document begins */
    return w;
}

void json_writer_free(struct json_writer **w) {
    assert(w != NULL);
    if (*w == NULL)
        return;
    yajl_gen_free((*w)->gen);
    free(*w);
    *w = NULL;
}

void json_begin(struct json_writer *w, bool minify, json_sink sink, void *context) {
    assert(w != NULL && sink != NULL);
    yajl_gen_reset(w->gen, NULL);
    w->sink = sink;
    w->context = context;
    w->minify = minify;
    w->failed = w->in_string = w->after_key = w->complete = false;
    w->held = 0;
    w->depth = 0;
    w->level = 0;
    w->used = 0;
}

bool json_set_minify(struct json_writer *w, bool minify) {
    bool before = w->minify;

    assert(w->held == 0); /* else its bracket would be written in the other layout */
    w->minify = minify;
    return before;
}

static void check(struct json_writer *w, yajl_gen_status status) {
    if (status != yajl_gen_status_ok)
        w->failed = true;
}

/* Writes the bracket that was held back. */
static void release_held(struct json_writer *w) {
    if (w->held == '[')
        check(w, yajl_gen_array_open(w->gen));
    else if (w->held == '{')
        check(w, yajl_gen_map_open(w->gen));
    w->held = 0;
}

static bool in_object(const struct json_writer *w) {
    return w->depth > 0 && w->kinds[w->depth - 1] == '{';
}

/* True if a value may come now; then everything in front of it is written. */
static bool before_value(struct json_writer *w) {
    assert(w != NULL);
    if (w->complete || in_object(w) != w->after_key)
        w->failed = true;
    if (w->failed)
        return false;
    w->after_key = false;
    w->complete = w->depth == 0;
    release_held(w);
    return !w->failed;
}

static void open_container(struct json_writer *w, char kind) {
    if (!before_value(w))
        return;
    if (w->depth == DEPTH_MAX) {
        w->failed = true;
        return;
    }
    w->complete = false;
    w->held = kind;
    w->kinds[w->depth++] = kind;
}

static void close_container(struct json_writer *w, char kind) {
    assert(w != NULL);
    if (w->failed || w->after_key || w->depth == 0 || w->kinds[w->depth - 1] != kind) {
        w->failed = true;
        return;
    }
    w->depth--;
    w->complete = w->depth == 0;
    if (w->held != 0) {
        w->held = 0;
        check(w, yajl_gen_number(w->gen, kind == '[' ? "[]" : "{}", 2));
    } else if (kind == '[') {
        check(w, yajl_gen_array_close(w->gen));
    } else {
        check(w, yajl_gen_map_close(w->gen));
    }
}

void json_array_open(struct json_writer *w) {
    open_container(w, '[');
}

void json_array_close(struct json_writer *w) {
    close_container(w, '[');
}

void json_object_open(struct json_writer *w) {
    open_container(w, '{');
}

void json_object_close(struct json_writer *w) {
    close_container(w, '{');
}

/* Writes a string that is not UTF-8 with U+FFFD for each byte that fits nowhere, and a NUL as
 * \u0000: whatever happens, what goes out is JSON. */
static void put_repaired(struct json_writer *w, const char *text, size_t n) {
    char *repaired = n > SIZE_MAX / 3 ? NULL : malloc(n * 3);
    size_t length = 0;
    size_t i = 0;

    if (repaired == NULL) {
        w->failed = true;
        return;
    }
    while (i < n) {
        size_t span = utf8_span(text + i, n - i);

        memcpy(repaired + length, text + i, span);
        length += span;
        i += span;
        if (i < n && text[i] == '\0') {
            repaired[length++] = text[i++];
        } else if (i < n) {
            memcpy(repaired + length, "\xef\xbf\xbd", 3);
            length += 3;
            i++;
        }
    }
    check(w, yajl_gen_string(w->gen, (const unsigned char *)repaired, length));
    free(repaired);
}

/* yajl takes any literal for a value: a plain string in its quotes costs it least. */
static void put_literal(struct json_writer *w, const char *text, size_t n) {
    char quoted[PLAIN_MAX + 2];

    quoted[0] = '"';
    memcpy(quoted + 1, text, n);
    quoted[n + 1] = '"';
    check(w, yajl_gen_number(w->gen, quoted, n + 2));
}

static void put_string(struct json_writer *w, const char *text, size_t n) {
    if (json_is_plain(text, n) || utf8_valid(text, n))
        check(w, yajl_gen_string(w->gen, (const unsigned char *)text, n));
    else
        put_repaired(w, text, n);
}

void json_key_n(struct json_writer *w, const char *key, size_t n) {
    assert(w != NULL && key != NULL);
    if (w->failed || w->after_key || !in_object(w)) {
        w->failed = true;
        return;
    }
    release_held(w);
    put_string(w, key, n);
    w->after_key = true;
}

void json_string(struct json_writer *w, const char *text) {
    if (text == NULL)
        json_null(w);
    else
        json_string_n(w, text, strlen(text));
}

void json_string_n(struct json_writer *w, const char *text, size_t n) {
    if (text == NULL) {
        json_null(w);
    } else if (before_value(w)) {
        if (n < PLAIN_MAX && json_is_plain(text, n))
            put_literal(w, text, n);
        else
            put_string(w, text, n);
    }
}

void json_int(struct json_writer *w, int64_t number) {
    char room[NUM_DIGITS];
    char *text;

    if (!before_value(w))
        return;
    text = num_text(room, number < 0 ? -(uint64_t)number : (uint64_t)number, 10);
    if (number < 0)
        *--text = '-';
    check(w, yajl_gen_number(w->gen, text, strlen(text)));
}

void json_number(struct json_writer *w, const char *text) {
    struct json_decimal decimal;
    size_t n;

    assert(text != NULL);
    if (!before_value(w))
        return;
    n = strlen(text);
    if (json_decimal_read(text, n, &decimal))
        check(w, yajl_gen_number(w->gen, text, n));
    else
        w->failed = true;
}

void json_bool(struct json_writer *w, bool value) {
    if (before_value(w))
        check(w, yajl_gen_bool(w->gen, value));
}

void json_null(struct json_writer *w) {
    if (before_value(w))
        check(w, yajl_gen_null(w->gen));
}

bool json_failed(const struct json_writer *w) {
    assert(w != NULL);
    return w->failed;
}

bool json_end(struct json_writer *w) {
    bool good;

    assert(w != NULL);
    if (!w->complete)
        w->failed = true;
    flush(w);
    good = !w->failed;
    w->failed = true; /* until the next document begins */
    return good;
}
