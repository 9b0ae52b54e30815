/* preconditions.c: If-Match and If-None-Match, as far as they can be obeyed. */
#include "server/preconditions.h"

#include "api/condition.h"
#include "api/reply.h"
#include "server/access.h"

/* A condition that can't be obeyed must not be ignored, either. */
static int check_obeyed(struct exchange *x) {
    const struct request *r = &x->request;
    unsigned flags = x->match.route->flags;
    bool match = request_header(r, "If-Match") != NULL;
    bool past = (flags & ROUTE_PAST) && request_header(r, "Clusto-As-Of") != NULL;

    if (match && (!(flags & ROUTE_CONDITIONS) || past))
        return reply_fail(&x->c, 400,
                          "If-Match can't be obeyed here: it is a condition of single objects and "
                          "documents as they are now.");
    if (!request_is_read(r) && !(flags & (ROUTE_CONDITIONS | ROUTE_CREATES)) &&
        request_header(r, "If-None-Match") != NULL)
        return reply_fail(&x->c, 400,
                          "If-None-Match can't be obeyed here: it is a condition of reads and of "
                          "writes of single objects and documents.");
    return 0;
}

/* Some have to say which state they change (the setting require_conditions). What is allocated is
 * the manager's choice, not the client's. */
static int check_required(struct exchange *x) {
    const struct route *route = x->match.route;
    const unsigned changes = ROUTE_WRITE | ROUTE_CONDITIONS;

    if ((route->flags & changes) != changes || route->role == ROLE_ALLOCATE ||
        etag_list_given(&x->c.if_match) ||
        !access_names(&x->w->settings->require_conditions, x->request.identity))
        return 0;
    return reply_fail(&x->c, 428,
                      "If-Match is required: send the ETag of the object that is to be changed.");
}

int preconditions_check(struct exchange *x) {
    unsigned flags = x->match.route->flags;

    if (check_obeyed(x))
        return x->c.response->status;
    if (flags & ROUTE_LIST)
        return condition_read(&x->c, "If-None-Match", "HTTP_IF_NONE_MATCH", &x->c.if_none_match);
    if ((flags & ROUTE_USER) || !(flags & (ROUTE_CONDITIONS | ROUTE_CREATES)))
        return 0;
    if (condition_read_all(&x->c))
        return x->c.response->status;
    if ((flags & ROUTE_CREATES) && x->c.if_none_match.count > 0)
        return reply_fail(&x->c, 400, "If-None-Match must be * to create something.");
    return check_required(x);
}
