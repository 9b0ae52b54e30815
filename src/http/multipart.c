/* multipart.c: multipart/form-data (RFC 7578, RFC 2046 section 5.1) to parameters, in one pass. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/quote.h"
#include "http/params.h"

#define MAX_BOUNDARY 70 /* RFC 2046 section 5.1.1 */

/* Bytes that are not NUL-terminated. */
struct span {
    const char *at;
    size_t n;
};

static enum params_result malformed(struct params_target *to, const char *what) {
    to->message = arena_printf(to->arena, "The multipart/form-data body %s", what);
    return PARAMS_MALFORMED;
}

/* --- header values --- */

static bool same_word(struct span s, const char *word) {
    return s.n == strlen(word) && strncasecmp(s.at, word, s.n) == 0;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static struct span trim(struct span s) {
    while (s.n > 0 && is_blank(s.at[0])) {
        s.at++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.at[s.n - 1]))
        s.n--;
    return s;
}

/* Returns what is before the first `c`; *s keeps what follows it (nothing if there is no `c`). */
static struct span cut(struct span *s, char c) {
    const char *p = s->n == 0 ? NULL : memchr(s->at, c, s->n);
    struct span head = {s->at, p == NULL ? s->n : (size_t)(p - s->at)};
    size_t taken = p == NULL ? s->n : head.n + 1;

    s->at += taken;
    s->n -= taken;
    return head;
}

/* Length of the quoted string in which *s starts, up to its closing quote; SIZE_MAX: no closing
 * quote. Only \" and \\ are escapes: old browsers sent paths with single backslashes. */
static size_t quoted_length(const struct span *s) {
    size_t i;

    for (i = 0; i < s->n && s->at[i] != '"'; i++)
        if (s->at[i] == '\\' && i + 1 < s->n && (s->at[i + 1] == '"' || s->at[i + 1] == '\\'))
            i++;
    return i == s->n ? SIZE_MAX : i;
}

/* A copy of that string in the arena; *s moves past it. NULL: no closing quote. */
static char *take_quoted(struct arena *arena, struct span *s, size_t *length) {
    size_t raw = quoted_length(s);
    char *out;
    size_t n = 0;
    size_t i;

    if (raw == SIZE_MAX)
        return NULL;
    out = arena_alloc(arena, raw + 1);
    for (i = 0; i < raw; i++) {
        if (s->at[i] == '\\' && (s->at[i + 1] == '"' || s->at[i + 1] == '\\'))
            i++;
        out[n++] = s->at[i];
    }
    s->at += raw + 1;
    s->n -= raw + 1;
    *length = n;
    return out;
}

/* The value of the parameter `name` in "; a=b; name="c"", the header's value after its first word;
 * NUL-terminated in the arena. NULL: not there, or it does not parse. */
static const char *header_param(struct arena *arena, struct span s, const char *name,
                                size_t *length) {
    while (s.n > 0) {
        struct span key = {s.at, 0};
        const char *value;

        while (key.n < s.n && s.at[key.n] != '=' && s.at[key.n] != ';')
            key.n++;
        if (key.n == s.n || s.at[key.n] == ';') {
            (void)cut(&s, ';'); /* no value */
            continue;
        }
        (void)cut(&s, '=');
        s = trim(s);
        if (s.n > 0 && s.at[0] == '"') {
            s.at++;
            s.n--;
            value = take_quoted(arena, &s, length);
            (void)cut(&s, ';');
        } else {
            struct span token = trim(cut(&s, ';'));

            value = arena_strndup(arena, token.at, token.n);
            *length = token.n;
        }
        if (value == NULL || same_word(trim(key), name))
            return value;
    }
    return NULL;
}

/* "--" and the boundary, in the arena; NULL if there is no usable one. */
static const char *delimiter_of(struct arena *arena, const char *content_type, size_t *n) {
    struct span s = {content_type, strlen(content_type)};
    const char *boundary;
    size_t length = 0;

    (void)cut(&s, ';');
    boundary = header_param(arena, s, "boundary", &length);
    if (boundary == NULL || length == 0 || length > MAX_BOUNDARY || boundary[length - 1] == ' ' ||
        strpbrk(boundary, "\r\n") != NULL)
        return NULL;
    *n = length + 2;
    return arena_printf(arena, "--%s", boundary);
}

