/* query.c: fuzz target of the query language. */
#include <string.h>

#include "base/utf8.h"
#include "query/query.h"

#include "fuzz.h"

static const struct query_limits limits = {.bytes = 4096, .tests = 64, .depth = 32, .values = 1000};

static void promise_test(const struct query_node *test) {
    bool named = test->field >= QUERY_CONTAINER;

    PROMISE(named == (test->name != NULL));
    PROMISE(test->field < QUERY_IS || test->op == QUERY_EXISTS);
    PROMISE(test->op != QUERY_IN_NETWORK || test->field == QUERY_IP);
    PROMISE(test->value_count + test->network_count <= 1000);
    for (size_t i = 0; i < test->network_count; i++)
        PROMISE(test->networks[i].first <= test->networks[i].last);
    PROMISE((test->value_count == 0) == (test->op == QUERY_EXISTS || test->op == QUERY_IN_NETWORK));
    for (size_t i = 0; i < test->value_count; i++)
        PROMISE(test->values[i].text != NULL);
}

/* How many tests, where addresses and networks in one list are two; the tree is not deeper than its
 * limits allow. */
static int promise_tree(const struct query_node *node, int depth) {
    PROMISE(node != NULL && depth <= limits.depth + 2 * limits.tests + 2);
    switch (node->kind) {
    case QUERY_ALL: return 0;
    case QUERY_TEST: promise_test(node); return 1;
    case QUERY_NOT: return promise_tree(node->left, depth + 1);
    default: break;
    }
    return promise_tree(node->left, depth + 1) + promise_tree(node->right, depth + 1);
}

/* A query that is read obeys the limits; what is refused is said in UTF-8. */
void fuzz_query(struct input *in) {
    const char *text = take_text(in);
    const struct query_node *query = NULL;
    struct verdict verdict;

    if (!utf8_valid(text, strlen(text)))
        return;
    verdict = query_parse(in->arena, text, &limits, &query);
    PROMISE((verdict.rc == RC_OK) == (query != NULL && verdict.message == NULL));
    if (verdict.rc == RC_OK) {
        PROMISE(promise_tree(query, 0) <= 2 * limits.tests);
    } else {
        PROMISE(verdict.rc == RC_INVALID);
        promise_message(verdict.message);
    }
}
