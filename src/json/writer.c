/* writer.c: JSON text in Python's layout; yajl_gen makes the strings that need escapes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>

#include "base/log.h"
#include "base/utf8.h"
#include "json/writer.h"

enum { DEPTH_MAX = 127, INDENT = 4, BUFFER = 8192 };

/* The layout is made here, and so are strings without anything special: yajl_gen would give each
 * quote, separator and level of indent as a piece of its own. It makes all other strings.
 *
 * A container is held back in `held` until its first member, as an empty one looks different.
 * `kinds` has the opening bracket of each container that is open. */
struct json_writer {
    yajl_gen gen;
    json_sink sink;
    void *context;
    bool minify;
    bool failed;
    bool after_key;
    bool complete;
    char held; /* '[', '{' or 0 */
    size_t depth;
    size_t used;
    char kinds[DEPTH_MAX];
    char buffer[BUFFER];
};

static void flush(struct json_writer *w) {
    if (w->used > 0 && !w->failed && !w->sink(w->context, w->buffer, w->used)) {
        w->failed = true;
    }
    w->used = 0;
}

/* Room for so many bytes, fewer than the buffer has. */
static inline char *room(struct json_writer *w, size_t n) {
    char *at;

    if (n > sizeof(w->buffer) - w->used) {
        flush(w);
    }
    at = w->buffer + w->used;
    w->used += n;
    return at;
}

static void put(struct json_writer *w, const char *bytes, size_t n) {
    if (n < sizeof(w->buffer)) {
        memcpy(room(w, n), bytes, n);
        return;
    }
    flush(w);
    w->failed = w->failed || !w->sink(w->context, bytes, n);
}

static void put_char(struct json_writer *w, char c) {
    *room(w, 1) = c;
}

/* The next line, at its indent. */
static void put_line(struct json_writer *w) {
    char *at = room(w, 1 + INDENT * w->depth);

    *at = '\n';
    memset(at + 1, ' ', INDENT * w->depth);
}

/* What yajl makes of a string. */
static void print(void *context, const char *bytes, size_t n) {
    put(context, bytes, n);
}

struct json_writer *json_writer_new(void) {
    struct json_writer *w = calloc(1, sizeof(*w));

    if (w != NULL) {
        w->gen = yajl_gen_alloc(NULL);
    }
    if (w == NULL || w->gen == NULL) {
        log_fatal("out of memory: no room for a JSON writer");
    }
    (void)yajl_gen_config(w->gen, yajl_gen_print_callback, print, w);
    w->failed = true; /* until a document begins */
    return w;
}

void json_writer_free(struct json_writer **w) {
    assert(w != NULL);
    if (*w == NULL) {
        return;
    }
    yajl_gen_free((*w)->gen);
    free(*w);
    *w = NULL;
}

void json_begin(struct json_writer *w, bool minify, json_sink sink, void *context) {
    assert(w != NULL && sink != NULL);
    w->sink = sink;
    w->context = context;
    w->minify = minify;
    w->failed = w->after_key = w->complete = false;
    w->held = 0;
    w->depth = 0;
    w->used = 0;
}

/* In front of a member: the bracket that was held back, or a comma. */
static void separate(struct json_writer *w) {
    put_char(w, w->held != 0 ? w->held : ',');
    if (!w->minify) {
        put_line(w);
    } else if (w->held == 0) {
        put_char(w, ' ');
    }
    w->held = 0;
}

static bool in_object(const struct json_writer *w) {
    return w->depth > 0 && w->kinds[w->depth - 1] == '{';
}

/* True if a value may come now; then everything in front of it is written. */
static bool before_value(struct json_writer *w) {
    assert(w != NULL);
    if (w->complete || in_object(w) != w->after_key) {
        w->failed = true;
    }
    if (w->failed) {
        return false;
    }
    w->complete = w->depth == 0;
    if (w->depth > 0 && !w->after_key) {
        separate(w);
    }
    w->after_key = false;
    return !w->failed;
}

static void open_container(struct json_writer *w, char kind) {
    if (!before_value(w)) {
        return;
    }
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
        put_char(w, w->held);
        w->held = 0;
    } else if (!w->minify) {
        put_line(w);
    }
    put_char(w, kind == '[' ? ']' : '}');
}

