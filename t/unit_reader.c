/* unit_reader.c: the JSON reader: values, errors with their places, limits, equality. */
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "json/reader.h"
#include "json/writer.h"

#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct json_limits usual = {
    .depth = 64, .nodes = 1000000, .key_bytes = 1024, .number_digits = 400, .exponent = 308};

static struct arena *arena;
static struct json_error error;

static struct json_node *read_text(const char *text) {
    return json_read(arena, text, strlen(text), &usual, &error);
}

static bool take(void *context, const char *bytes, size_t n) {
    buf_add(context, bytes, n);
    return true;
}

/* The tree as text; "" if it can't be written. In the arena. */
static const char *print(const struct json_node *node, bool minify) {
    struct json_writer *w = json_writer_new();
    struct buf b;
    const char *text = "";

    buf_init(&b, 0);
    json_begin(w, minify, take, &b);
    json_tree(w, node);
    if (json_end(w))
        text = arena_strndup(arena, b.data, b.len);
    buf_release(&b);
    json_writer_free(&w);
    return text;
}

static void test_values(void) {
    static const struct {
        const char *text;
        const char *printed;
    } cases[] = {
        {"null", "null"},
        {" true ", "true"},
        {"\t\r\nfalse\n", "false"},
        {"0", "0"},
        {"-0", "-0"},
        {"1", "1"},
        {"12 ", "12"},
        {"1.50e+05", "1.50e+05"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"-0.1", "-0.1"},
        {"1E5", "1E5"},
        {"\"\"", "\"\""},
        {"\"a\"", "\"a\""},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {"\"\\u0041\\u00e9\\u20AC\"", "\"A\xc3\xa9\xe2\x82\xac\""},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        {"\"\\uDBFF\\uDFFF\"", "\"\xf4\x8f\xbf\xbf\""},
        {"\"\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\""},
        {"\"\\\\u0000\"", "\"\\\\u0000\""},
        {"\"\\\\\\\\ud800\"", "\"\\\\\\\\ud800\""},
        {"\"\\u001f\x7f\"", "\"\\u001F\x7f\""},
        {"[]", "[]"},
        {"{}", "{}"},
        {"[ ]", "[]"},
        {"{ }", "{}"},
        {"[[],{}]", "[[], {}]"},
        {"[1,\"a\",null,true,false,[2],{\"k\":3}]",
         "[1, \"a\", null, true, false, [2], {\"k\": 3}]"},
        {"{\"b\":1,\"a\":[{\"d\":2,\"c\":{}}]}", "{\"a\": [{\"c\": {}, \"d\": 2}], \"b\": 1}"},
        {"{\"\":0}", "{\"\": 0}"},
        {"{\"a\\u0062\":1}", "{\"ab\": 1}"},
        {"{\"a\":1,\"a\":2}", "{\"a\": 2}"},
        {"{\"a\":1,\"b\":{\"x\":1},\"a\":[3],\"b\":4}", "{\"a\": [3], \"b\": 4}"},
        {"{\"a\":{\"x\":1,\"x\":2},\"\\u0061\":{\"y\":1,\"y\":{\"z\":0}}}",
         "{\"a\": {\"y\": {\"z\": 0}}}"},
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const struct json_node *node = read_text(cases[i].text);

        if (ok(node != NULL && error.result == JSON_OK, "value %zu is read", i))
            is_str(print(node, true), cases[i].printed, "and is as expected");
        else
            diag("%s", error.message);
    }
}

static void test_tree(void) {
    struct json_node *n =
        read_text("{\"one\": \"a\\tb\", \"two\": [1.0, []], \"one\": 5, \"z\": {}}");
    const struct json_node *two;

    if (n == NULL) {
        ok(false, "no tree");
        return;
    }
    ok(n->type == JSON_OBJECT && n->count == 3 && n->key == NULL && n->next == NULL, "the root");
    ok(n->children->type == JSON_NUMBER && strcmp(n->children->key, "one") == 0,
       "a member given twice keeps the first place");
    two = json_member(n, "two");
    ok(two != NULL && two == n->children->next && two->key_length == 3 && two->count == 2,
       "a member is found");
    ok(two->children->key == NULL && strcmp(two->children->text, "1.0") == 0 &&
           two->children->length == 3,
       "elements have no key, numbers keep their digits");
    ok(json_member(n, "three") == NULL && json_member(two, "one") == NULL &&
           json_member(NULL, "one") == NULL,
       "what is not there is NULL");
    n = read_text("\"\"");
    ok(n != NULL && n->text != NULL && n->length == 0 && *n->text == '\0', "an empty string");
}

