/* intake.h: from a transport's variables and bytes to a typed request. */
#ifndef MUSTER_SERVER_INTAKE_H
#define MUSTER_SERVER_INTAKE_H

#include "http/request.h"
#include "server/settings.h"
#include "server/transport.h"

struct worker_state;

enum body_result {
    BODY_OK,
    BODY_UNREAD,    /* not read yet */
    BODY_TOO_LARGE, /* over the limit; the rest is unread */
    BODY_TRUNCATED, /* ended before its Content-Length */
    BODY_TIMEOUT,   /* the client is gone or too slow */
    BODY_MALFORMED  /* the Content-Length is not a number */
};

/* Sets method, target, query, access to the headers and the request id. Path, identity, body and
 * parameters are still to come. */
void intake_begin(struct worker_state *w, struct arena *arena, const struct transport *transport,
                  struct request *request);

/* Sets the path; returns as path_parse. */
enum path_result intake_path(const struct settings *settings, struct request *request);

/* True if the front server announces a body that is not empty. */
bool intake_has_body(const struct request *request);

/* Reads the body into a buffer, whose limit is the body's. */
enum body_result intake_body(struct buf *body, const struct transport *transport,
                             struct request *request);

/* A body that its handler reads. */
struct intake_stream {
    struct request_stream stream;
    const struct transport *transport;
    int64_t limit;
};

/* Begins one: request->stream is `s`. BODY_OK, BODY_TOO_LARGE or BODY_MALFORMED. The transport is
 * borrowed. */
enum body_result intake_stream(struct intake_stream *s, const struct transport *transport,
                               struct request *request, int64_t limit);

/* The identity in the FastCGI parameter `param`, into *who; NULL if it is missing or empty. Returns
 * NULL, or the message of a 400: sent twice or joined from two, as a forged spelling of a header
 * beside the trusted one would be (contract/front.md), too long, or not text. */
const char *intake_identity(const struct transport *transport, const char *param, const char **who);

#endif
