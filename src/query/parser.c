/* parser.c: a question as a tree, by recursive descent. */
#include "query/parser.h"

#include <string.h>

static const struct query_node *parse_expression(struct parser *p);

/* One more of what nests; a NULL of the function that does the work comes back as it is. */
static const struct query_node *nested(struct parser *p,
                                       const struct query_node *(*parse)(struct parser *)) {
    const struct query_node *node;

    if (p->limits->depth > 0 && p->depth == p->limits->depth)
        return parser_refuse_limit(p, "levels of ( and not (query_depth)", p->limits->depth);
    p->depth++;
    node = parse(p);
    p->depth--;
    return node;
}

static const struct query_node *parse_not(struct parser *p) {
    const struct query_node *inner;

    if (parser_accept(p, TOKEN_NOT) || parser_accept_word(p, "not")) {
        inner = nested(p, parse_not);
        return inner ? parser_node(p, QUERY_NOT, inner, NULL) : NULL;
    }
    if (parser_accept_word(p, "all"))
        return parser_node(p, QUERY_ALL, NULL, NULL);
    if (!parser_accept(p, TOKEN_OPEN))
        return parser_test(p);
    inner = nested(p, parse_expression);
    if (inner == NULL || parser_accept(p, TOKEN_CLOSE))
        return inner;
    return parser_refuse(p, "and, or or ) is expected");
}

static const struct query_node *parse_and(struct parser *p) {
    const struct query_node *left = parse_not(p), *right;

    while (left != NULL) {
        bool minus = parser_accept(p, TOKEN_AND_NOT);

        if (!minus && !parser_accept(p, TOKEN_AND) && !parser_accept_word(p, "and"))
            break;
        right = parse_not(p);
        if (right != NULL && minus)
            right = parser_node(p, QUERY_NOT, right, NULL);
        left = right ? parser_node(p, QUERY_AND, left, right) : NULL;
    }
    return left;
}

static const struct query_node *parse_expression(struct parser *p) {
    const struct query_node *left = parse_and(p), *right;

    while (left != NULL && (parser_accept(p, TOKEN_OR) || parser_accept_word(p, "or"))) {
        right = parse_and(p);
        left = right ? parser_node(p, QUERY_OR, left, right) : NULL;
    }
    return left;
}

struct verdict query_parse(struct arena *arena, const char *text, const struct query_limits *limits,
                           const struct query_node **out) {
    struct parser p = {.arena = arena, .limits = limits, .text = text};

    p.verdict = verdict_of(RC_OK);
    if (limits->bytes > 0 && strlen(text) > (size_t)limits->bytes)
        return verdict_no(arena, RC_INVALID, "the query is longer than %d bytes (query_bytes)",
                          limits->bytes);
    p.token = lexer_next(arena, text);
    *out = parse_expression(&p);
    if (*out != NULL && p.token.kind != TOKEN_END)
        parser_refuse(&p, "and, or or the end of the query is expected");
    return p.verdict;
}
