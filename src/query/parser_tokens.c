/* parser_tokens.c: what a parser has in front of it, its refusals, and its nodes. */
#include "query/parser.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"

/* --- refusals --- */

static struct verdict refuse_at(struct parser *p, const char *at, const char *message) {
    size_t line = 1;
    const char *begin = p->text, *newline;

    while ((newline = memchr(begin, '\n', (size_t)(at - begin))) != NULL) {
        begin = newline + 1;
        line++;
    }
    return verdict_no(p->arena, RC_INVALID, "line %zu, column %zu: %s", line,
                      utf8_length(arena_strndup(p->arena, begin, (size_t)(at - begin))) + 1,
                      message);
}

/* A part of the question for a message: not too long, no character cut. */
static const char *shown(struct parser *p, const struct lexer_token *token) {
    size_t n = (size_t)(token->end - token->begin), most = 40;

    if (token->kind == TOKEN_END)
        return "nothing";
    if (token->kind == TOKEN_UNTERMINATED)
        return "a quoted text without its end";
    if (n <= most)
        return arena_printf(p->arena, "\"%.*s\"", (int)n, token->begin);
    while (most > 0 && ((unsigned char)token->begin[most] & 0xC0u) == 0x80u)
        most--;
    return arena_printf(p->arena, "\"%.*s...\"", (int)most, token->begin);
}

const struct query_node *parser_refuse(struct parser *p, const char *expected) {
    const char *found = shown(p, &p->token);

    if (p->verdict.rc != RC_OK)
        return NULL;
    if (p->last.begin == NULL)
        found = arena_printf(p->arena, "the query begins with %s", found);
    else
        found = arena_printf(p->arena, "%s is followed by %s", shown(p, &p->last), found);
    p->verdict = refuse_at(p, p->token.begin, arena_printf(p->arena, "%s; %s", found, expected));
    return NULL;
}

const struct query_node *parser_refuse_limit(struct parser *p, const char *what, int limit) {
    if (p->verdict.rc == RC_OK)
        p->verdict =
            refuse_at(p, p->token.begin, arena_printf(p->arena, "more than %d %s", limit, what));
    return NULL;
}

/* --- tokens --- */

void parser_advance(struct parser *p) {
    p->last = p->token;
    p->token = lexer_next(p->arena, p->token.end);
}

bool parser_is_word(const struct parser *p, const char *word) {
    return p->token.kind == TOKEN_WORD && strcasecmp(p->token.text, word) == 0;
}

bool parser_accept_word(struct parser *p, const char *word) {
    if (!parser_is_word(p, word))
        return false;
    parser_advance(p);
    return true;
}

bool parser_accept(struct parser *p, enum lexer_kind kind) {
    if (p->token.kind != kind)
        return false;
    parser_advance(p);
    return true;
}

const char *parser_expect_text(struct parser *p, const char *expected) {
    const char *text = p->token.text;

    if (!lexer_is_text(&p->token)) {
        parser_refuse(p, expected);
        return NULL;
    }
    parser_advance(p);
    return text;
}

/* --- nodes --- */

struct query_node *parser_node(struct parser *p, enum query_kind kind,
                               const struct query_node *left, const struct query_node *right) {
    struct query_node *node = arena_array(p->arena, 1, sizeof *node);

    node->kind = kind;
    node->left = left;
    node->right = right;
    return node;
}
