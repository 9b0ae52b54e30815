/* reader.c: a JSON text to a tree, yajl_parse with the limits that it lacks. */
#include "json/reader.h"

#include <assert.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "base/log.h"
#include "base/utf8.h"
#include "json/decimal.h"

/* A container that is open: where its next member goes, and under which key. */
struct frame {
    struct frame *outer;
    struct json_node *node;
    struct json_node **tail;
    const char *key;
    size_t key_length;
};

struct reader {
    struct arena *arena;
    const struct json_limits *limits;
    struct json_error *error;
    yajl_handle yajl;
    const char *bytes;
    size_t n;
    bool finishing;    /* all bytes are with yajl, its count starts anew */
    size_t last_token; /* offset of the end of the last token that was reported */
    size_t nodes;
    size_t depth;
    struct frame *top;
    struct frame *spare;
    struct json_node *root;
};

static void fail_at(struct reader *r, enum json_result result, size_t offset, const char *message) {
    const char *end = r->bytes + offset;
    const char *line = r->bytes;
    const char *newline;

    assert(offset <= r->n);
    r->error->result = result;
    r->error->line = 1;
    while (line < end && (newline = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        r->error->line++;
        line = newline + 1;
    }
    r->error->column = (size_t)(end - line) + 1;
    r->error->message = message;
}

static bool is_between(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':';
}

/* Where the token begins that follows the last one reported; yajl reports neither ',' nor ':'. */
static size_t token_start(const struct reader *r) {
    size_t offset = r->last_token;

    while (offset < r->n && is_between(r->bytes[offset]))
        offset++;
    return offset;
}

static size_t consumed(const struct reader *r) {
    return r->finishing ? r->n : yajl_get_bytes_consumed(r->yajl);
}

/* Fails because of a limit; the value for a callback that stops yajl. */
static int over(struct reader *r, const char *message) {
    fail_at(r, JSON_LIMIT, token_start(r), message);
    return 0;
}

/* Hangs a new node into the tree. NULL: there are too many. */
static struct json_node *new_node(struct reader *r, enum json_type type) {
    struct json_node *node;

    if (r->limits->nodes != 0 && r->nodes == r->limits->nodes) {
        (void)over(r, arena_printf(r->arena, "more than %zu values", r->limits->nodes));
        return NULL;
    }
    r->nodes++;
    node = arena_alloc(r->arena, sizeof(*node));
    node->type = type;
    if (r->top == NULL) {
        r->root = node;
    } else {
        node->key = r->top->key;
        node->key_length = r->top->key_length;
        *r->top->tail = node;
        r->top->tail = &node->next;
        r->top->node->count++;
    }
    r->last_token = consumed(r);
    return node;
}

static int on_null(void *context) {
    return new_node(context, JSON_NULL) != NULL;
}

static int on_boolean(void *context, int value) {
    return new_node(context, value ? JSON_TRUE : JSON_FALSE) != NULL;
}

static int on_number(void *context, const char *text, size_t n) {
    struct reader *r = context;
    const struct json_limits *limits = r->limits;
    struct json_decimal decimal;
    struct json_node *node;

    if (limits->number_digits != 0 && n > limits->number_digits)
        return over(r, arena_printf(r->arena, "a number longer than %zu characters",
                                    limits->number_digits));
    if (limits->exponent != 0 && json_decimal_read(text, n, &decimal) &&
        (decimal.exponent > limits->exponent || decimal.exponent < -limits->exponent))
        return over(
            r, arena_printf(r->arena, "a number with an exponent beyond +-%d", limits->exponent));
    node = new_node(r, JSON_NUMBER);
    if (node == NULL)
        return 0;
    node->text = arena_strndup(r->arena, text, n);
    node->length = n;
    return 1;
}

static int on_string(void *context, const unsigned char *text, size_t n) {
    struct reader *r = context;
    struct json_node *node = new_node(r, JSON_STRING);

    if (node == NULL)
        return 0;
    node->text = arena_strndup(r->arena, (const char *)text, n);
    node->length = n;
    return 1;
}

static int on_key(void *context, const unsigned char *text, size_t n) {
    struct reader *r = context;

    if (r->limits->key_bytes != 0 && n > r->limits->key_bytes)
        return over(r, arena_printf(r->arena, "a key longer than %zu bytes", r->limits->key_bytes));
    r->top->key = arena_strndup(r->arena, (const char *)text, n);
    r->top->key_length = n;
    r->last_token = consumed(r);
    return 1;
}

static int open_container(struct reader *r, enum json_type type) {
    struct json_node *node;
    struct frame *frame = r->spare;

    if (r->depth == r->limits->depth)
        return over(r, arena_printf(r->arena, "nested deeper than %zu levels", r->limits->depth));
    node = new_node(r, type);
    if (node == NULL)
        return 0;
    if (frame == NULL)
        frame = arena_alloc(r->arena, sizeof(*frame));
    else
        r->spare = frame->outer;
    *frame = (struct frame){.outer = r->top, .node = node, .tail = &node->children};
    r->top = frame;
    r->depth++;
    return 1;
}

static int close_container(struct reader *r) {
    struct frame *frame = r->top;

    r->top = frame->outer;
    frame->outer = r->spare;
    r->spare = frame;
    r->depth--;
    r->last_token = consumed(r);
    return 1;
}

static int on_array_open(void *context) {
    return open_container(context, JSON_ARRAY);
}

static int on_array_close(void *context) {
    return close_container(context);
}

static int on_object_open(void *context) {
    return open_container(context, JSON_OBJECT);
}

/* Of members with the same key the last wins. */
static void drop_duplicates(struct json_node *object) {
    struct json_node **link = &object->children;

    while (*link != NULL && (*link)->next != NULL) {
        struct json_node *next = (*link)->next;

        if (json_key_order(*link, next->key, next->key_length) == 0) {
            *link = next;
            object->count--;
        } else {
            link = &(*link)->next;
        }
    }
}

static int on_object_close(void *context) {
    struct reader *r = context;

    json_sort(r->top->node);
    drop_duplicates(r->top->node);
    return close_container(r);
}

/* Where yajl stumbled: it stops before a bad character in a string, a number or a word, after one
 * that begins no token at all, and after a token that is in the wrong place. */
static size_t place_of(const struct reader *r, const char *said) {
    size_t offset = consumed(r);

    if (r->finishing)
        return strncmp(said, "lexical", 7) == 0 ? r->n : token_start(r);
    if (strstr(said, "invalid char in json text") != NULL)
        return offset - 1;
    if (strncmp(said, "lexical", 7) == 0)
        return offset;
    return strchr(",:[]{}", r->bytes[offset - 1]) != NULL ? offset - 1 : token_start(r);
}

/* Tells what yajl says, without "parse error: " in front and the newline at the end. */
static void malformed(struct reader *r) {
    unsigned char *owned = yajl_get_error(r->yajl, 0, (const unsigned char *)r->bytes, r->n);
    const char *said = owned == NULL ? "not JSON" : (const char *)owned;
    const char *colon = strstr(said, "error: ");
    const char *text = colon == NULL ? said : colon + strlen("error: ");

    if (strncmp(text, "premature EOF", 13) == 0)
        fail_at(r, JSON_MALFORMED, r->n, r->root == NULL ? "no value" : "the text ends too early");
    else
        fail_at(r, JSON_MALFORMED, place_of(r, said),
                arena_strndup(r->arena, text, strcspn(text, "\n")));
    if (owned != NULL)
        yajl_free_error(r->yajl, owned);
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of an escape "\uXXXX" at `p`, or -1. */
static int code_unit(const char *p, const char *end) {
    int unit = 0;
    int i;

    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (i = 2; i < 6; i++) {
        int digit = hex_digit(p[i]);

        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Looks for escapes that name what is no character: yajl makes a "?" of a lone surrogate. In a
 * text that is JSON a backslash is always in a string, so strings need not be tracked. */
static bool has_unstorable(struct reader *r) {
    const char *end = r->bytes + r->n;
    const char *p = r->bytes;

    while (p < end && (p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
        int unit = code_unit(p, end);
        bool high = unit >= 0xD800 && unit <= 0xDBFF;
        int second = high ? code_unit(p + 6, end) : -1;

        if (high && second >= 0xDC00 && second <= 0xDFFF) {
            p += 12;
        } else if (unit == 0) {
            fail_at(r, JSON_UNSTORABLE, (size_t)(p - r->bytes), "\\u0000 can't be stored");
            return true;
        } else if (unit >= 0xD800 && unit <= 0xDFFF) {
            fail_at(r, JSON_UNSTORABLE, (size_t)(p - r->bytes),
                    "half of a surrogate pair can't be stored");
            return true;
        } else {
            p += unit < 0 ? 2 : 6;
        }
    }
    return false;
}

/* yajl takes a text that goes on after its value with a string that never ends, and for white space
 * what JSON knows in no place. */
static void check_rest(struct reader *r) {
    const char *tab = memchr(r->bytes, '\v', r->n);
    const char *feed = memchr(r->bytes, '\f', tab == NULL ? r->n : (size_t)(tab - r->bytes));
    size_t offset = r->last_token;

    if (feed != NULL || tab != NULL) {
        fail_at(r, JSON_MALFORMED, (size_t)((feed != NULL ? feed : tab) - r->bytes),
                "invalid char in json text.");
        return;
    }
    while (offset < r->n && strchr(" \t\r\n", r->bytes[offset]) != NULL)
        offset++;
    if (offset < r->n)
        fail_at(r, JSON_MALFORMED, offset, "trailing garbage");
}

static void parse(struct reader *r) {
    yajl_status status;

    status = yajl_parse(r->yajl, (const unsigned char *)r->bytes, r->n);
    if (status == yajl_status_ok) {
        r->finishing = true;
        status = yajl_complete_parse(r->yajl);
    }
    if (status == yajl_status_ok)
        check_rest(r);
    else if (r->error->result == JSON_OK)
        malformed(r); /* else a callback stopped yajl and said why */
}

/* What yajl would not say well. */
static bool check_bytes(struct reader *r) {
    size_t valid = utf8_span(r->bytes, r->n);

    if (valid < r->n)
        fail_at(r, JSON_MALFORMED, valid, r->bytes[valid] == '\0' ? "a NUL byte" : "not UTF-8");
    else if (r->n >= 3 && memcmp(r->bytes, "\xef\xbb\xbf", 3) == 0)
        fail_at(r, JSON_MALFORMED, 0, "a byte order mark, which is not JSON");
    return r->error->result == JSON_OK;
}

struct json_node *json_read(struct arena *arena, const char *bytes, size_t n,
                            const struct json_limits *limits, struct json_error *error) {
    static const yajl_callbacks callbacks = {
        .yajl_null = on_null,
        .yajl_boolean = on_boolean,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_start_map = on_object_open,
        .yajl_map_key = on_key,
        .yajl_end_map = on_object_close,
        .yajl_start_array = on_array_open,
        .yajl_end_array = on_array_close,
    };
    struct reader r = {.arena = arena, .limits = limits, .error = error, .bytes = bytes, .n = n};

    assert(arena != NULL && limits != NULL && error != NULL);
    assert(bytes != NULL || n == 0);
    if (bytes == NULL)
        r.bytes = "";
    *error = (struct json_error){.result = JSON_OK};
    if (!check_bytes(&r))
        return NULL;
    r.yajl = yajl_alloc(&callbacks, NULL, &r);
    if (r.yajl == NULL)
        log_fatal("out of memory: no room for a JSON reader");
    (void)yajl_config(r.yajl, yajl_dont_validate_strings, 1);
    parse(&r);
    yajl_free(r.yajl);
    if (error->result != JSON_OK || has_unstorable(&r))
        return NULL;
    return r.root;
}
