/* once.c: one request from the CGI environment and standard input to standard output. */
#include "server/once.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"
#include "server/auth.h"
#include "server/dispatch.h"
#include "server/openapi.h"
#include "server/route.h"

struct once {
    int64_t left; /* bytes of the body that are still to be read */
};

static const char *once_variable(void *context, const char *name) {
    (void)context;
    return getenv(name);
}

static long once_read(void *context, char *bytes, size_t n) {
    struct once *once = context;
    ssize_t got;

    if ((int64_t)n > once->left)
        n = (size_t)once->left;
    if (n == 0)
        return 0;
    do
        got = read(STDIN_FILENO, bytes, n);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        once->left -= got;
    return got;
}

static bool once_write(void *context, const char *bytes, size_t n) {
    (void)context;
    while (n > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, n);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        n -= (size_t)written;
    }
    return true;
}

int once_serve(const struct settings *settings) {
    struct once once = {0};
    struct transport transport = {.variable = once_variable,
                                  .read = once_read,
                                  .out = {.write = once_write, .context = &once},
                                  .client_fd = -1,
                                  .context = &once};
    const char *length = getenv("CONTENT_LENGTH");
    struct worker_state w;
    struct exchange *x;
    size_t route_count;
    const struct route *routes = route_table(&route_count);
    bool whole, drained;

    if (length == NULL || num_parse_range(length, 0, INT64_MAX, &once.left) != NUM_OK)
        once.left = 0;
    openapi_open(routes, route_count);
    worker_state_init(&w, settings, NULL, NULL);
    x = exchange_new(&w);
    whole = dispatch(x, &transport, &drained);
    exchange_free(&x);
    auth_note_use(&w);
    worker_state_release(&w);
    return whole ? 0 : 1;
}
