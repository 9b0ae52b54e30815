/* response.h: status, headers and body; held back up to 64 KiB, then streamed. */
#ifndef MUSTER_HTTP_RESPONSE_H
#define MUSTER_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

#define RESPONSE_HOLD 65536

/* How bytes are sent, by FastCGI or CGI. `write` returns false if the client has disconnected. */
struct response_out {
    bool (*write)(void *context, const char *bytes, size_t n);
    bool (*flush)(void *context); /* what was written is to leave now; NULL: it has left */
    void *context;
};

struct header {
    const char *name;
    const char *value;
};

struct response_header {
    const char *name;
    const char *value;
    struct response_header *next;
};

struct response {
    struct arena *arena;
    struct response_out out;
    int status;
    struct response_header *headers; /* in order of setting */
    struct buf head;                 /* status and headers being sent */
    struct buf held;                 /* the body before the header is sent, then the next piece */
    const struct header *fixed;      /* set by the configuration, sent with every response unless */
    size_t fixed_count;              /* `headers` has one of that name; response_reset keeps them */
    bool head_only;                  /* HEAD: count, don't send */
    bool hold;                       /* for writes: nothing is sent, however long, before
                                        response_finish; response_begin clears it, reset keeps it */
    bool started;                    /* the header was sent: the status can't change any more */
    bool failed;                     /* the client disconnected, or response_break was called */
    bool full;                       /* more was to be held than `held` may have; until
                                        response_begin */
    bool broken;                     /* must reach the client as a truncated response */
    size_t body_bytes;               /* written so far, for Content-Length and the log */
};

/* Ready for one request: status 200. The memory of `head` and `held` is kept from the request
 * before, so *r is zeroed before its first use, and its owner calls response_release() after its
 * last. */
void response_begin(struct response *r, struct arena *arena, struct response_out out,
                    bool head_only);

/* Frees what is kept from one request to the next; response_begin() can follow. */
void response_release(struct response *r);

/* Headers of every response; a header that an endpoint sets by the same name wins. Borrowed. */
void response_set_fixed(struct response *r, const struct header *headers, size_t count);

/* Discards status, headers and body (an error replaces them, or the request is run again). Only
 * while not started. */
void response_reset(struct response *r);

/* Discards the body only. While not started. */
void response_clear_body(struct response *r);

/* Sets a header, replacing one of the same name (any case). Values with CR or LF are cut there,
 * other control characters go out as spaces. Both are copied to the arena; a NULL value removes the
 * header. Status and Content-Length are this module's own: a header of that name is not sent. */
void response_header(struct response *r, const char *name, const char *value);

/* Adds body bytes; sends once more than RESPONSE_HOLD are held (in pieces of 32 KiB or more). With
 * a status that has no body (204, 304) they are dropped. False: stop, because the client
 * disconnected
 * (`failed`), or because a HEAD needs no more (response_enough). Has the type of a json_sink. */
bool response_write(void *response, const char *bytes, size_t n);

/* Sends what is held, without a Content-Length, and it leaves at once: more will follow, perhaps
 * much later. False: the client disconnected. */
bool response_flush(struct response *r);

/* The header of a response with a body of so many bytes, which is sent by other means. */
void response_head(struct response *r, size_t length, struct buf *out);

/* True once the header of a HEAD was sent without waiting for the end of a long body: the rest is
 * not needed, and stopping is not a failure. */
bool response_enough(const struct response *r);

/* Ends the response: all of it is sent with a Content-Length if it was still held (a HEAD's is that
 * of the GET; a 204 and a 304 have none), else the rest of the body. The header is in CGI's
 * form, with a "Status:" line. False if the client disconnected or the response is broken. */
bool response_finish(struct response *r);

/* A failure after the header was sent: the transport must close without a proper end. */
void response_break(struct response *r);

#endif