/* A string with something special in it, in UTF-8. */
static void put_escaped(struct json_writer *w, const char *text, size_t n) {
    yajl_gen_reset(w->gen, NULL);
    if (yajl_gen_string(w->gen, (const unsigned char *)text, n) != yajl_gen_status_ok) {
        w->failed = true;
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
    put_escaped(w, repaired, length);
    free(repaired);
}

/* True where any of eight bytes is a control character, a quote, a backslash or not ASCII. */
static bool any_special(const char *p) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word, quote, backslash;

    memcpy(&word, p, sizeof(word));
    quote = word ^ (ones * '"');
    backslash = word ^ (ones * '\\');
    /* A byte that is less than what is taken from it borrows into its top bit. */
    return ((word | ((word - ones * ' ') & ~word) | ((quote - ones) & ~quote) |
             ((backslash - ones) & ~backslash)) &
            (ones * 0x80)) != 0;
}

/* True if the text is in JSON as it is: most are. */
static bool is_plain(const char *text, size_t n) {
    if (n >= sizeof(uint64_t)) {
        for (size_t i = 0; i + sizeof(uint64_t) < n; i += sizeof(uint64_t)) {
            if (any_special(text + i)) {
                return false;
            }
        }
        return !any_special(text + n - sizeof(uint64_t));
    }
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] - 0x20u > 0x7Eu - 0x20u || text[i] == '"' || text[i] == '\\') {
            return false;
        }
    }
    return true;
}

static void put_plain(struct json_writer *w, const char *text, size_t n) {
    char *at = room(w, n + 2);

    at[0] = '"';
    memcpy(at + 1, text, n);
    at[n + 1] = '"';
}

static void put_string(struct json_writer *w, const char *text, size_t n) {
    if (n < BUFFER / 2 && is_plain(text, n)) {
        put_plain(w, text, n);
    } else if (utf8_valid(text, n)) {
        put_escaped(w, text, n);
    } else {
        put_repaired(w, text, n);
    }
}

void json_key_n(struct json_writer *w, const char *key, size_t n) {
    assert(w != NULL && key != NULL);
    if (w->failed || w->after_key || !in_object(w)) {
        w->failed = true;
        return;
    }
    separate(w);
    put_string(w, key, n);
    put(w, ": ", 2);
    w->after_key = true;
}

void json_key(struct json_writer *w, const char *key) {
    assert(key != NULL);
    json_key_n(w, key, strlen(key));
}

void json_string(struct json_writer *w, const char *text) {
    if (text == NULL) {
        json_null(w);
    } else {
        json_string_n(w, text, strlen(text));
    }
}

void json_string_n(struct json_writer *w, const char *text, size_t n) {
    if (text == NULL) {
        json_null(w);
    } else if (before_value(w)) {
        put_string(w, text, n);
    }
}

void json_int(struct json_writer *w, int64_t number) {
    char digits[24];
    char *at = digits + sizeof(digits);
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

    if (!before_value(w)) {
        return;
    }
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) {
        *--at = '-';
    }
    put(w, at, (size_t)(digits + sizeof(digits) - at));
}

static const char *skip_digits(const char *s) {
    while (*s >= '0' && *s <= '9') {
        s++;
    }
    return s;
}

/* True if the text is a number as RFC 8259 section 6 has it. */
static bool is_number(const char *s) {
    const char *start;

    s += *s == '-';
    start = s;
    s = skip_digits(s);
    if (s == start || (*start == '0' && s > start + 1)) {
        return false;
    }
    if (*s == '.') {
        start = ++s;
        s = skip_digits(s);
        if (s == start) {
            return false;
        }
    }
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '+' || *s == '-';
        start = s;
        s = skip_digits(s);
        if (s == start) {
            return false;
        }
    }
    return *s == '\0';
}

void json_number(struct json_writer *w, const char *text) {
    assert(text != NULL);
    if (!before_value(w)) {
        return;
    }
    if (is_number(text)) {
        put(w, text, strlen(text));
    } else {
        w->failed = true;
    }
}

void json_bool(struct json_writer *w, bool value) {
    if (before_value(w)) {
        put(w, value ? "true" : "false", value ? 4 : 5);
    }
}

void json_null(struct json_writer *w) {
    if (before_value(w)) {
        put(w, "null", 4);
    }
}

bool json_failed(const struct json_writer *w) {
    assert(w != NULL);
    return w->failed;
}

bool json_end(struct json_writer *w) {
    bool good;

    assert(w != NULL);
    if (!w->complete) {
        w->failed = true;
    }
    flush(w);
    good = !w->failed;
    w->failed = true; /* until the next document begins */
    return good;
}
