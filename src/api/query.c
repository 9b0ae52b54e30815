/* query.c: handler of /query: a question, answered as a list. */
#include "api/query.h"

#include "api/input.h"
#include "api/reply.h"
#include "api/show.h"
#include "query/query.h"

static struct query_limits limits_of(const struct context *c) {
    return (struct query_limits){.bytes = c->options->query_bytes,
                                 .tests = c->options->query_tests,
                                 .depth = c->options->query_depth,
                                 .values = c->options->query_values};
}

int query_show(struct context *c) {
    struct listing listing = {.kind = LIST_QUERY};
    const struct query_limits limits = limits_of(c);
    const char *question = input_nonempty(c, "q");
    enum context_mode mode = input_mode(c, MODE_COMPACT);
    struct page page;

    if (!question)
        return reply_fail(c, 412, "Provide a query as q");
    if (reply_verdict(c, query_parse(c->arena, question, &limits, &listing.question)) ||
        input_page(c, &page) || input_check_mode(c, mode))
        return c->response->status;
    c->dependencies.anything = true;
    return show_list(c, &listing, mode, &page);
}
