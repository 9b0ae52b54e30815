/* parser.h: the state of a parser, for its parts. A question is read from the left, one token
 * ahead. */
#ifndef MUSTER_QUERY_PARSER_H
#define MUSTER_QUERY_PARSER_H

#include "query/lexer.h"
#include "query/query.h"

struct parser {
    struct arena *arena;
    const struct query_limits *limits;
    const char *text;
    struct lexer_token token, last; /* the one that is looked at, and the one before it */
    int tests, depth;
    struct verdict verdict; /* the first refusal */
};

/* The token is not what could stand here: the first message says where, what was found, and what
 * was expected. NULL. */
const struct query_node *parser_refuse(struct parser *p, const char *expected);

/* There are more than `limit` of them. NULL. */
const struct query_node *parser_refuse_limit(struct parser *p, const char *what, int limit);

void parser_advance(struct parser *p);

/* Whether it is this word of the language, in any case. */
bool parser_is_word(const struct parser *p, const char *word);

/* Whether it was; then the next token is looked at. */
bool parser_accept_word(struct parser *p, const char *word);
bool parser_accept(struct parser *p, enum lexer_kind kind);

/* A value or a name, and the next token is looked at; NULL: refused. */
const char *parser_expect_text(struct parser *p, const char *expected);

/* A node, in the arena. */
struct query_node *parser_node(struct parser *p, enum query_kind kind,
                               const struct query_node *left, const struct query_node *right);

/* FIELD OPERATOR VALUE and the like; NULL: refused. */
const struct query_node *parser_test(struct parser *p);

#endif