/* Texts that are refused: the result, and where. */
static void test_errors(void) {
    static const struct {
        const char *text;
        enum json_result result;
        size_t line;
        size_t column;
    } cases[] = {
        {"", JSON_MALFORMED, 1, 1},
        {" ", JSON_MALFORMED, 1, 2},
        {"\n\n", JSON_MALFORMED, 3, 1},
        {"[", JSON_MALFORMED, 1, 2},
        {"[1", JSON_MALFORMED, 1, 3},
        {"[1,", JSON_MALFORMED, 1, 4},
        {"[1,]", JSON_MALFORMED, 1, 4},
        {"[,1]", JSON_MALFORMED, 1, 2},
        {"[1,,2]", JSON_MALFORMED, 1, 4},
        {"[1 2]", JSON_MALFORMED, 1, 4},
        {"[1 \"ab\"]", JSON_MALFORMED, 1, 4},
        {"[1 tru]", JSON_MALFORMED, 1, 7},
        {"[1 x]", JSON_MALFORMED, 1, 4},
        {"[1}", JSON_MALFORMED, 1, 3},
        {"{]", JSON_MALFORMED, 1, 2},
        {"]", JSON_MALFORMED, 1, 1},
        {"{", JSON_MALFORMED, 1, 2},
        {"{\"a\"", JSON_MALFORMED, 1, 5},
        {"{\"a\":", JSON_MALFORMED, 1, 6},
        {"{\"a\":}", JSON_MALFORMED, 1, 6},
        {"{\"a\" 1}", JSON_MALFORMED, 1, 6},
        {"{\"a\":1,}", JSON_MALFORMED, 1, 8},
        {"{\"a\":1 \"b\":2}", JSON_MALFORMED, 1, 8},
        {"{1:2}", JSON_MALFORMED, 1, 2},
        {"{a:2}", JSON_MALFORMED, 1, 2},
        {"{\n  \"a\": 1,\n  \"b\": nul\n}", JSON_MALFORMED, 3, 11},
        {"{\n  \"a\": 1,\n  \"b\" 1\n}", JSON_MALFORMED, 3, 7},
        {"nul", JSON_MALFORMED, 1, 4},
        {"nulll", JSON_MALFORMED, 1, 5},
        {"NaN", JSON_MALFORMED, 1, 1},
        {"Infinity", JSON_MALFORMED, 1, 1},
        {"'a'", JSON_MALFORMED, 1, 1},
        {"1 2", JSON_MALFORMED, 1, 3},
        {"{} {}", JSON_MALFORMED, 1, 4},
        {"[1] \"a\" ", JSON_MALFORMED, 1, 5},
        {"[1]]", JSON_MALFORMED, 1, 4},
        {"[1]x", JSON_MALFORMED, 1, 4},
        {"1\"", JSON_MALFORMED, 1, 2},
        {"\"a\" \n\"b", JSON_MALFORMED, 2, 1},
        {"{} \"\\", JSON_MALFORMED, 1, 4},
        {"[] tru", JSON_MALFORMED, 1, 4},
        {"[] -", JSON_MALFORMED, 1, 4},
        {"01", JSON_MALFORMED, 1, 2},
        {"[01]", JSON_MALFORMED, 1, 3},
        {"+1", JSON_MALFORMED, 1, 1},
        {".5", JSON_MALFORMED, 1, 1},
        {"-", JSON_MALFORMED, 1, 2},
        {"[-]", JSON_MALFORMED, 1, 3},
        {"[1.]", JSON_MALFORMED, 1, 4},
        {"[1e]", JSON_MALFORMED, 1, 4},
        {"[1e+]", JSON_MALFORMED, 1, 5},
        {"\"a", JSON_MALFORMED, 1, 3},
        {"\"a\nb\"", JSON_MALFORMED, 1, 3},
        {"[\"a\x01\"]", JSON_MALFORMED, 1, 4},
        {"\"\\x\"", JSON_MALFORMED, 1, 3},
        {"\"\\u12g4\"", JSON_MALFORMED, 1, 6},
        {"\"\\u12\"", JSON_MALFORMED, 1, 6},
        {"\"\\", JSON_MALFORMED, 1, 3},
        {"// c\n1", JSON_MALFORMED, 1, 1},
        {"[1, /* c */ 2]", JSON_MALFORMED, 1, 5},
        {"\xef\xbb\xbf{}", JSON_MALFORMED, 1, 1},
        {"[\"\xff\"]", JSON_MALFORMED, 1, 3},
        {"[\"\xc0\xaf\"]", JSON_MALFORMED, 1, 3},
        {"[\n\"\xed\xa0\x80\"]", JSON_MALFORMED, 2, 2},
        {"\xf4\x90\x80\x80", JSON_MALFORMED, 1, 1},
        {"\"\\u0000\"", JSON_UNSTORABLE, 1, 2},
        {"[1,\n \"ab\\u0000\"]", JSON_UNSTORABLE, 2, 5},
        {"{\"a\\u0000b\": 1}", JSON_UNSTORABLE, 1, 4},
        {"\"\\\\\\u0000\"", JSON_UNSTORABLE, 1, 4},
        {"\"\\ud800\"", JSON_UNSTORABLE, 1, 2},
        {"\"\\uDC00\"", JSON_UNSTORABLE, 1, 2},
        {"\"\\ud800x\"", JSON_UNSTORABLE, 1, 2},
        {"\"\\ud800\\u0041\"", JSON_UNSTORABLE, 1, 2},
        {"\"\\ud800\\ud800\\udc00\"", JSON_UNSTORABLE, 1, 2},
        {"\"\\ud83d\\ude00\\ude00\"", JSON_UNSTORABLE, 1, 14},
        {"\"\\ud800\\n\"", JSON_UNSTORABLE, 1, 2},
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        struct json_node *node = read_text(cases[i].text);

        if (!ok(node == NULL && error.result == cases[i].result && error.line == cases[i].line &&
                    error.column == cases[i].column && error.message != NULL,
                "text %zu is refused", i))
            diag("%s: result %d line %zu column %zu", cases[i].text, (int)error.result, error.line,
                 error.column);
    }
    ok(json_read(arena, NULL, 0, &usual, &error) == NULL && error.result == JSON_MALFORMED,
       "no bytes");
    ok(json_read(arena, "1\0", 2, &usual, &error) == NULL && error.result == JSON_MALFORMED &&
           error.column == 2,
       "a NUL byte");
    ok(json_read(arena, "[\f1]", 4, &usual, &error) == NULL && error.result == JSON_MALFORMED &&
           error.column == 2,
       "a form feed, which yajl takes for white space");
    ok(json_read(arena, "1\v", 2, &usual, &error) == NULL && error.result == JSON_MALFORMED &&
           error.column == 2,
       "a vertical tab");
    (void)read_text("[1, oops]");
    is_str(error.message, "invalid char in json text.", "a message for a person");
    (void)read_text("");
    is_str(error.message, "no value", "about nothing at all");
    (void)read_text("\xef\xbb\xbf{}");
    is_str(error.message, "a byte order mark, which is not JSON", "about a byte order mark");
}

