/* lexer.h: the text of a question as tokens. */
#ifndef MUSTER_QUERY_LEXER_H
#define MUSTER_QUERY_LEXER_H

#include <stdbool.h>

#include "base/arena.h"

enum lexer_kind {
    TOKEN_END,
    TOKEN_WORD,   /* bare: letters, digits, _ - . : / * ? @ % and whatever is not ASCII */
    TOKEN_STRING, /* quoted; `text` is without quotes and escapes */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_AND,
    TOKEN_AND_NOT, /* a minus sign between blanks */
    TOKEN_OR,
    TOKEN_NOT,
    TOKEN_EQUAL,
    TOKEN_UNEQUAL,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_BEGINS,
    TOKEN_CONTAINS,
    TOKEN_UNKNOWN,     /* a character that stands nowhere */
    TOKEN_UNTERMINATED /* a quoted text without its end */
};

struct lexer_token {
    enum lexer_kind kind;
    const char *text;        /* as it was written, or what a quoted text stands for */
    const char *begin, *end; /* in the question */
};

/* A value or a name, in quotes or not. */
static inline bool lexer_is_text(const struct lexer_token *token) {
    return token->kind == TOKEN_WORD || token->kind == TOKEN_STRING;
}

/* The token at `at`, after blanks. Its text is in the arena. */
struct lexer_token lexer_next(struct arena *arena, const char *at);

/* The path of an attribute at `at`: KEY, KEY.SUBKEY, KEY:NUMBER or KEY.SUBKEY:NUMBER. Parts may be
 * quoted. In a bare key a dot ends it, in a bare subkey only a colon does. *token is all of it;
 * its kind is TOKEN_WORD, or that of the token that is there instead; *before is then what there is
 * of the path, up to the dot or colon, if anything. The texts that are missing are NULL. */
struct lexer_path {
    struct lexer_token token, before;
    const char *key, *subkey, *number;
};
struct lexer_path lexer_attr(struct arena *arena, const char *at);

#endif
