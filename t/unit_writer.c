/* unit_writer.c: the JSON writer, byte for byte. */
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "json/flat.h"
#include "json/reader.h"
#include "json/writer.h"

#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct json_writer *w;
static struct buf out;

static bool take(void *context, const char *bytes, size_t n) {
    struct buf *b = context;

    buf_add(b, bytes, n);
    return !b->failed;
}

static void begin(bool minify) {
    buf_clear(&out);
    json_begin(w, minify, take, &out);
}

/* Ends the document and compares it. */
#define is_document(want, ...)                                                                     \
    do {                                                                                           \
        bool ended = json_end(w);                                                                  \
        ok(ended, "ends well: " __VA_ARGS__);                                                      \
        is_mem(out.data, out.len, want, strlen(want), __VA_ARGS__);                                \
    } while (0)

/* --- documents written by hand --- */

static void write_attribute(void) {
    json_object_open(w);
    json_key(w, "datatype");
    json_string(w, "string");
    json_key(w, "key");
    json_string(w, "key1");
    json_key(w, "number");
    json_null(w);
    json_key(w, "subkey");
    json_string(w, "subkey1");
    json_key(w, "value");
    json_string(w, "value1");
    json_object_close(w);
}

static void write_server(void) {
    json_object_open(w);
    json_key(w, "attrs");
    json_array_open(w);
    write_attribute();
    json_array_close(w);
    json_key(w, "contents");
    json_array_open(w);
    json_array_close(w);
    json_key(w, "driver");
    json_string(w, "basicserver");
    json_key(w, "ips");
    json_array_open(w);
    json_array_close(w);
    json_key(w, "name");
    json_string(w, "testserver1");
    json_key(w, "parents");
    json_array_open(w);
    json_string(w, "/pool/singlepool");
    json_string(w, "/pool/multipool");
    json_array_close(w);
    json_object_close(w);
}

static const char indented_server[] = "{\n"
                                      "    \"attrs\": [\n"
                                      "        {\n"
                                      "            \"datatype\": \"string\",\n"
                                      "            \"key\": \"key1\",\n"
                                      "            \"number\": null,\n"
                                      "            \"subkey\": \"subkey1\",\n"
                                      "            \"value\": \"value1\"\n"
                                      "        }\n"
                                      "    ],\n"
                                      "    \"contents\": [],\n"
                                      "    \"driver\": \"basicserver\",\n"
                                      "    \"ips\": [],\n"
                                      "    \"name\": \"testserver1\",\n"
                                      "    \"parents\": [\n"
                                      "        \"/pool/singlepool\",\n"
                                      "        \"/pool/multipool\"\n"
                                      "    ]\n"
                                      "}";

static const char minified_server[] =
    "{\"attrs\": [{\"datatype\": \"string\", \"key\": \"key1\", \"number\": null, "
    "\"subkey\": \"subkey1\", \"value\": \"value1\"}], \"contents\": [], "
    "\"driver\": \"basicserver\", \"ips\": [], \"name\": \"testserver1\", "
    "\"parents\": [\"/pool/singlepool\", \"/pool/multipool\"]}";

static void test_shapes(void) {
    begin(false);
    write_server();
    is_document(indented_server, "an expanded object, indented");
    begin(true);
    write_server();
    is_document(minified_server, "an expanded object, minified");
    begin(false);
    json_array_open(w);
    json_array_close(w);
    is_document("[]", "an empty list");
    begin(true);
    json_object_open(w);
    json_object_close(w);
    is_document("{}", "an empty object, minified");
    begin(false);
    json_string(w, "The driver for object \"testserver1\" is not \"pool\"");
    is_document("\"The driver for object \\\"testserver1\\\" is not \\\"pool\\\"\"", "an error");
    begin(false);
    json_array_open(w);
    json_string(w, "/basicserver/testserver1");
    json_null(w);
    json_array_close(w);
    is_document("[\n    \"/basicserver/testserver1\",\n    null\n]", "a list with a null");
    begin(false);
    json_array_open(w);
    json_null(w);
    json_array_close(w);
    is_document("[\n    null\n]", "a list of one");
}

/* --- a small notation, so that many documents fit in a table ---
 * [ ] { } as they are; k key "k"; s string "s"; n null; t f booleans; i -12; d 1.50 */

