/* auth.c: authentication and authorization, one of dispatch's checks. */
#include "server/auth.h"

#include <string.h>
#include <strings.h>

#include "api/input.h"
#include "api/reply.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/quote.h"
#include "server/access.h"
#include "server/foreign.h"
#include "server/secret.h"
#include "server/shard.h"
#include "server/write_limit.h"
#include "store/tokens.h"

/* How long no use is recorded after the database refused one. */
#define USE_PAUSE_MS 60000

/* The client, as far as it is known. */
struct caller {
    struct exchange *x;
    const char *address; /* REMOTE_ADDR; NULL: the front server does not say */
    const char *bearer;  /* a token that is still to be checked; NULL: none */
    bool scoped;         /* the token has these roles, whatever its owner has */
    unsigned roles[MOUNT_COUNT];
};

static const char *variable(const struct caller *c, const char *name) {
    return c->x->transport.variable(c->x->transport.context, name);
}

static bool is_header(const char *param) {
    return strncmp(param, "HTTP_", 5) == 0;
}

/* A parameter that is not a header is the front server's own word. Any client can send a header,
 * unless only trusted gateways can connect. */
static bool believes(const struct caller *c, const char *param) {
    return !is_header(param) || access_from(&c->x->w->settings->trusted_networks, c->address);
}

static int challenge(struct exchange *x, int status) {
    if (status == 401 && !x->response.started)
        response_header(&x->response, "WWW-Authenticate", x->w->settings->api.auth_challenge);
    return status;
}

/* --- tokens -----------------------------------------------------------------------------------
 */

/* RFC 6750, section 2.1; other schemes are the front server's business. */
static const char *bearer(const char *authorization) {
    static const char scheme[] = "Bearer";
    const char *rest;

    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return NULL;
    rest = authorization + sizeof(scheme) - 1;
    return *rest == ' ' || *rest == '\0' ? rest + strspn(rest, " ") : NULL;
}

/* The next word of a list, in the arena; NULL: there is no more. */
static const char *next_word(struct arena *arena, const char **list) {
    const char *word = *list + strspn(*list, " ");
    size_t n = strcspn(word, " ");

    *list = word + n;
    return n > 0 ? arena_strndup(arena, word, n) : NULL;
}

/* False: a scope is unknown; those after it are not granted. */
static bool take_scopes(struct caller *c, const char *scopes) {
    const char *scope;

    while ((scope = next_word(c->x->arena, &scopes)) != NULL)
        if (!access_scope(c->roles, scope))
            return false;
    return true;
}

static bool comes_from(const struct caller *c, const char *networks) {
    const char *network;
    bool found = networks[0] == '\0';

    while (!found && (network = next_word(c->x->arena, &networks)) != NULL)
        found = access_from(&(struct strings){.items = &network, .count = 1}, c->address);
    return found;
}

static bool hash_fits(const struct caller *c, size_t n, const char *wanted) {
    char hash[SECRET_HASH_SIZE];
    bool fits = secret_hash(c->x->w->settings->token_key, c->bearer, n, hash) &&
                secret_hash_equal(hash, wanted);

    secret_clear(hash, sizeof(hash));
    return fits;
}

/* To be recorded when no request waits. One is enough: the others that are used meanwhile are
 * recorded by their next request. */
static void note_use(struct worker_state *w, const char *id) {
    if (clock_ms() >= w->token_pause)
        memcpy(w->token_used, id, sizeof(w->token_used));
}

