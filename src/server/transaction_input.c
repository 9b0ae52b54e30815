/* transaction_input.c: the body of POST /transaction: a list of operations. */
#include "server/transaction_input.h"

#include <string.h>

#include "api/input.h"
#include "api/reply.h"
#include "base/quote.h"
#include "json/writer.h"

/* What is around the body of an operation: the list, the operation. */
enum { OUTER_DEPTH = 2 };

#define MEMBERS "method, path, params, body, if_match, if_none_match, description"

/* --- refusals --- */

int transaction_input_fail_with(struct exchange *x, size_t number, int status,
                                const struct json_node *body) {
    struct json_writer *w;

    response_reset(&x->response);
    x->c.json_open = false;
    w = reply_json(&x->c, status);
    json_object_open(w);
    json_key(w, "body");
    if (body != NULL)
        json_tree(w, body);
    else
        json_null(w);
    json_key(w, "failed");
    json_int(w, (int64_t)number);
    json_key(w, "status");
    json_int(w, status);
    json_object_close(w);
    return reply_end(&x->c);
}

int transaction_input_fail(struct exchange *x, size_t number, int status, const char *message) {
    const struct json_node body = {.type = JSON_STRING, .text = message, .length = strlen(message)};

    return transaction_input_fail_with(x, number, status, &body);
}

/* --- one operation --- */

static bool is_text(const char *name) {
    return strcmp(name, "params") != 0 && strcmp(name, "body") != 0;
}

static const char **text_of(struct transaction_operation *o, const char *name) {
    return strcmp(name, "method") == 0          ? &o->method_text
           : strcmp(name, "path") == 0          ? &o->path
           : strcmp(name, "if_match") == 0      ? &o->if_match
           : strcmp(name, "if_none_match") == 0 ? &o->if_none_match
           : strcmp(name, "description") == 0   ? &o->description
                                                : NULL;
}

/* NULL: it was taken. Else what is wrong. */
static const char *take_member(struct arena *arena, struct transaction_operation *o,
                               const struct json_node *member) {
    const char **text = text_of(o, member->key);

    if (text == NULL && is_text(member->key))
        return arena_printf(arena, "unknown member %s. Please choose from: " MEMBERS ".",
                            quote(arena, member->key));
    if (member->type == JSON_NULL)
        return NULL; /* as good as none */
    if (text != NULL && member->type != JSON_STRING)
        return arena_printf(arena, "\"%s\" must be a string", member->key);
    if (text != NULL) {
        *text = member->text;
    } else if (strcmp(member->key, "body") == 0) {
        o->body = member;
    } else {
        if (member->type != JSON_OBJECT)
            return "\"params\" must be an object whose members are the parameters";
        o->params = member;
    }
    return NULL;
}

static const char *check_method(struct arena *arena, struct transaction_operation *o) {
    if (o->method_text == NULL)
        return "\"method\" is missing";
    o->method = request_method_parse(o->method_text);
    if (o->method == METHOD_GET || o->method == METHOD_POST || o->method == METHOD_PUT ||
        o->method == METHOD_DELETE)
        return NULL;
    return arena_printf(arena, "\"method\" must be GET, POST, PUT or DELETE, not %s",
                        quote(arena, o->method_text));
}

static const char *check_path(struct arena *arena, const struct transaction_operation *o) {
    if (o->path == NULL)
        return "\"path\" is missing";
    if (*o->path != '/')
        return arena_printf(arena, "\"path\" must begin with a slash: %s", quote(arena, o->path));
    return NULL;
}

static const char *check_references(struct arena *arena, const struct transaction_operation *o,
                                    size_t number) {
    const struct reference_answers unknown = {.count = number};
    const char *message = NULL, *path;

    path = reference_fill(arena, o->path, &unknown, true, &message);
    if (path == NULL)
        return message;
    if (strpbrk(path, "?#") != NULL)
        return "\"path\" has no query: parameters belong into \"params\"";
    if (o->params != NULL && reference_fill_all(arena, o->params, &unknown, &message) == NULL)
        return message;
    if (o->body != NULL && reference_fill_all(arena, o->body, &unknown, &message) == NULL)
        return message;
    return NULL;
}

/* NULL, or what is wrong. */
static const char *read_operation(struct arena *arena, const struct json_node *node, size_t number,
                                  struct transaction_operation *out) {
    const char *wrong = NULL;

    if (node->type != JSON_OBJECT)
        return "an operation must be an object with the members " MEMBERS;
    for (const struct json_node *n = node->children; n != NULL && wrong == NULL; n = n->next)
        wrong = take_member(arena, out, n);
    if (wrong == NULL && out->params != NULL && out->body != NULL)
        wrong = "only one of \"params\" and \"body\" may be sent";
    if (wrong == NULL)
        wrong = check_method(arena, out);
    if (wrong == NULL)
        wrong = check_path(arena, out);
    return wrong != NULL ? wrong : check_references(arena, out, number);
}

/* --- all of them --- */

static const struct json_node *read_list(struct exchange *x) {
    const struct json_node *list =
        input_json_body(&x->c, (size_t)x->c.options->json_depth + OUTER_DEPTH);

    if (list == NULL)
        return NULL;
    if (list->type != JSON_ARRAY)
        reply_fail(&x->c, 400, "The body must be a list of operations.");
    else if (list->count > (size_t)x->w->settings->transaction_operations)
        reply_fail(&x->c, 413, "A transaction has at most %d operations.",
                   x->w->settings->transaction_operations);
    else
        return list;
    return NULL;
}

int transaction_input_read(struct exchange *x, struct transaction_operations *out) {
    const struct json_node *list = read_list(x);
    struct transaction_operation *items;
    size_t i = 0;

    if (list == NULL)
        return x->response.status;
    items = arena_array(x->arena, list->count, sizeof *items);
    for (const struct json_node *n = list->children; n != NULL; n = n->next, i++) {
        const char *wrong = read_operation(x->arena, n, i, &items[i]);

        if (wrong != NULL)
            return transaction_input_fail(x, i, 400, wrong);
    }
    *out = (struct transaction_operations){items, list->count};
    return 0;
}