static void play(const char *score) {
    for (; *score != '\0'; score++) {
        switch (*score) {
        case '[': json_array_open(w); break;
        case ']': json_array_close(w); break;
        case '{': json_object_open(w); break;
        case '}': json_object_close(w); break;
        case 'k': json_key(w, "k"); break;
        case 's': json_string(w, "s"); break;
        case 'n': json_string(w, NULL); break;
        case 't': json_bool(w, true); break;
        case 'f': json_bool(w, false); break;
        case 'i': json_int(w, -12); break;
        case 'd': json_number(w, "1.50"); break;
        default: ok(false, "unknown note %c", *score);
        }
    }
}

static void test_layout(void) {
    static const struct {
        const char *score;
        const char *indented;
        const char *minified;
    } cases[] = {
        {"s", "\"s\"", "\"s\""},
        {"n", "null", "null"},
        {"t", "true", "true"},
        {"f", "false", "false"},
        {"i", "-12", "-12"},
        {"d", "1.50", "1.50"},
        {"[[]]", "[\n    []\n]", "[[]]"},
        {"[{}]", "[\n    {}\n]", "[{}]"},
        {"[[][]]", "[\n    [],\n    []\n]", "[[], []]"},
        {"[[]{}s]", "[\n    [],\n    {},\n    \"s\"\n]", "[[], {}, \"s\"]"},
        {"[s[]]", "[\n    \"s\",\n    []\n]", "[\"s\", []]"},
        {"[i[]t]", "[\n    -12,\n    [],\n    true\n]", "[-12, [], true]"},
        {"{k[]}", "{\n    \"k\": []\n}", "{\"k\": []}"},
        {"{k{}}", "{\n    \"k\": {}\n}", "{\"k\": {}}"},
        {"{k{}k[]ks}", "{\n    \"k\": {},\n    \"k\": [],\n    \"k\": \"s\"\n}",
         "{\"k\": {}, \"k\": [], \"k\": \"s\"}"},
        {"{ksk{}}", "{\n    \"k\": \"s\",\n    \"k\": {}\n}", "{\"k\": \"s\", \"k\": {}}"},
        {"[[[]]]", "[\n    [\n        []\n    ]\n]", "[[[]]]"},
        {"[[{k[[]]}][]]",
         "[\n    [\n        {\n            \"k\": [\n                []\n            ]\n"
         "        }\n    ],\n    []\n]",
         "[[{\"k\": [[]]}], []]"},
        {"{k[ti]kf}", "{\n    \"k\": [\n        true,\n        -12\n    ],\n    \"k\": false\n}",
         "{\"k\": [true, -12], \"k\": false}"},
        {"[ndf]", "[\n    null,\n    1.50,\n    false\n]", "[null, 1.50, false]"},
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        begin(false);
        play(cases[i].score);
        is_document(cases[i].indented, "%s indented", cases[i].score);
        begin(true);
        play(cases[i].score);
        is_document(cases[i].minified, "%s minified", cases[i].score);
    }
}

/* Programs that are no documents: each must fail, and the writer work again afterwards. */
static void test_unbalanced(void) {
    static const char *const scores[] = {"",    "[",    "{",    "]",    "}",     "[}",    "{]",
                                         "ss",  "[]s",  "[][]", "{s",   "{s}",   "{k}",   "{kk",
                                         "k",   "[k",   "[ks]", "{ks",  "{kss}", "{k]",   "[s}",
                                         "{[]", "{{}}", "[]]",  "{k{}", "[[]",   "{ks}}", "{ks]"};
    size_t i;

    for (i = 0; i < COUNT(scores); i++) {
        begin(i % 2 == 0);
        play(scores[i]);
        ok(!json_end(w), "'%s' is no document", scores[i]);
        ok(!json_end(w), "nor at the second end");
    }
    begin(false);
    json_number(w, "[]");
    ok(!json_end(w), "a number must be one");
    begin(true);
    play("[s]");
    is_document("[\"s\"]", "the writer works after failures");
    play("s");
    ok(!json_end(w), "a document must begin");
}

/* --- strings --- */

