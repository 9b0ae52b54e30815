/* records.c: reads the records of a FastCGI request. */
#include "server/records.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    VERSION = 1,
    BEGIN_REQUEST = 1,
    ABORT_REQUEST = 2,
    END_REQUEST = 3,
    PARAMS = 4,
    BODY = 5,
    OUTPUT = 6,
    UNKNOWN_TYPE = 11,
    KEEP_CONNECTION = 1
};
enum { HEADER_SIZE = 8, BEGIN_SIZE = 8, SMALLEST_ROOM = 4096 };

static bool fail(struct records *r, const char *problem) {
    r->problem = problem;
    return false;
}

/* --- bytes --- */

/* At least so many are in the buffer; false: the stream has ended. */
static bool receive(struct records *r, size_t n) {
    if (r->end - r->next >= n)
        return true;
    memmove(r->bytes, r->bytes + r->next, r->end - r->next);
    r->end -= r->next;
    r->next = 0;
    while (r->end < n) {
        ssize_t got = recv(r->fd, r->bytes + r->end, sizeof(r->bytes) - r->end, 0);

        if (got <= 0)
            return false;
        r->end += (size_t)got;
    }
    return true;
}

/* Some of the `most` next bytes; 0: the stream has ended. */
static size_t take(struct records *r, size_t most, unsigned char **bytes) {
    size_t n;

    if (!receive(r, 1))
        return 0;
    n = r->end - r->next < most ? r->end - r->next : most;
    *bytes = r->bytes + r->next;
    r->next += n;
    return n;
}

/* --- records --- */

static bool skip_padding(struct records *r) {
    unsigned char *bytes;

    while (r->padding > 0) {
        size_t n = take(r, r->padding, &bytes);

        if (n == 0)
            return false;
        r->padding -= n;
    }
    return true;
}

/* The header of the next record, which must be of this type, and of this request. */
static bool next_record(struct records *r, unsigned type) {
    const unsigned char *header;
    unsigned request_id;

    if (!skip_padding(r) || !receive(r, HEADER_SIZE))
        return false;
    header = r->bytes + r->next;
    r->next += HEADER_SIZE;
    request_id = (unsigned)header[2] << 8 | header[3];
    r->content = (size_t)header[4] << 8 | header[5];
    r->padding = header[6];
    if (header[0] != VERSION)
        return fail(r, "a record of another version");
    if (type == BEGIN_REQUEST)
        r->request_id = request_id;
    if (header[1] != type || request_id == 0 || request_id != r->request_id)
        return fail(r, "a record that was not expected");
    return true;
}

static bool read_begin(struct records *r) {
    if (!next_record(r, BEGIN_REQUEST))
        return false;
    if (r->content != BEGIN_SIZE)
        return fail(r, "a request that begins with another length");
    if (!receive(r, BEGIN_SIZE))
        return false;
    r->keep = (r->bytes[r->next + 2] & KEEP_CONNECTION) != 0;
    r->next += BEGIN_SIZE;
    return true;
}

/* Room for these bytes of parameters and one more. */
static bool grow(struct records *r, size_t n) {
    size_t room = r->params_room > 0 ? r->params_room : SMALLEST_ROOM;
    char *params;

    if (r->params_length + n > RECORDS_MAX_PARAMS)
        return fail(r, "more than 256 KiB of parameters");
    while (room < r->params_length + n + 1)
        room *= 2;
    if (room == r->params_room)
        return true;
    params = realloc(r->params, room);
    if (params == NULL)
        return fail(r, "no memory for the parameters");
    r->params = params;
    r->params_room = room;
    return true;
}

static bool read_params(struct records *r) {
    unsigned char *bytes;

    if (!grow(r, r->content))
        return false;
    while (r->content > 0) {
        size_t n = take(r, r->content, &bytes);

        if (n == 0)
            return false;
        memcpy(r->params + r->params_length, bytes, n);
        r->params_length += n;
        r->content -= n;
    }
    return true;
}

bool records_begin(struct records *r, int fd) {
    bool more = true;

    r->fd = fd;
    r->problem = NULL;
    r->params_length = r->content = r->padding = r->next = r->end = 0;
    r->ended = false;
    if (!read_begin(r))
        return false;
    while (more) {
        if (!next_record(r, PARAMS))
            return false;
        more = r->content > 0;
        if (!read_params(r))
            return false;
    }
    return true;
}

void records_release(struct records *r) {
    free(r->params);
    r->params = NULL;
    r->params_room = 0;
}

/* --- parameters --- */

/* One byte, or four with the first bit set (section 3.4). */
static bool read_length(const struct records *r, size_t *at, size_t *length) {
    const unsigned char *p = (const unsigned char *)r->params + *at;
    size_t left = r->params_length - *at;
    size_t size = left > 0 && (p[0] & 0x80) != 0 ? 4 : 1;

    if (left < size)
        return false;
    *length = size == 1
                  ? p[0]
                  : (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    *at += size;
    return true;
}

bool records_param(struct records *r, size_t *at, struct records_param *out) {
    size_t left;

    if (*at == r->params_length)
        return false;
    if (!read_length(r, at, &out->name_length) || !read_length(r, at, &out->value_length))
        return fail(r, "a parameter without its lengths");
    left = r->params_length - *at;
    if (out->name_length > left || out->value_length > left - out->name_length)
        return fail(r, "a parameter that is longer than all parameters");
    out->name = r->params + *at;
    out->value = out->name + out->name_length;
    *at += out->name_length + out->value_length;
    return true;
}

/* --- the body --- */

long records_body(struct records *r, unsigned char **piece) {
    size_t n;

    if (r->content == 0 && !r->ended) {
        if (!next_record(r, BODY))
            return -1;
        r->ended = r->content == 0;
    }
    if (r->ended)
        return 0;
    n = take(r, r->content, piece);
    r->content -= n;
    return n > 0 ? (long)n : -1;
}

/* --- sending --- */

static void put_header(unsigned char *out, unsigned type, unsigned request_id, size_t content) {
    memset(out, 0, RECORDS_HEADER);
    out[0] = VERSION;
    out[1] = (unsigned char)type;
    out[2] = (unsigned char)(request_id >> 8 & 0xff);
    out[3] = (unsigned char)(request_id & 0xff);
    out[4] = (unsigned char)(content >> 8 & 0xff);
    out[5] = (unsigned char)(content & 0xff);
}

void records_output(unsigned char header[RECORDS_HEADER], unsigned request_id, size_t content) {
    put_header(header, OUTPUT, request_id, content);
}

/* The bodies of END_REQUEST and UNKNOWN_TYPE are eight bytes of 0: the request is complete. */
size_t records_ending(unsigned char ending[RECORDS_MAX_ENDING], unsigned request_id, bool kept) {
    memset(ending, 0, RECORDS_MAX_ENDING);
    put_header(ending, OUTPUT, request_id, 0);
    put_header(ending + RECORDS_HEADER, END_REQUEST, request_id, 8);
    if (!kept)
        return 3 * RECORDS_HEADER;
    put_header(ending + 3 * RECORDS_HEADER, UNKNOWN_TYPE, 0, 8);
    return RECORDS_MAX_ENDING;
}

bool records_is_abort(const unsigned char *bytes, size_t n) {
    return n >= 2 && bytes[0] == VERSION && bytes[1] == ABORT_REQUEST;
}
