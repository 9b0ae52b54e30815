/* transaction_step.c: an operation of a transaction as a request of its own. */
#include "server/transaction_step.h"

#include <string.h>

#include "api/reply.h"
#include "server/auth.h"
#include "server/parameters.h"
#include "server/preconditions.h"
#include "server/target.h"
#include "json/writer.h"

struct transaction_step {
    struct exchange *whole;
    struct exchange x;
    const char *path, *if_match, *if_none_match;
};

/* --- its headers --- */

/* How all responses are to be; the rest is about the request as a whole. */
static const char *const inherited[] = {"HTTP_CLUSTO_CONTENTS", "HTTP_CLUSTO_INHERIT",
                                        "HTTP_CLUSTO_MINIFY",   "HTTP_CLUSTO_MODE",
                                        "HTTP_CLUSTO_UNITS",    "SCRIPT_NAME"};

static const char *variable(void *context, const char *name) {
    const struct transaction_step *step = context;
    const struct request *whole = &step->whole->request;

    if (strcmp(name, "REQUEST_URI") == 0)
        return step->path;
    if (strcmp(name, "HTTP_IF_MATCH") == 0)
        return step->if_match;
    if (strcmp(name, "HTTP_IF_NONE_MATCH") == 0)
        return step->if_none_match;
    for (size_t i = 0; i < sizeof inherited / sizeof *inherited; i++)
        if (strcmp(name, inherited[i]) == 0)
            return whole->variable(whole->transport, name);
    return NULL;
}

/* Nothing is sent: what it is answered with is held. */
static bool send_nothing(void *context, const char *bytes, size_t n) {
    (void)context;
    (void)bytes;
    (void)n;
    return false;
}

/* --- its beginning --- */

static void release(void *step) {
    response_release(&((struct transaction_step *)step)->x.response);
}

struct transaction_step *transaction_step_new(struct exchange *x) {
    struct transaction_step *step = arena_alloc(x->arena, sizeof *step);

    step->whole = x;
    step->x.w = x->w;
    step->x.arena = x->arena;
    step->x.transport = x->transport;
    arena_on_reset(x->arena, release, step);
    return step;
}

struct exchange *transaction_step_exchange(struct transaction_step *step) {
    return &step->x;
}

static void begin(struct transaction_step *step, const struct transaction_operation *operation) {
    struct exchange *x = &step->x;
    const struct exchange *whole = step->whole;

    step->if_match = operation->if_match;
    step->if_none_match = operation->if_none_match;
    x->request = (struct request){.arena = x->arena,
                                  .method = operation->method,
                                  .method_text = operation->method_text,
                                  .target = operation->path,
                                  .query = "",
                                  .variable = variable,
                                  .transport = step,
                                  .content_type = "",
                                  .identity = whole->request.identity,
                                  .id = whole->request.id,
                                  .body = ""};
    x->match = (struct route_match){.route = NULL};
    memcpy(x->roles, whole->roles, sizeof x->roles);
    response_begin(&x->response, x->arena, (struct response_out){.write = send_nothing}, false);
    x->response.hold = true;
    x->c = (struct context){.options = whole->c.options,
                            .request = &x->request,
                            .response = &x->response,
                            .store = whole->c.store,
                            .arena = x->arena,
                            .json = whole->c.json,
                            .dry_run = whole->c.dry_run};
}

/* --- its checks --- */

static int fail_reference(struct exchange *x, const char *message) {
    if (message != NULL)
        return reply_fail(&x->c, 400, "%s", message);
    return reply_fail(&x->c, 413, "What is filled in for references has more than %d bytes.",
                      x->w->settings->body_limit);
}

static int find_route(struct transaction_step *step, const struct reference_answers *answers) {
    struct exchange *x = &step->x;
    const char *message;
    enum path_result path;

    step->path = reference_fill(x->arena, x->request.target, answers, true, &message);
    if (step->path == NULL)
        return fail_reference(x, message);
    x->request.target = step->path;
    path = intake_path(x->w->settings, &x->request);
    if (path == PATH_OK)
        x->match = route_find(x->w->settings, &x->request.path, x->request.method);
    return target_check(x, path);
}

int transaction_step_prepare(struct transaction_step *step,
                             const struct transaction_operation *operation,
                             const struct reference_answers *answers) {
    struct exchange *x = &step->x;
    int status;

    begin(step, operation);
    if ((status = find_route(step, answers)) != 0 || (status = auth_permit(x)) != 0)
        return status;
    if (!(x->match.route->flags & ROUTE_OPERATION))
        return reply_fail(&x->c, 400, "%s %s can't be part of a transaction.",
                          x->request.method_text, x->request.target);
    x->c.args = x->match.args;
    x->c.arg_count = x->match.arg_count;
    x->c.mount = x->match.mount;
    return preconditions_check(x);
}

/* --- its parameters --- */

static int take_body(struct exchange *x, const struct json_node *body) {
    const char *text = json_text(x->arena, body);

    if (text == NULL)
        return reply_fail(&x->c, 400, "\"body\" is nested too deeply.");
    x->request.body = text;
    x->request.body_length = strlen(text);
    x->request.content_type = "application/json";
    return parameters_read(x);
}

/* With the references filled in, if there are answers. */
static int read_input(struct transaction_step *step, const struct transaction_operation *operation,
                      const struct reference_answers *answers) {
    bool is_body = operation->body != NULL;
    const struct json_node *sent = is_body ? operation->body : operation->params;
    struct exchange *x = &step->x;
    const char *message;

    if (sent != NULL && answers != NULL) {
        sent = reference_fill_all(x->arena, sent, answers, &message);
        if (sent == NULL)
            return fail_reference(x, message);
    }
    if (sent == NULL)
        return parameters_read(x);
    return is_body ? take_body(x, sent) : parameters_take(x, sent);
}

/* --- its handler --- */

int transaction_step_ask(struct transaction_step *step,
                         const struct transaction_operation *operation) {
    int status = read_input(step, operation, NULL);

    return status != 0 ? status : step->x.match.route->ask(&step->x.c);
}

/* What it has sent without waiting for it fails as a part of it, not of the next one. */
static int settle(struct exchange *x, int status) {
    if (x->c.rc != RC_OK || status >= 400)
        return status;
    if (reply_rc(&x->c, store_check(x->c.store)))
        return x->response.status;
    if (!x->write_only)
        return status;
    response_clear_body(&x->response);
    return reply_empty(&x->c, 204);
}

int transaction_step_run(struct transaction_step *step,
                         const struct transaction_operation *operation,
                         const struct reference_answers *answers, size_t room) {
    struct exchange *x = &step->x;
    int status = transaction_step_prepare(step, operation, answers);
    const struct route *route = x->match.route;

    x->response.held.limit = room;
    if (status == 0)
        status = read_input(step, operation, answers);
    if (status == 0 && route->ask != NULL && !(route->flags & ROUTE_WRITE))
        status = route->ask(&x->c);
    if (status == 0)
        status = route->handle(&x->c);
    if (x->c.dry_run && !step->whole->c.dry_run)
        status = reply_fail(&x->c, 400,
                            "\"dry_run\" is for a request of its own: send Clusto-Dry-Run with "
                            "the transaction.");
    return settle(x, status);
}