/* `count` times `piece`, with `before` and `after`. */
static const char *repeat(const char *before, const char *piece, size_t count, const char *after) {
    struct buf b;
    const char *text;

    buf_init(&b, 0);
    buf_adds(&b, before);
    while (count-- > 0)
        buf_adds(&b, piece);
    buf_adds(&b, after);
    text = arena_strndup(arena, buf_cstr(&b), b.len);
    buf_release(&b);
    return text;
}

static bool limited(const char *text, const struct json_limits *limits) {
    error.result = JSON_OK;
    return json_read(arena, text, strlen(text), limits, &error) == NULL &&
           error.result == JSON_LIMIT;
}

static void test_limits(void) {
    const struct json_limits three = {
        .depth = 3, .nodes = 5, .key_bytes = 4, .number_digits = 6, .exponent = 20};
    const struct json_limits none = {.depth = 1};
    const char *exact =
        arena_printf(arena, "%s%s", repeat("", "[", 64, ""), repeat("", "]", 64, ""));

    ok(read_text(exact) != NULL, "64 levels");
    ok(limited(repeat("", "[", 65, "1"), &usual), "65 levels");
    is_str(error.message, "nested deeper than 64 levels", "say so");
    ok(error.line == 1 && error.column == 65, "and where");
    ok(limited(repeat("", "[", 1 << 20, ""), &usual), "a mebibyte of [");
    ok(limited(repeat("", "{\"a\":", 200000, ""), &usual), "a mebibyte of {\"a\":");
    ok(limited(repeat("", "[{\"a\":", 200000, ""), &usual), "a mebibyte of [{\"a\":");
    ok(!limited("[[[1]]]", &three) && limited("[[[[1]]]]", &three), "depth");
    ok(!limited("[1,2,3,4]", &three) && limited("[1,2,3,4,5]", &three), "nodes");
    ok(error.column == 10, "the place of the one too many");
    ok(limited("[[],[],[],[],[]]", &three), "containers are nodes");
    ok(!limited("{\"abcd\":1}", &three) && limited("{\"abcde\":1}", &three), "keys");
    ok(error.column == 2, "the place of the key");
    ok(!limited("[123456]", &three) && limited("[1234567]", &three), "digits");
    ok(error.column == 2, "the place of the number");
    ok(limited("1234567", &three) && error.column == 1, "a number that is the whole text");
    ok(!limited("1e20", &three) && !limited("1e-20", &three) && !limited("1E+020", &three),
       "exponents");
    ok(limited("1e21", &three) && limited("1e-21", &three) && limited("1E+21", &three),
       "exponents too large");
    ok(limited("1e99999999999999999999999999", &usual), "an exponent beyond any integer");
    ok(!limited(repeat("", "9", 400, ""), &usual) && limited(repeat("", "9", 401, ""), &usual),
       "400 digits");
    ok(!limited(repeat("[1", ",1", 200000, "]"), &none), "no limit on nodes");
    ok(!limited(repeat("", "9", 100000, "e999999999999"), &none), "no limit on numbers");
    ok(!limited(repeat("{\"", "k", 100000, "\":1}"), &none), "no limit on keys");
}

