/* preferences_search.c: which containers GET /preferences/ lists. */
#include "api/preferences_search.h"

#include <string.h>

#include "api/preferences_input.h"
#include "api/reply.h"
#include "base/quote.h"
#include "store/prefs.h"
#include "json/writer.h"

/* PostgreSQL compares each value in a list that is wanted with each one in the stored list, which
 * nothing can interrupt: a container takes it as long as CONTAINER scalars. At most so many times
 * bytes are stored, it is done in less than a second. */
enum { CONTAINER = 5, MAX_WORK = 40 * 1000 * 1000 };

/* A key that begins with "$" was an operator of MongoDB; taken for a key it would silently find
 * something else. */
static const char *find_operator(const struct json_node *node) {
    for (const struct json_node *child = node->children; child != NULL; child = child->next) {
        const char *found =
            child->key != NULL && child->key[0] == '$' ? child->key : find_operator(child);

        if (found != NULL)
            return found;
    }
    return NULL;
}

/* What comparing the values in lists costs for each byte that is stored. */
static int64_t list_cost(const struct json_node *node, bool in_list) {
    bool container = node->type == JSON_ARRAY || node->type == JSON_OBJECT;
    int64_t cost = !in_list ? 0 : container ? CONTAINER : 1;

    for (const struct json_node *child = node->children; child != NULL; child = child->next)
        cost += list_cost(child, in_list || node->type == JSON_ARRAY);
    return cost;
}

/* A single value is looked for whatever is stored. */
static int check_cost(struct context *c, const struct json_node *wanted) {
    int64_t cost = list_cost(wanted, false);
    struct prefs_usage usage;

    if (cost <= CONTAINER)
        return 0;
    if (reply_rc(c, store_prefs_usage(c->store, c->request->user, &usage)))
        return c->response->status;
    if (cost <= MAX_WORK / (usage.bytes + 1))
        return 0;
    return reply_fail(c, 400,
                      "The lists in what to search for are too long for documents of %lld bytes.",
                      (long long)usage.bytes);
}

static int check_search(struct context *c, const struct json_node *wanted) {
    const char *found = find_operator(wanted);

    if (wanted->type != JSON_OBJECT)
        return reply_fail(c, 400, "What to search for must be a JSON object.");
    if (found != NULL)
        return reply_fail(c, 400, "Unknown operator %s.", quote(c->arena, found));
    return check_cost(c, wanted);
}

int preferences_read_search(struct context *c, const char **search) {
    const char *text = params_last(&c->request->params, "contains");
    const struct json_node *value;

    *search = NULL;
    if (text != NULL && c->request->body_length > 0)
        return reply_fail(c, 400, "Send what to search for as a parameter or as a body, not both.");
    if (text == NULL && c->request->body_length == 0)
        return 0;
    value = text != NULL
                ? preferences_read_json(c, text, strlen(text), (size_t)c->options->json_depth)
                : preferences_read_body(c, (size_t)c->options->json_depth);
    if (value == NULL || check_search(c, value))
        return c->response->status;
    *search = json_text(c->arena, value);
    return 0;
}
