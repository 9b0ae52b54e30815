/* response.c: sends a response: held back at first, then streamed in large pieces. */
#include "http/response.h"

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"

enum {
    PIECE = 32 * 1024,           /* the smallest piece that is streamed */
    MAX_KEPT = 4 * RESPONSE_HOLD /* memory that one request leaves for the next */
};

#define NO_LENGTH SIZE_MAX

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {507, "Insufficient Storage"},
};

static const char *reason_of(int status) {
    size_t i;

    for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

/* --- beginning --- */

void response_begin(struct response *r, struct arena *arena, struct response_out out,
                    bool head_only) {
    assert(r != NULL && arena != NULL && out.write != NULL);
    r->arena = arena;
    r->out = out;
    r->head_only = head_only;
    r->hold = false;
    r->full = false;
    r->started = false;
    r->fixed = NULL;
    r->fixed_count = 0;
    if (r->held.capacity > MAX_KEPT)
        buf_release(&r->held);
    response_reset(r);
}

void response_release(struct response *r) {
    assert(r != NULL);
    buf_release(&r->head);
    buf_release(&r->held);
}

void response_set_fixed(struct response *r, const struct header *headers, size_t count) {
    assert(r != NULL && (headers != NULL || count == 0));
    r->fixed = headers;
    r->fixed_count = count;
}

void response_reset(struct response *r) {
    assert(r != NULL && !r->started);
    r->status = 200;
    r->headers = NULL;
    r->failed = false;
    r->broken = false;
    r->body_bytes = 0;
    buf_clear(&r->held);
}

void response_clear_body(struct response *r) {
    assert(r != NULL && !r->started);
    r->body_bytes = 0;
    buf_clear(&r->held);
}

/* --- headers --- */

/* RFC 9110 section 5.6.2. */
static bool is_token(const char *name) {
    const char *p = name;

    while (isalnum((unsigned char)*p) || *p == '-' ||
           (*p != '\0' && strchr("!#$%&'*+.^_`|~", *p) != NULL))
        p++;
    return p > name && *p == '\0';
}

/* Most names differ in the first letter: cheaper than strcasecmp() alone. */
static bool is_name(const char *name, const char *other) {
    return ((name[0] ^ other[0]) & ~0x20) == 0 && strcasecmp(name, other) == 0;
}

/* The link to the header of that name, or the last one, to nothing. */
static struct response_header **find(struct response *r, const char *name) {
    struct response_header **link = &r->headers;

    while (*link != NULL && !is_name((*link)->name, name))
        link = &(*link)->next;
    return link;
}

void response_header(struct response *r, const char *name, const char *value) {
    struct response_header **link;

    assert(r != NULL && name != NULL && *name != '\0');
    link = find(r, name);
    if (*link == NULL && value != NULL) {
        *link = arena_alloc(r->arena, sizeof(**link));
        (*link)->name = arena_strdup(r->arena, name);
    }
    if (value != NULL)
        (*link)->value = arena_strndup(r->arena, value, strcspn(value, "\r\n"));
    else if (*link != NULL)
        *link = (*link)->next;
}

/* Only this file sets the status and the length. */
static bool is_reserved(const char *name) {
    return is_name(name, "Status") || is_name(name, "Content-Length");
}

static bool is_sent(struct response *r, const struct header *fixed) {
    return *find(r, fixed->name) == NULL && !is_reserved(fixed->name) && is_token(fixed->name);
}

/* Vary is a list: what an endpoint says adds to it. One line has all of it, since front servers may
 * look only at the first one. */
static const char *value_of(struct response *r, const struct response_header *h) {
    const char *value = h->value;

    if (!is_name(h->name, "Vary"))
        return value;
    for (size_t i = 0; i < r->fixed_count; i++)
        if (is_name(r->fixed[i].name, "Vary"))
            value = arena_printf(r->arena, "%s, %s", value, r->fixed[i].value);
    return value;
}

/* One line; characters that could end it early become spaces. */
static void add_line(struct buf *b, const char *name, const char *value) {
    size_t n = strlen(name);
    char *at = buf_extend(b, n + strlen(value) + 4);

    if (at == NULL)
        return;
    memcpy(at, name, n);
    memcpy(at + n, ": ", 2);
    for (at += n + 2; *value != '\0' && *value != '\r' && *value != '\n'; value++) {
        unsigned char c = (unsigned char)*value;

        *at++ = (c < ' ' && c != '\t') || c == 0x7F ? ' ' : *value;
    }
    memcpy(at, "\r\n", 2);
    buf_cut(b, (size_t)(at + 2 - b->data));
}

static void add_number(struct buf *b, size_t number) {
    char digits[NUM_DIGITS];

    buf_adds(b, num_text(digits, number, 10));
}

static void render_header(struct response *r, size_t length, struct buf *b) {
    const struct response_header *h;
    size_t i;

    assert(r->status >= 100);
    buf_adds(b, "Status: ");
    add_number(b, (size_t)r->status);
    buf_addc(b, ' ');
    buf_adds(b, reason_of(r->status));
    buf_add(b, "\r\n", 2);
    for (h = r->headers; h != NULL; h = h->next)
        if (!is_reserved(h->name))
            add_line(b, h->name, value_of(r, h));
    for (i = 0; i < r->fixed_count; i++)
        if (is_sent(r, &r->fixed[i]))
            add_line(b, r->fixed[i].name, r->fixed[i].value);
    if (length != NO_LENGTH) {
        buf_adds(b, "Content-Length: ");
        add_number(b, length);
        buf_add(b, "\r\n", 2);
    }
    buf_add(b, "\r\n", 2);
}

/* --- body --- */

static bool put(struct response *r, const char *bytes, size_t n) {
    if (!r->failed && n > 0 && !r->out.write(r->out.context, bytes, n))
        r->failed = true;
    return !r->failed;
}

static bool send_header(struct response *r, size_t length) {
    assert(!r->started);
    r->started = true;
    buf_clear(&r->head);
    render_header(r, length, &r->head);
    if (r->head.failed)
        response_break(r);
    else
        (void)put(r, r->head.data, r->head.len);
    return !r->failed;
}

/* RFC 9110 sections 6.4.1 and 8.6: the others have neither a body nor a length. */
static bool has_body(int status) {
    return status >= 200 && status != 204 && status != 304;
}

static bool keep(struct response *r, const char *bytes, size_t n) {
    buf_add(&r->held, bytes, n);
    if (r->held.failed) {
        r->full = true;
        response_break(r); /* a truncated response must not look complete */
    }
    return !r->failed;
}

static bool flush(struct response *r) {
    bool sent = put(r, r->held.data, r->held.len);

    buf_clear(&r->held);
    return sent;
}

static bool stream(struct response *r, const char *bytes, size_t n) {
    if (n >= PIECE)
        return flush(r) && put(r, bytes, n);
    return keep(r, bytes, n) && (r->held.len < PIECE || flush(r));
}

/* The body of a HEAD is not sent. Its header is, once the body is too long for its length to be
 * awaited: then nothing that follows matters. */
static bool count_only(struct response *r) {
    if (!r->started && !r->hold && r->body_bytes > RESPONSE_HOLD)
        (void)send_header(r, NO_LENGTH);
    return !r->started;
}

bool response_write(void *response, const char *bytes, size_t n) {
    struct response *r = response;

    assert(r != NULL && (bytes != NULL || n == 0));
    if (r->failed)
        return false;
    if (!has_body(r->status))
        return true;
    r->body_bytes += n;
    if (r->head_only)
        return count_only(r);
    if (!r->started) {
        if (r->hold || (n <= RESPONSE_HOLD && r->held.len <= RESPONSE_HOLD - n))
            return keep(r, bytes, n);
        if (!send_header(r, NO_LENGTH))
            return false;
    }
    return stream(r, bytes, n);
}

bool response_flush(struct response *r) {
    assert(r != NULL);
    if (r->failed || !(r->started || send_header(r, NO_LENGTH)) || !flush(r))
        return false;
    r->failed = r->out.flush != NULL && !r->out.flush(r->out.context);
    return !r->failed;
}

void response_head(struct response *r, size_t length, struct buf *out) {
    assert(r != NULL && out != NULL);
    render_header(r, length, out);
}

bool response_enough(const struct response *r) {
    assert(r != NULL);
    return r->head_only && r->started && !r->failed;
}

bool response_finish(struct response *r) {
    assert(r != NULL);
    if (r->failed)
        return false;
    if (!has_body(r->status)) {
        r->body_bytes = 0;
        buf_clear(&r->held);
    }
    if (!r->started && !send_header(r, has_body(r->status) ? r->body_bytes : NO_LENGTH))
        return false;
    return flush(r);
}

void response_break(struct response *r) {
    assert(r != NULL);
    r->broken = true;
    r->failed = true;
}