static double milliseconds(clock_t since) {
    return (double)(clock() - since) * 1000 / CLOCKS_PER_SEC;
}

static void test_large(void) {
    struct buf b;
    struct json_node *node;
    struct json_node *again;
    clock_t start;
    int i;

    buf_init(&b, 0);
    for (i = 0; i < 100000; i++)
        buf_printf(&b, "%c\"%x\":1", i == 0 ? '{' : ',', (unsigned)i);
    buf_addc(&b, '}');
    start = clock();
    node = json_read(arena, b.data, b.len, &usual, &error);
    diag("100,000 members: %.0f ms", milliseconds(start));
    ok(node != NULL && node->count == 100000 && milliseconds(start) < 20000, "100,000 members");
    again = json_read(arena, b.data, b.len, &usual, &error);
    start = clock();
    ok(json_equal(node, again), "are equal to themselves");
    /* Turn the second around. */
    again->children = NULL;
    for (struct json_node *n = json_read(arena, b.data, b.len, &usual, &error)->children, *next;
         n != NULL; n = next) {
        next = n->next;
        n->next = again->children;
        again->children = n;
    }
    json_sort(again);
    ok(json_equal(node, again) && milliseconds(start) < 20000, "also the other way round");
    diag("compared twice: %.0f ms", milliseconds(start));
    buf_clear(&b);
    for (i = 0; i < 100000; i++)
        buf_printf(&b, "%c\"same\":%d", i == 0 ? '{' : ',', i);
    buf_addc(&b, '}');
    start = clock();
    node = json_read(arena, b.data, b.len, &usual, &error);
    ok(node != NULL && node->count == 1 && strcmp(node->children->text, "99999") == 0 &&
           node->children->next == NULL && milliseconds(start) < 20000,
       "one key 100,000 times");
    buf_clear(&b);
    for (i = 0; i < 40000; i++)
        buf_printf(&b, "%c\"%x\":%d", i == 0 ? '{' : ',', (unsigned)i % 20000, i);
    buf_addc(&b, '}');
    node = json_read(arena, b.data, b.len, &usual, &error);
    ok(node != NULL && node->count == 20000 && strcmp(node->children->text, "20000") == 0,
       "20,000 keys twice");
    buf_release(&b);
}

