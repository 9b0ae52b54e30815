/* lexer.c: the text of a question as tokens. */
#include "query/lexer.h"

#include <ctype.h>
#include <string.h>

static bool is_word(char c) {
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 ||
           (c != '\0' && strchr("_-.:/*?@%", c) != NULL);
}

static const char *skip_blanks(const char *at) {
    return at + strspn(at, " \t\r\n");
}

/* Of two characters before those of one. */
static const struct {
    const char *text;
    enum lexer_kind kind;
} signs[] = {
    {"==", TOKEN_EQUAL},      {"!=", TOKEN_UNEQUAL},       {"<>", TOKEN_UNEQUAL},
    {"<=", TOKEN_LESS_EQUAL}, {">=", TOKEN_GREATER_EQUAL}, {"=", TOKEN_EQUAL},
    {"!", TOKEN_NOT},         {"<", TOKEN_LESS},           {">", TOKEN_GREATER},
    {"^", TOKEN_BEGINS},      {"~", TOKEN_CONTAINS},       {"(", TOKEN_OPEN},
    {")", TOKEN_CLOSE},       {",", TOKEN_COMMA},          {"&", TOKEN_AND},
    {"|", TOKEN_OR},
};

static struct lexer_token made(struct arena *arena, enum lexer_kind kind, const char *begin,
                               size_t n) {
    return (struct lexer_token){kind, arena_strndup(arena, begin, n), begin, begin + n};
}

/* What is in quotes: a backslash takes the next character as it is. */
static struct lexer_token read_string(struct arena *arena, const char *begin) {
    const char *end;
    char *text, *to;

    for (end = begin + 1; *end != *begin; end++) {
        end += *end == '\\';
        if (*end == '\0')
            return (struct lexer_token){TOKEN_UNTERMINATED, begin, begin, end};
    }
    text = to = arena_strndup(arena, begin + 1, (size_t)(end - begin - 1));
    for (const char *at = text; *at != '\0'; at++) {
        at += *at == '\\';
        *to++ = *at;
    }
    *to = '\0';
    return (struct lexer_token){TOKEN_STRING, text, begin, end + 1};
}

static struct lexer_token read_word(struct arena *arena, const char *begin) {
    size_t n = 0;

    while (is_word(begin[n]))
        n++;
    return made(arena, n == 1 && *begin == '-' ? TOKEN_AND_NOT : TOKEN_WORD, begin, n);
}

/* A character that is in no token, all of its bytes. */
static struct lexer_token read_sign(struct arena *arena, const char *begin) {
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i].text);

        if (strncmp(begin, signs[i].text, n) == 0)
            return made(arena, signs[i].kind, begin, n);
    }
    return made(arena, TOKEN_UNKNOWN, begin, 1);
}

struct lexer_token lexer_next(struct arena *arena, const char *at) {
    at = skip_blanks(at);
    if (*at == '\0')
        return (struct lexer_token){TOKEN_END, "", at, at};
    if (*at == '"' || *at == '\'')
        return read_string(arena, at);
    return is_word(*at) ? read_word(arena, at) : read_sign(arena, at);
}

/* --- the path of an attribute --- */

/* A part up to one of the characters `ends`. */
static struct lexer_token read_part(struct arena *arena, const char *at, const char *ends) {
    struct lexer_token other;
    size_t n = 0;

    if (*at == '"' || *at == '\'')
        return read_string(arena, at);
    while (is_word(at[n]) && strchr(ends, at[n]) == NULL)
        n++;
    if (n > 0)
        return made(arena, TOKEN_WORD, at, n);
    other = lexer_next(arena, at);
    if (lexer_is_text(&other)) /* it follows a blank, or begins with a dot or colon */
        other.kind = TOKEN_UNKNOWN;
    return other;
}

/* Takes a part that follows the separator; false: what is there is no part, and the token now. */
static bool add_part(struct arena *arena, struct lexer_path *path, const char *ends,
                     const char **out) {
    struct lexer_token part = read_part(arena, path->token.end + 1, ends);

    if (!lexer_is_text(&part)) {
        const char *begin = path->token.begin;

        path->before = made(arena, TOKEN_WORD, begin, (size_t)(path->token.end + 1 - begin));
        path->token = part;
        return false;
    }
    *out = part.text;
    path->token.end = part.end;
    return true;
}

struct lexer_path lexer_attr(struct arena *arena, const char *at) {
    struct lexer_path path = {.token = read_part(arena, skip_blanks(at), ".:")};

    if (!lexer_is_text(&path.token))
        return path;
    path.token.kind = TOKEN_WORD;
    path.key = path.token.text;
    if (*path.token.end == '.' && !add_part(arena, &path, ":", &path.subkey))
        return path;
    if (*path.token.end == ':' && !add_part(arena, &path, ".:", &path.number))
        return path;
    path.token.text =
        arena_strndup(arena, path.token.begin, (size_t)(path.token.end - path.token.begin));
    return path;
}
