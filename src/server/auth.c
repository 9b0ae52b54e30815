/* auth.c: who is asking, and whether they may: one rung of dispatch's ladder. */
#include <string.h>
#include <strings.h>

#include "server/access.h"
#include "server/auth.h"

/* Who is asking, as far as it is known. */
struct caller {
    struct exchange *x;
    const char *address; /* where the front server says they are; NULL: it does not */
};

static const char *variable(const struct caller *c, const char *name) {
    return c->x->transport.variable(c->x->transport.context, name);
}

static bool is_header(const char *param) {
    return strncmp(param, "HTTP_", 5) == 0;
}

/* A parameter that is no header is the front server's own word. A header is anybody's, unless only
 * gateways that we trust can send one. */
static bool believes(const struct caller *c, const char *param) {
    return !is_header(param) || access_from(&c->x->w->settings->trusted_networks, c->address);
}

static int challenge(struct exchange *x, int status) {
    if (status == 401 && !x->response.started)
        response_header(&x->response, "WWW-Authenticate", x->w->settings->auth_challenge);
    return status;
}

/* --- may they? ---------------------------------------------------------------------------------
 */

static int check_role(const struct caller *c, unsigned roles) {
    struct exchange *x = c->x;
    const struct route *route = x->match.route;

    if ((route->flags & ROUTE_MONITOR) &&
        access_from(&x->w->settings->monitor_networks, c->address))
        return 0;
    if (access_allows(roles, route->role))
        return 0;
    if (x->request.identity == NULL)
        return challenge(x, fail(&x->c, 401, "Nobody may do this without saying who they are."));
    return fail(&x->c, 403, "You may not do this.");
}

/* --- whose documents? --------------------------------------------------------------------------
 */

static int fail_no_user(struct exchange *x) {
    if (strcmp(x->w->settings->preferences_identity_param, "HTTP_X_USER_ID") == 0)
        return fail(&x->c, 401, "Whose preferences? The header X-User-Id is missing or empty.");
    return fail(&x->c, 401, "Whose preferences? The server was not told who is asking.");
}

/* The user that a trusted peer names, else whoever is asking. */
static int find_user(const struct caller *c) {
    struct exchange *x = c->x;
    struct request *request = &x->request;
    const char *param = x->w->settings->preferences_identity_param;
    const char *message, *named = NULL;

    message = intake_identity(&x->transport, param, &named);
    if (message != NULL)
        return fail(&x->c, 400, "%s", message);
    if (named != NULL && believes(c, param))
        request->user = named;
    else
        request->user = request->identity;
    if (request->user == NULL)
        return challenge(x, fail_no_user(x));
    if (named != NULL && strcmp(named, request->user) != 0)
        return fail(&x->c, 403, "You may not see or change the preferences of others.");
    return 0;
}

int auth_admit(struct exchange *x) {
    const struct settings *s = x->w->settings;
    struct caller c = {.x = x};
    const char *who = NULL, *message;
    int status;

    c.address = variable(&c, "REMOTE_ADDR");
    message = intake_identity(&x->transport, s->identity_param, &who);
    if (message != NULL)
        return fail(&x->c, 400, "%s", message);
    if (believes(&c, s->identity_param))
        x->request.identity = who;
    status = check_role(&c, access_roles(s, x->request.identity, x->match.mount));
    if (status == 0 && (x->match.route->flags & ROUTE_USER))
        status = find_user(&c);
    return status;
}