static void test_equal(void) {
    static const struct {
        const char *a;
        const char *b;
        bool equal;
    } cases[] = {
        {"null", "null", true},
        {"null", "false", false},
        {"true", "true", true},
        {"true", "false", false},
        {"1", "\"1\"", false},
        {"1", "1.0", true},
        {"1", "1e0", true},
        {"100", "1e2", true},
        {"1e2", "1.00E+2", true},
        {"-0", "0", true},
        {"-0.0e5", "0", true},
        {"0e999", "0", true},
        {"1", "-1", false},
        {"10", "1", false},
        {"0.1", "1e-1", true},
        {"0.001", "1e-3", true},
        {"0.01", "0.001", false},
        {"10.01", "1001e-2", true},
        {"10.01", "10.010", true},
        {"1001", "10.01e2", true},
        {"10.1", "101", false},
        {"12345678901234567890123", "12345678901234567890124", false},
        {"12345678901234567890123", "1.2345678901234567890123e22", true},
        {"0.1", "0.10000000000000000555", false},
        {"1e99999999999999999999", "1e-99999999999999999999", false},
        {"1e99999999999999999999", "1", false},
        {"\"\"", "\"\"", true},
        {"\"a\"", "\"\\u0061\"", true},
        {"\"a\"", "\"b\"", false},
        {"\"a\"", "\"ab\"", false},
        {"\"\xc3\xa9\"", "\"e\xcc\x81\"", false},
        {"[]", "[]", true},
        {"[]", "{}", false},
        {"[1,2]", "[1,2]", true},
        {"[1,2]", "[2,1]", false},
        {"[1,2]", "[1]", false},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"c\":2}", false},
        {"{\"a\":1,\"b\":2}", "{\"a\":1}", false},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":{\"x\":[1,{\"y\":null}]}}", "{\"a\":{\"x\":[1e0,{\"y\":null}]}}", true},
        {"{\"a\":{\"x\":[1,{\"y\":null}]}}", "{\"a\":{\"x\":[1,{\"z\":null}]}}", false},
    };
    const struct json_limits free_exponent = {.depth = 64};
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        struct json_node *a =
            json_read(arena, cases[i].a, strlen(cases[i].a), &free_exponent, &error);
        struct json_node *b =
            json_read(arena, cases[i].b, strlen(cases[i].b), &free_exponent, &error);

        ok(a != NULL && b != NULL && json_equal(a, b) == cases[i].equal &&
               json_equal(b, a) == cases[i].equal,
           "%s %s %s", cases[i].a, cases[i].equal ? "equals" : "is not", cases[i].b);
    }
}

/* What the writer prints, the reader takes, and the other way round: these are printed already. */
static void test_round_trip(void) {
    static const char *const texts[] = {
        "[]",
        "{}",
        "\"Provide a key to use get_by_attr\"",
        "[\n    null\n]",
        "[\n    \"/basicserver/testserver1\",\n    null\n]",
        "{\n    \"attrs\": [\n        {\n            \"datatype\": \"int\",\n            \"key\": "
        "\"_x\",\n            \"number\": 0,\n            \"subkey\": null,\n            "
        "\"value\": -1979711486\n        }\n    ],\n    \"contents\": [],\n    \"count\": 0,\n    "
        "\"driver\": \"simplenamemanager\",\n    \"name\": \"testnames\",\n    \"parents\": []\n}",
    };
    size_t i;

    for (i = 0; i < COUNT(texts); i++) {
        const struct json_node *node = read_text(texts[i]);

        is_str(node == NULL ? NULL : print(node, false), texts[i], "round trip %zu", i);
    }
}

int main(void) {
    arena = arena_new();
    test_values();
    test_tree();
    test_errors();
    test_limits();
    arena_reset(arena);
    test_large();
    test_equal();
    test_round_trip();
    arena_free(&arena);
    return done_testing();
}