static int fail_token(struct exchange *x) {
    int status = reply_fail(&x->c, 401, "The token is not valid.");

    response_header(&x->response, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
    return status;
}

/* The database is asked each time, so that revoking takes effect on the next request. */
static int check_token(struct caller *c) {
    struct exchange *x = c->x;
    size_t n = strlen(c->bearer);
    struct token_found token;
    char id[SECRET_ID_SIZE];
    enum rc rc;

    if (!secret_id(c->bearer, n, id))
        return fail_token(x);
    rc = store_token_find(x->w->store, x->arena, id, &token);
    if (rc != RC_OK && rc != RC_NOTFOUND)
        return reply_rc(&x->c, rc);
    if (rc != RC_OK || !hash_fits(c, n, token.hash)) {
        log_info("token %s is not valid", id);
        return fail_token(x);
    }
    if (!comes_from(c, token.networks)) {
        log_info("token %s was used from a network that is not one of its own", id);
        return fail_token(x);
    }
    x->request.identity = token.owner;
    c->scoped = token.scopes[0] != '\0';
    if (!take_scopes(c, token.scopes))
        log_warning("token %s has unknown scopes", id);
    if (token.use_is_news)
        note_use(x->w, id);
    return 0;
}

/* Where too many write already it is tried again after the next request: that says nothing of the
 * database. */
void auth_note_use(struct worker_state *w) {
    if (w->token_used[0] == '\0' || !write_limit_try(w->settings))
        return;
    if (store_is_standby(w->store) || store_token_used(w->store, w->token_used) != RC_OK)
        w->token_pause = clock_ms() + USE_PAUSE_MS;
    write_limit_end();
    w->token_used[0] = '\0';
}

/* --- authorization ----------------------------------------------------------------------------
 */

static void find_roles(const struct caller *c) {
    struct exchange *x = c->x;

    for (int m = 0; m < MOUNT_COUNT; m++)
        x->roles[m] = c->scoped ? c->roles[m]
                                : access_roles(x->w->settings, x->request.identity, (enum mount)m);
}

static bool has_role(const struct exchange *x, enum role role) {
    unsigned all = 0;

    if ((x->match.route->flags & ROUTE_IDENTITY) && x->request.identity != NULL)
        return true;
    if (role != ROLE_NONE)
        return access_allows(x->roles[x->match.mount], role);
    for (int m = 0; m < MOUNT_COUNT; m++)
        all |= x->roles[m];
    return all != 0;
}

static int check_role(struct exchange *x) {
    const struct route *route = x->match.route;

    if (has_role(x, route->role))
        return 0;
    if (x->request.identity == NULL)
        return challenge(x, reply_fail(&x->c, 401, "Authentication is required."));
    if (route->role == ROLE_NONE)
        return reply_fail(&x->c, 403, "Permission denied: this needs a role.");
    return reply_fail(&x->c, 403, "Permission denied: this needs the role %s on %s.",
                      access_role_name(route->role), mount_rows[x->match.mount].part);
}

static bool is_monitor(const struct caller *c) {
    return (c->x->match.route->flags & ROUTE_MONITOR) &&
           access_from(&c->x->w->settings->monitor_networks, c->address);
}

int auth_permit(struct exchange *x) {
    const unsigned *roles = x->roles;

    x->write_only =
        x->match.route->role == ROLE_WRITE && !access_allows(roles[x->match.mount], ROLE_READ);
    x->c.may_manage = access_allows(roles[MOUNT_RESOURCEMANAGER], ROLE_WRITE);
    x->c.may_revert = access_allows(roles[MOUNT_ENTITY], ROLE_WRITE) &&
                      access_allows(roles[MOUNT_ATTRIBUTE], ROLE_WRITE);
    x->c.may_query = access_allows(roles[MOUNT_ROOT], ROLE_READ);
    return check_role(x);
}

/* --- users of preferences ---------------------------------------------------------------------
 */

static int fail_no_user(struct exchange *x) {
    if (strcmp(x->w->settings->preferences_identity_param, "HTTP_X_USER_ID") == 0)
        return reply_fail(&x->c, 401,
                          "Whose preferences? The header X-User-Id is missing or empty.");
    return reply_fail(&x->c, 401, "Whose preferences? The server was not told who is asking.");
}

/* A user of another database would find nothing here, and get a second home by writing. */
static int check_shard(struct exchange *x) {
    const struct shard *shard = &x->w->shard;
    const char *user = x->request.user;
    unsigned right;

    if (shard->count == 0)
        return 0;
    right = shard_of(shard, user);
    if (right == shard->number)
        return 0;
    return reply_fail(&x->c, 421,
                      "The preferences of %s are in shard %u of %u (counted from 0); this server "
                      "has shard %u.",
                      quote(x->arena, user), right, shard->count, shard->number);
}

/* The user that a trusted peer names, else the caller. */
static int find_user(const struct caller *c) {
    struct exchange *x = c->x;
    struct request *request = &x->request;
    const char *param = x->w->settings->preferences_identity_param;
    const char *message = NULL, *named = NULL;

    /* Where both are one parameter, it may not outweigh a token. */
    if (strcmp(param, x->w->settings->identity_param) != 0)
        message = intake_identity(&x->transport, param, &named);
    if (message != NULL)
        return reply_fail(&x->c, 400, "%s", message);
    if (named != NULL && believes(c, param))
        request->user = named;
    else
        request->user = request->identity;
    if (request->user == NULL)
        return challenge(x, fail_no_user(x));
    if (named != NULL && strcmp(named, request->user) != 0)
        return reply_fail(&x->c, 403, "You may not see or change the preferences of others.");
    return check_shard(x);
}

/* --- the check --------------------------------------------------------------------------------
 */

/* Where there is a token as well as the front server's word, the token counts: it is what the
 * client itself says. */
static int identify(struct caller *c) {
    struct exchange *x = c->x;
    const struct settings *s = x->w->settings;
    const char *name, *message = intake_identity(&x->transport, s->identity_param, &name);

    if (message != NULL)
        return reply_fail(&x->c, 400, "%s", message);
    if (believes(c, s->identity_param))
        x->request.identity = name;
    if (s->token_key[0] == '\0')
        return 0;
    if (input_check_once(&x->c, "Authorization", "HTTP_AUTHORIZATION"))
        return x->response.status;
    c->bearer = bearer(variable(c, "HTTP_AUTHORIZATION"));
    return c->bearer != NULL ? check_token(c) : 0;
}

int auth_admit(struct exchange *x) {
    struct caller c = {.x = x};
    int status;

    if (foreign_write(x->w->settings, &x->request) &&
        bearer(variable(&c, "HTTP_AUTHORIZATION")) == NULL)
        return reply_fail(&x->c, 403,
                          "Permission denied: a page of another site may not send this request.");
    c.address = variable(&c, "REMOTE_ADDR");
    status = identify(&c);
    find_roles(&c);
    x->c.roles = x->roles;
    x->c.has_token = c.bearer != NULL;
    if (status == 0 && !is_monitor(&c))
        status = auth_permit(x);
    if (status == 0 && (x->match.route->flags & ROUTE_USER))
        status = find_user(&c);
    return status;
}
