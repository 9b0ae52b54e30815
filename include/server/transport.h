/* transport.h: where a request comes from and where its response goes: FastCGI or CGI. */
#ifndef MUSTER_SERVER_TRANSPORT_H
#define MUSTER_SERVER_TRANSPORT_H

#include <stddef.h>

#include "http/response.h"

struct transport {
    /* A CGI variable, or NULL. */
    const char *(*variable)(void *context, const char *name);
    /* Of the body; 0: end, -1: the client is gone or too slow. */
    long (*read)(void *context, char *bytes, size_t n);
    /* Of a body that comes in many pieces: each has the timeout of a body; NULL: there is none. */
    void (*read_pieces)(void *context);
    struct response_out out;
    int client_fd; /* polled for a hang-up; -1: none */
    void *context;
    /* For struct request; may be NULL. */
    size_t (*variable_count)(void *context, const char *name);
};

#endif