/* --- delimiters --- */

struct delimiter {
    const char *text; /* "--boundary" */
    size_t n;
    const char *line; /* of the one found: where its line starts */
    const char *next; /* of the one found: after its line */
    bool last;        /* "--boundary--" */
};

/* True if a delimiter line is at `p`, the start of a line. */
static bool is_delimiter(struct delimiter *d, const char *p, const char *end) {
    if ((size_t)(end - p) < d->n || memcmp(p, d->text, d->n) != 0)
        return false;
    d->line = p;
    p += d->n;
    d->last = end - p >= 2 && p[0] == '-' && p[1] == '-';
    if (d->last) {
        d->next = end; /* what follows is the epilogue */
        return true;
    }
    while (p < end && is_blank(*p))
        p++;
    if (end - p < 2 || p[0] != '\r' || p[1] != '\n')
        return false;
    d->next = p + 2;
    return true;
}

/* Finds the first delimiter line from `p` on, which is the start of a line. No byte is examined
 * more often than the delimiter is long. */
static bool find_delimiter(struct delimiter *d, const char *p, const char *end) {
    while (!is_delimiter(d, p, end)) {
        do {
            p = memchr(p, '\r', (size_t)(end - p));
            if (p == NULL || end - p < 2)
                return false;
            p++;
        } while (*p != '\n');
        p++;
    }
    return true;
}

/* --- parts --- */

/* The next header line without its CRLF; false after the last one, with *s at the content. */
static bool next_line(struct span *s, struct span *line) {
    const char *p = s->at;
    const char *end = s->at + s->n;

    while (p < end && !(p[0] == '\r' && end - p >= 2 && p[1] == '\n'))
        p++;
    *line = (struct span){s->at, (size_t)(p - s->at)};
    if (p < end)
        p += 2;
    s->n = (size_t)(end - p);
    s->at = p;
    return line->n > 0;
}

static bool is_plain_encoding(struct span value) {
    return same_word(value, "binary") || same_word(value, "8bit") || same_word(value, "7bit");
}

/* `part` is what is between two delimiter lines. */
static enum params_result add_part(struct params_target *to, struct span part) {
    struct span line;
    const char *name = NULL;
    size_t length = 0;

    while (next_line(&part, &line)) {
        struct span value = line;
        struct span field = trim(cut(&value, ':'));

        value = trim(value);
        if (same_word(field, "Content-Disposition") &&
            same_word(trim(cut(&value, ';')), "form-data"))
            name = header_param(to->arena, value, "name", &length);
        else if (same_word(field, "Content-Transfer-Encoding") && !is_plain_encoding(value))
            return malformed(to, "has a part with a transfer encoding, which is not supported");
    }
    if (name == NULL)
        return malformed(to, "has a part without a name");
    return params_add(to, name, length, arena_strndup(to->arena, part.at, part.n), part.n);
}

enum params_result params_add_multipart(struct params_target *to, const char *content_type,
                                        const char *body, size_t n) {
    struct delimiter d = {0};
    const char *end;
    const char *start;

    assert(to != NULL && content_type != NULL && (body != NULL || n == 0));
    d.text = delimiter_of(to->arena, content_type, &d.n);
    if (d.text == NULL)
        return malformed(to, "has no usable boundary in its Content-Type");
    end = n == 0 ? d.text : body + n;
    if (n == 0 || !find_delimiter(&d, body, end))
        return malformed(to, "does not contain its boundary");
    for (start = d.next; !d.last; start = d.next) {
        struct span part = {start, 0};
        enum params_result result;

        if (!find_delimiter(&d, start, end))
            return malformed(to, "ends before its last boundary");
        if (d.line > start)
            part.n = (size_t)(d.line - start) - 2; /* the CRLF belongs to the delimiter */
        result = add_part(to, part);
        if (result != PARAMS_OK)
            return result;
    }
    return PARAMS_OK;
}
