/* request.h: one request, as it came, typed. */
#ifndef MUSTER_HTTP_REQUEST_H
#define MUSTER_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "http/params.h"
#include "http/path.h"

enum request_method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER
};

#define METHOD_BIT(m) (1u << (m))

/* A body that is read piece by piece (ROUTE_STREAM). */
struct request_stream {
    /* 0: the end; -1: `error` says what is wrong, with a status. */
    long (*read)(struct request_stream *stream, char *bytes, size_t n);
    int64_t length; /* as announced; -1: unknown */
    int64_t count;  /* bytes so far */
    bool ended;     /* all of it was read */
    int status;
    const char *error;
};

/* Everything is in the arena or belongs to the transport, valid until the request ends. */
struct request {
    struct arena *arena;
    /* from the request line */
    enum request_method method;
    const char *method_text;
    const char *target; /* raw path and query for logs, or the PATH_INFO */
    struct path path;   /* whole path, mount included */
    const char *query;  /* raw query string, "" if none */
    /* from headers and the front server */
    const char *(*variable)(void *transport, const char *name); /* CGI variable or NULL */
    /* How often a variable was handed over: a forged header can stand beside the trusted one. NULL:
     * this transport can't tell. */
    size_t (*variable_count)(void *transport, const char *name);
    void *transport;
    const char *content_type; /* "" if none */
    const char *identity;     /* the authenticated user; NULL: none */
    const char *user;         /* the owner of the documents; NULL: none */
    const char *id;           /* request id for logs */
    /* the body, read to its end before a handler runs */
    const char *body;
    size_t body_length;
    struct request_stream *stream; /* instead of that; NULL: none */
    struct params params;          /* query, then form body; a JSON body adds none */
};

/* METHOD_OTHER for an unknown method. */
enum request_method request_method_parse(const char *text);
const char *request_method_name(enum request_method method);

/* GET or HEAD. */
bool request_is_read(const struct request *request);

/* A request header by its HTTP name ("Clusto-Mode"), or NULL. */
const char *request_header(const struct request *request, const char *name);

/* True if a CGI variable was handed over more than once, as far as the transport can tell. */
bool request_repeats(const struct request *request, const char *variable);

/* This server's own origin as the client sees it (scheme and host with port), in the arena; NULL:
 * the Host header is missing or invalid. */
const char *request_origin(const struct request *request);

/* True if the Content-Type's media type is `type` (parameters ignored, any case). */
bool request_has_type(const struct request *request, const char *type);

#endif
