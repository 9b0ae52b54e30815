/* parameters.c: query, form or JSON object to the parameters that the row's operation names. */
#include "server/parameters.h"

#include <string.h>

#include "api/input.h"
#include "api/reply.h"
#include "base/quote.h"
#include "server/operation.h"
#include "json/writer.h"

#define FORM      "application/x-www-form-urlencoded"
#define MULTIPART "multipart/form-data"
#define JSON      "application/json"

static const struct operation *operation_of(const struct exchange *x) {
    return x->match.route->operation;
}

/* --- refusals --- */

static int fail(struct exchange *x, enum params_result result, const struct params_target *to) {
    if (result == PARAMS_OK)
        return 0;
    if (result == PARAMS_LIMIT)
        return reply_fail(&x->c, x->request.body_length > 0 ? 413 : 414, "%s", to->message);
    return reply_fail(&x->c, 400, "%s", to->message);
}

static int fail_unknown(struct exchange *x, const char *name) {
    const struct operation_parameter *const *p = operation_of(x)->parameters;
    const char *known = "";

    if (*p == NULL)
        return reply_fail(&x->c, 400, "Unknown parameter \"%s\": there are none here.", name);
    for (; *p != NULL; p++)
        known = arena_printf(x->arena, "%s%s%s", known, *known != '\0' ? ", " : "", (*p)->name);
    return reply_fail(&x->c, 400, "Unknown parameter \"%s\". Please choose from: %s.", name, known);
}

static int fail_type(struct exchange *x, const char *what) {
    int status = reply_fail(&x->c, 415, "%s: send " FORM ", " MULTIPART " or " JSON ".", what);

    response_header(&x->response, "Accept", FORM ", " MULTIPART ", " JSON);
    return status;
}

/* --- a JSON object --- */

static int add_value(struct exchange *x, struct params_target *to,
                     const struct operation_parameter *parameter, const char *name,
                     const struct json_node *node) {
    const char *text = json_scalar_text(node);

    if (text == NULL && parameter->kind == OPERATION_JSON)
        text = json_text(x->arena, node);
    if (text == NULL)
        return reply_fail(&x->c, 400,
                          "The member \"%s\" must be a string, a number or a boolean%s.", name,
                          parameter->flags & OPERATION_REPEATED ? ", or a list of them" : "");
    return fail(x, params_add(to, name, strlen(name), text, strlen(text)), to);
}

static int add_member(struct exchange *x, struct params_target *to, const struct json_node *node) {
    const struct operation_parameter *parameter = operation_find(operation_of(x), node->key);
    int status = 0;

    if (parameter == NULL)
        return fail_unknown(x, node->key);
    if (node->type != JSON_ARRAY || !(parameter->flags & OPERATION_REPEATED))
        return add_value(x, to, parameter, node->key, node);
    for (const struct json_node *n = node->children; status == 0 && n != NULL; n = n->next)
        status = add_value(x, to, parameter, node->key, n);
    return status;
}

static int add_members(struct exchange *x, struct params_target *to,
                       const struct json_node *object) {
    int status = 0;

    for (const struct json_node *n = object->children; status == 0 && n != NULL; n = n->next)
        status = add_member(x, to, n);
    return status;
}

static int add_json(struct exchange *x, struct params_target *to) {
    const struct json_node *object = input_json_body(&x->c, (size_t)x->c.options->json_depth);

    if (object == NULL)
        return x->response.status;
    if (object->type != JSON_OBJECT)
        return reply_fail(&x->c, 400,
                          "The body must be a JSON object whose members are the parameters.");
    return add_members(x, to, object);
}

/* --- the body --- */

/* curl -d calls whatever it sends a form. */
static bool looks_like_json(const struct request *request) {
    const char *body = request->body + strspn(request->body, " \t\r\n");

    return *body == '{' || *body == '[';
}

static int add_form(struct exchange *x, struct params_target *to) {
    const struct request *r = &x->request;
    enum params_result result;

    if (request_has_type(r, MULTIPART))
        result = params_add_multipart(to, r->content_type, r->body, r->body_length);
    else if (looks_like_json(r))
        return fail_type(x, "The body looks like JSON, and its Content-Type says a form");
    else
        result = params_add_form(to, r->body, r->body_length);
    return fail(x, result, to);
}

static int add_body(struct exchange *x, struct params_target *to) {
    const struct request *r = &x->request;
    const struct operation *operation = operation_of(x);

    if (r->body_length == 0)
        return 0;
    if (operation->body == OPERATION_NO_BODY)
        return reply_fail(&x->c, 400,
                          "No body is taken here: parameters belong into the query string.");
    if (!operation_takes_form(operation))
        return 0;
    if (*r->content_type == '\0' || request_has_type(r, FORM) || request_has_type(r, MULTIPART))
        return add_form(x, to);
    if (!request_has_type(r, JSON))
        return fail_type(x, arena_printf(x->arena, "Content-Type %s is not supported",
                                         quote(x->arena, r->content_type)));
    return operation->body == OPERATION_FORM ? add_json(x, to) : 0;
}

/* --- all of it --- */

static int check(struct exchange *x) {
    const struct params *params = &x->request.params;

    for (size_t i = 0; i < params->count; i++) {
        const struct param *param = &params->items[i];
        const struct operation_parameter *known = operation_find(operation_of(x), param->name);

        if (known == NULL)
            return fail_unknown(x, param->name);
        if (known->kind == OPERATION_BOOLEAN && !operation_is_boolean(param->value))
            return reply_fail(&x->c, 400, "\"%s\" must be true or false, not %s.", param->name,
                              quote(x->arena, param->value));
    }
    return 0;
}

static struct params_limits limits_of(const struct settings *settings) {
    return (struct params_limits){.count = (size_t)settings->max_params,
                                  .name_bytes = (size_t)settings->max_param_name_bytes,
                                  .value_bytes = (size_t)settings->max_param_bytes};
}

int parameters_take(struct exchange *x, const struct json_node *object) {
    const struct params_limits limits = limits_of(x->w->settings);
    struct params_target to = {&x->request.params, x->arena, &limits, NULL, 0};
    int status = add_members(x, &to, object);

    return status != 0 ? status : check(x);
}

int parameters_read(struct exchange *x) {
    struct request *r = &x->request;
    const struct params_limits limits = limits_of(x->w->settings);
    struct params_target to = {&r->params, r->arena, &limits, NULL, 0};
    int status = fail(x, params_add_form(&to, r->query, strlen(r->query)), &to);

    if (status == 0)
        status = add_body(x, &to);
    return status != 0 ? status : check(x);
}
