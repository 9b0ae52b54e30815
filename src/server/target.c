/* target.c: what a request is about: its path and method, as the table of routes knows them. */
#include "server/target.h"

#include "api/reply.h"

static int fail_path(struct exchange *x, enum path_result result) {
    switch (result) {
    case PATH_LIMIT: return reply_fail(&x->c, 414, "The path is too long.");
    case PATH_EMPTY: return reply_fail(&x->c, 404, "The path has an empty segment.");
    case PATH_DOTS:
        return reply_fail(&x->c, 400,
                          "The path has a segment \".\" or \"..\", which %.32s does not accept.",
                          x->request.method_text);
    default:
        return reply_fail(
            &x->c, 400,
            "The path has bytes that are no UTF-8, a broken %%-escape, or dots beside "
            "encoded slashes that lead elsewhere.");
    }
}

static int fail_method(struct exchange *x) {
    int status = reply_fail(&x->c, 405, "%.32s is not allowed here.", x->request.method_text);

    response_header(&x->response, "Allow", route_allow(x->arena, x->match.allowed));
    return status;
}

int target_check(struct exchange *x, enum path_result path) {
    if (path != PATH_OK)
        return fail_path(x, path);
    if (x->match.allowed == 0)
        return reply_fail(&x->c, 404, "There is nothing at this path.");
    if (x->match.route == NULL)
        return fail_method(x);
    if (x->match.reserved)
        return reply_fail(&x->c, 400, "The container name is reserved.");
    return 0;
}