static void test_strings(void) {
    static const struct {
        const char *text;
        const char *json;
    } cases[] = {
        {"", ""},
        {",", ","},
        {":", ":"},
        {"\"", "\\\""},
        {"\\", "\\\\"},
        {"[", "["},
        {"]", "]"},
        {"{", "{"},
        {"}", "}"},
        {"\",\"", "\\\",\\\""},
        {"\\\"", "\\\\\\\""},
        {"\":", "\\\":"},
        {",\n:", ",\\n:"},
        {"\n,", "\\n,"},
        {"\n:\n", "\\n:\\n"},
        {"/", "/"},
        {"\x7f", "\x7f"},
        {"\b\f\n\r\t", "\\b\\f\\n\\r\\t"},
        {"\x1f", "\\u001F"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xe2\x80\xa8\xc2\x85", "\xe2\x80\xa8\xc2\x85"},
        {"\xff", "\xef\xbf\xbd"},
        {"a\xc3", "a\xef\xbf\xbd"},
        {"a\xed\xa0\x80z", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"},
    };
    struct buf want;
    size_t i;

    buf_init(&want, 0);
    for (i = 0; i < COUNT(cases); i++) {
        begin(true);
        json_object_open(w);
        json_key(w, cases[i].text);
        json_array_open(w);
        json_string(w, cases[i].text);
        json_string(w, cases[i].text);
        json_array_close(w);
        json_key(w, cases[i].text);
        json_int(w, 1);
        json_object_close(w);
        buf_clear(&want);
        buf_printf(&want, "{\"%s\": [\"%s\", \"%s\"], \"%s\": 1}", cases[i].json, cases[i].json,
                   cases[i].json, cases[i].json);
        is_document(buf_cstr(&want), "string %zu minified", i);
        begin(false);
        json_array_open(w);
        json_string_n(w, cases[i].text, strlen(cases[i].text));
        json_array_close(w);
        buf_clear(&want);
        buf_printf(&want, "[\n    \"%s\"\n]", cases[i].json);
        is_document(buf_cstr(&want), "string %zu indented", i);
    }
    buf_release(&want);
}

static void test_control_characters(void) {
    static const char shorts[] = "btnvfr";
    char text[2] = "";
    char want[16];
    int c;

    for (c = 1; c < 0x20; c++) {
        text[0] = (char)c;
        if (c >= 8 && c <= 13 && c != 11)
            (void)snprintf(want, sizeof(want), "\"\\%c\"", shorts[c - 8]);
        else
            (void)snprintf(want, sizeof(want), "\"\\u%04X\"", (unsigned)c);
        begin(true);
        json_string(w, text);
        is_document(want, "control character %d", c);
    }
    begin(false);
    json_string_n(w, "a\0b", 3);
    is_document("\"a\\u0000b\"", "a NUL");
    begin(false);
    json_string_n(w, "abc", 0);
    is_document("\"\"", "no bytes");
}

static void test_numbers(void) {
    static const char *const good[] = {
        "0",     "-0",  "1",    "10",    "0.5",
        "-1.25", "1e5", "1E+5", "0e-10", "123456789012345678901234567890"};
    static const char *const bad[] = {"",   "-",  "01",  "1.",  ".5", "1e",  "1e+", "+1",
                                      "1 ", " 1", "0x1", "NaN", "-",  "1,2", "[]",  "1.e5"};
    size_t i;

    for (i = 0; i < COUNT(good); i++) {
        begin(i % 2 == 0);
        json_number(w, good[i]);
        is_document(good[i], "the number %s", good[i]);
    }
    for (i = 0; i < COUNT(bad); i++) {
        begin(false);
        json_number(w, bad[i]);
        ok(!json_end(w), "'%s' is no number", bad[i]);
    }
    begin(true);
    json_array_open(w);
    json_int(w, INT64_MAX);
    json_int(w, INT64_MIN);
    json_int(w, 0);
    json_array_close(w);
    is_document("[9223372036854775807, -9223372036854775808, 0]", "the ends of int64_t");
}

/* --- depth, sinks --- */

static bool nest(int depth, bool closed) {
    int i;

    begin(true);
    for (i = 0; i < depth; i++)
        json_array_open(w);
    if (!closed)
        json_null(w);
    for (i = 0; i < depth; i++)
        json_array_close(w);
    return json_end(w);
}

static void test_depth(void) {
    ok(nest(70, false) && out.len == 144, "70 levels");
    ok(nest(127, false) && out.len == 258, "127 levels");
    ok(nest(127, true) && out.len == 254, "127 levels, the innermost empty");
    ok(!nest(128, false), "128 levels fail");
    ok(!nest(128, true), "also when empty");
    ok(!nest(100000, false), "very many levels fail");
    ok(nest(3, true), "and the next document works");
}

struct meter {
    size_t calls;
    size_t bytes;
    size_t room;
};

static bool measure(void *context, const char *bytes, size_t n) {
    struct meter *m = context;

    m->calls++;
    if (bytes == NULL || n == 0 || m->bytes + n > m->room)
        return false;
    m->bytes += n;
    return true;
}

static void write_list(size_t n) {
    size_t i;

    json_array_open(w);
    for (i = 0; i < n; i++)
        write_server();
    json_array_close(w);
}

static void test_sink(void) {
    struct meter m = {.room = SIZE_MAX};
    char *big = malloc(100001);
    size_t calls;
    clock_t start;

    json_begin(w, false, measure, &m);
    write_list(1);
    ok(json_end(w) && m.calls == 1, "a small document is one piece");

    m = (struct meter){.room = 10000};
    json_begin(w, false, measure, &m);
    write_list(50);
    calls = m.calls;
    ok(json_failed(w), "a refusal is seen while writing");
    write_list(50);
    ok(!json_end(w) && m.calls == calls, "after a refusal the sink is left alone");
    m = (struct meter){.room = 0};
    json_begin(w, true, measure, &m);
    json_null(w);
    ok(!json_end(w) && m.calls == 1, "a refusal of the last piece is seen");

    memset(big, 'x', 100000);
    big[100000] = '\0';
    begin(false);
    json_array_open(w);
    json_string(w, big);
    json_array_close(w);
    ok(json_end(w) && out.len == 100000 + 10 && memcmp(out.data, "[\n    \"xx", 9) == 0 &&
           memcmp(out.data + out.len - 4, "x\"\n]", 4) == 0,
       "a string larger than the buffer");
    free(big);

    m = (struct meter){.room = SIZE_MAX};
    start = clock();
    json_begin(w, false, measure, &m);
    write_list(100000);
    ok(json_end(w), "100,000 objects");
    diag("%zu bytes in %zu pieces, %.0f ms", m.bytes, m.calls,
         (double)(clock() - start) * 1000 / CLOCKS_PER_SEC);
    ok(m.calls < m.bytes / 4096, "go out in large pieces");
}

/* Documents whose ends fall on every place around the edge of the buffer. */
static void test_edges(void) {
    char *text = calloc(1, 8200);
    size_t n;
    bool good = true;

    for (n = 8150; n < 8200; n++) {
        memset(text, 'y', n);
        begin(false);
        json_object_open(w);
        json_key(w, "k");
        json_string_n(w, text, n);
        json_object_close(w);
        good = good && json_end(w) && out.len == n + 15 && out.data[out.len - 1] == '}' &&
               out.data[out.len - 2] == '\n' && out.data[out.len - 3] == '"';
    }
    ok(good, "the last newline is taken off wherever the buffer ends");
    free(text);
}

/* --- trees --- */

static struct json_node *leaf(struct json_node *next, const char *key, enum json_type type,
                              const char *text) {
    struct json_node *n = calloc(1, sizeof(*n));

    n->next = next;
    n->key = key;
    n->key_length = key == NULL ? 0 : strlen(key);
    n->type = type;
    n->text = text;
    n->length = text == NULL ? 0 : strlen(text);
    return n;
}

static void release(struct json_node *node) {
    while (node != NULL) {
        struct json_node *next = node->next;

        release(node->children);
        free(node);
        node = next;
    }
}

static struct json_node *container(struct json_node *next, const char *key, enum json_type type,
                                   struct json_node *children) {
    struct json_node *n = leaf(next, key, type, NULL);
    struct json_node *child;

    n->children = children;
    for (child = children; child != NULL; child = child->next)
        n->count++;
    if (type == JSON_OBJECT)
        json_sort(n);
    return n;
}

static void test_tree(void) {
    struct json_node *list = NULL;
    struct json_node *many = NULL;
    struct json_node *deep = NULL;
    struct json_node *tree;
    char keys[100][12];
    int i;

    list = leaf(NULL, NULL, JSON_NULL, NULL);
    list = leaf(list, NULL, JSON_TRUE, NULL);
    list = leaf(list, NULL, JSON_FALSE, NULL);
    list = leaf(list, NULL, JSON_NUMBER, "1.0e400");
    list = container(list, NULL, JSON_OBJECT, NULL);
    list = container(list, NULL, JSON_ARRAY, NULL);
    tree = leaf(NULL, "\xef\xbf\xbf", JSON_STRING, "U+FFFF");
    tree = leaf(tree, "\xf0\x90\x80\x80", JSON_STRING, "U+10000");
    tree = container(tree, "b", JSON_ARRAY, list);
    tree = leaf(tree, "ab", JSON_STRING, "two");
    tree = leaf(tree, "a", JSON_STRING, "one");
    tree = leaf(tree, "a", JSON_STRING, "again");
    tree = leaf(tree, "", JSON_STRING, "none");
    tree = leaf(tree, "Z", JSON_STRING, "big");
    tree = container(NULL, NULL, JSON_OBJECT, tree);
    begin(true);
    json_tree(w, tree);
    is_document("{\"\": \"none\", \"Z\": \"big\", \"a\": \"again\", \"a\": \"one\", "
                "\"ab\": \"two\", \"b\": [[], {}, 1.0e400, false, true, null], "
                "\"\xef\xbf\xbf\": \"U+FFFF\", \"\xf0\x90\x80\x80\": \"U+10000\"}",
                "a tree, its keys in code point order");
    begin(true);
    json_array_open(w);
    json_tree(w, tree->children);
    json_tree(w, tree->children->next);
    json_array_close(w);
    is_document("[\"none\", \"big\"]", "a part of a tree within a document");
    release(tree);

    for (i = 0; i < 100; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "%02d", i);
        many = leaf(many, keys[i], JSON_NULL, NULL);
    }
    many = container(NULL, NULL, JSON_OBJECT, many);
    begin(true);
    json_tree(w, many);
    ok(json_end(w) && strncmp(out.data, "{\"00\": null, \"01\": null, ", 24) == 0 &&
           strcmp(out.data + out.len - 11, "\"99\": null}") == 0,
       "many members are sorted");
    release(many);

    for (i = 0; i < 200; i++)
        deep = container(NULL, NULL, JSON_ARRAY, deep);
    begin(true);
    json_tree(w, deep);
    ok(!json_end(w), "a tree too deep fails");
    release(deep);
}

/* Texts of random bytes, of all lengths that are looked at differently, beside the writer's. */
static void test_flat(void) {
    static const char some[] = "abc \"\\\n\x1f\x7f\xc3\xa9\xff";
    struct json_writer *other = json_writer_new();
    struct buf flat;
    int wrong = 0;

    buf_init(&flat, 0);
    for (int round = 0; round < 4000; round++) {
        char text[40];
        size_t n = (size_t)rand() % sizeof text;

        for (size_t i = 0; i < n; i++)
            text[i] = some[rand() % (round % 2 ? 4 : (int)sizeof some)];
        begin(true);
        json_string_n(w, text, n);
        json_end(w);
        buf_clear(&flat);
        json_flat_string_n(&flat, other, text, n);
        wrong += flat.failed || flat.len != out.len || memcmp(flat.data, out.data, out.len) != 0;
    }
    ok(wrong == 0, "pieces of JSON: strings as the writer has them");
    buf_clear(&flat);
    json_flat_literal(&flat, "[");
    json_flat_int(&flat, INT64_MIN);
    json_flat_literal(&flat, ", ");
    json_flat_int(&flat, INT64_MAX);
    json_flat_literal(&flat, ", ");
    json_flat_string(&flat, other, NULL);
    json_flat_literal(&flat, ", ");
    json_flat_string(&flat, other, "\"");
    json_flat_literal(&flat, "]");
    is_str(buf_cstr(&flat), "[-9223372036854775808, 9223372036854775807, null, \"\\\"\"]",
           "... numbers, null and the program's own text");
    buf_release(&flat);
    json_writer_free(&other);
}

int main(void) {
    w = json_writer_new();
    buf_init(&out, 0);
    test_shapes();
    test_layout();
    test_unbalanced();
    test_strings();
    test_control_characters();
    test_numbers();
    test_depth();
    test_sink();
    test_edges();
    test_tree();
    test_flat();
    buf_release(&out);
    json_writer_free(&w);
    ok(w == NULL, "free resets the pointer");
    json_writer_free(&w);
    return done_testing();
}
