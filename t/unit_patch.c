/* unit_patch.c: JSON pointers, merge patches and JSON patches, the RFCs' own examples first. */
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "json/patch.h"
#include "json/pointer.h"
#include "json/reader.h"
#include "json/writer.h"

#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct json_limits reading = {.depth = 100};
static const struct json_patch_limits usual = {
    .depth = 64, .nodes = 200000, .bytes = 4 << 20, .key_bytes = 1024};

static struct arena *arena;
static struct json_patch_error error;

static struct json_node *read_bytes(const char *text, size_t n) {
    struct json_error e;
    struct json_node *node = json_read(arena, text, n, &reading, &e);

    if (node == NULL) {
        diag("a test's own JSON is bad: %s", e.message);
        exit(1);
    }
    return node;
}

static struct json_node *read_text(const char *text) {
    return read_bytes(text, strlen(text));
}

static bool take(void *context, const char *bytes, size_t n) {
    buf_add(context, bytes, n);
    return true;
}

static const char *print(const struct json_node *node) {
    struct json_writer *w = json_writer_new();
    struct buf b;
    const char *text = "(can't be written)";

    buf_init(&b, 0);
    json_begin(w, true, take, &b);
    json_tree(w, node);
    if (json_end(w))
        text = arena_strndup(arena, b.data, b.len);
    buf_release(&b);
    json_writer_free(&w);
    return text;
}

/* --- RFC 6901 --- */

static void test_pointer_examples(void) {
    static const char document[] =
        "{\"foo\": [\"bar\", \"baz\"], \"\": 0, \"a/b\": 1, \"c%d\": 2, \"e^f\": 3, \"g|h\": 4,"
        " \"i\\\\j\": 5, \"k\\\"l\": 6, \" \": 7, \"m~n\": 8}";
    static const struct {
        const char *pointer;
        const char *value; /* NULL: nothing there */
    } cases[] = {
        {"/foo", "[\"bar\", \"baz\"]"},
        {"/foo/0", "\"bar\""},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/e^f", "3"},
        {"/g|h", "4"},
        {"/i\\j", "5"},
        {"/k\"l", "6"},
        {"/ ", "7"},
        {"/m~0n", "8"},
        /* and more */
        {"/foo/1", "\"baz\""},
        {"/foo/2", NULL},
        {"/foo/-", NULL},
        {"/foo/00", NULL},
        {"/foo/01", NULL},
        {"/foo/+1", NULL},
        {"/foo/1 ", NULL},
        {"/foo/", NULL},
        {"/foo/18446744073709551616", NULL},
        {"/foo/0/0", NULL},
        {"/fo", NULL},
        {"/a~01b", NULL},
        {"//", NULL},
    };
    const struct json_node *root = read_text(document);
    struct json_pointer pointer;
    const char *message = NULL;
    size_t i;

    ok(json_pointer_parse(arena, "", 0, &pointer, &message) && pointer.count == 0 &&
           json_pointer_get(root, &pointer) == root,
       "the empty pointer is the whole document");
    ok(json_pointer_parse(arena, NULL, 0, &pointer, &message) && pointer.count == 0, "as NULL");
    for (i = 0; i < COUNT(cases); i++) {
        const struct json_node *found = NULL;

        if (ok(json_pointer_parse(arena, cases[i].pointer, strlen(cases[i].pointer), &pointer,
                                  &message),
               "pointer %zu", i))
            found = json_pointer_get(root, &pointer);
        is_str(found == NULL ? NULL : print(found), cases[i].value, "finds it: %zu", i);
    }
    ok(json_pointer_get(NULL, &pointer) == NULL, "nothing in nothing");
}

static void test_pointer_errors(void) {
    static const char *const bad[] = {"a",   "a/b", " /a",   "#/a", "/~",
                                      "/a~", "/~2", "/a~/b", "/~~1"};
    struct json_pointer pointer;
    const char *message;
    size_t i;

    for (i = 0; i < COUNT(bad); i++) {
        message = NULL;
        ok(!json_pointer_parse(arena, bad[i], strlen(bad[i]), &pointer, &message) &&
               message != NULL,
           "'%s' is no pointer", bad[i]);
    }
    ok(json_pointer_parse(arena, "/a/~01~10/", 10, &pointer, &message) && pointer.count == 3,
       "three steps");
    is_str(pointer.tokens[0].text, "a", "the first");
    is_str(pointer.tokens[1].text, "~1/0", "the second, unescaped");
    ok(pointer.tokens[1].length == 4 && pointer.tokens[2].length == 0, "the third is empty");
}

/* --- RFC 7396 --- */

struct merge_case {
    const char *document; /* NULL: none */
    const char *patch;
    const char *result;
};

/* Appendix A, in its order. */
static const struct merge_case merge_examples[] = {
    {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
    {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
    {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
    {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
    {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
    {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
    {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
    {"{\"a\":\"foo\"}", "null", "null"},
    {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
    {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
    {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
    {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
};

static const struct merge_case merge_cases[] = {
    /* the example of section 3 */
    {"{\"title\":\"Goodbye!\",\"author\":{\"givenName\":\"John\",\"familyName\":\"Doe\"},"
     "\"tags\":[\"example\",\"sample\"],\"content\":\"This will be unchanged\"}",
     "{\"title\":\"Hello!\",\"phoneNumber\":\"+01-123-456-7890\",\"author\":{\"familyName\":null},"
     "\"tags\":[\"example\"]}",
     "{\"title\":\"Hello!\",\"author\":{\"givenName\":\"John\"},\"tags\":[\"example\"],"
     "\"content\":\"This will be unchanged\",\"phoneNumber\":\"+01-123-456-7890\"}"},
    /* ours */
    {NULL, "{\"a\":1,\"b\":null}", "{\"a\":1}"},
    {NULL, "5", "5"},
    {"5", "{}", "{}"},
    {"{\"a\":1.50}", "{}", "{\"a\":1.50}"},
    {"{\"a\":{\"b\":1}}", "{\"a\":{}}", "{\"a\":{\"b\":1}}"},
    {"{\"a\":1}", "{\"a\":{\"b\":null}}", "{\"a\":{}}"},
    {"{\"a\":1}", "{\"a\":[null,{\"b\":null}]}", "{\"a\":[null,{\"b\":null}]}"},
    {"{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":{\"k\":1}}",
     "{\"x\":1,\"b\":null,\"c\":null,\"d\":0,\"e\":null,\"f\":null,\"g\":null,\"h\":null,\"i\":"
     "null,"
     "\"j\":{\"l\":2},\"z\":null}",
     "{\"a\":1,\"d\":0,\"j\":{\"k\":1,\"l\":2},\"x\":1}"},
};

static void run_merge(const struct merge_case *c, const char *name, size_t number) {
    struct json_node *document = c->document == NULL ? NULL : read_text(c->document);
    struct json_node *patch = read_text(c->patch);
    struct json_node *copy = document == NULL ? read_text("null") : json_copy(arena, document);
    const struct json_node *result = json_merge_patch(arena, copy, patch, &usual, &error);

    if (!ok(result != NULL && error.result == JSON_PATCH_OK, "%s %zu merges", name, number))
        return;
    is_str(print(result), print(read_text(c->result)), "as it should");
    ok(result->next == NULL && result->key == NULL, "the root has no name");
    ok((document == NULL || json_equal(document, read_text(c->document))) &&
           json_equal(patch, read_text(c->patch)),
       "document and patch are as before");
}

static struct json_node *repeated(const char *before, const char *piece, size_t count,
                                  const char *middle, const char *after_piece, const char *after) {
    struct json_node *node;
    struct buf b;
    size_t i;

    buf_init(&b, 0);
    buf_adds(&b, before);
    for (i = 0; i < count; i++)
        buf_adds(&b, piece);
    buf_adds(&b, middle);
    for (i = 0; i < count; i++)
        buf_adds(&b, after_piece);
    buf_adds(&b, after);
    node = read_bytes(b.data, b.len);
    buf_release(&b);
    return node;
}

static void test_merge_limits(void) {
    struct json_node *deep = repeated("", "{\"a\":", 64, "{}", "}", "");
    struct json_node *fits = repeated("", "{\"a\":", 63, "{}", "}", "");
    const struct json_patch_limits small = {.depth = 5, .nodes = 3, .bytes = 10};

    ok(json_merge_patch(arena, read_text("{}"), fits, &usual, &error) != NULL, "64 levels merge");
    ok(json_merge_patch(arena, read_text("{}"), deep, &usual, &error) == NULL &&
           error.result == JSON_PATCH_LIMIT,
       "65 don't");
    is_str(error.message, "the document would be nested too deeply", "and it says so");
    ok(json_merge_patch(arena, json_copy(arena, deep), read_text("{\"b\":1}"), &usual, &error) ==
           NULL,
       "nor there");
    ok(json_merge_patch(arena, json_copy(arena, deep), read_text("{\"a\":1}"), &usual, &error) !=
           NULL,
       "what is replaced does not count");
    ok(json_merge_patch(arena, read_text("{\"a\":1}"), read_text("{\"b\":1}"), &small, &error) !=
           NULL,
       "three values");
    ok(json_merge_patch(arena, read_text("{\"a\":1,\"b\":2}"), read_text("{\"c\":1}"), &small,
                        &error) == NULL &&
           error.result == JSON_PATCH_LIMIT,
       "four values");
    ok(json_merge_patch(arena, read_text("{}"), read_text("{\"a\":\"123456789\"}"), &small,
                        &error) != NULL,
       "ten bytes");
    ok(json_merge_patch(arena, read_text("{}"), read_text("{\"ab\":\"123456789\"}"), &small,
                        &error) == NULL,
       "eleven bytes");
}

/* --- RFC 6902 --- */

struct patch_case {
    const char *name;
    const char *document;
    const char *patch;
    const char *result; /* NULL: it fails with `error` */
    enum json_patch_result error;
};

#define D16 "{\"foo\":[\"bar\"]}"

static const struct patch_case patch_examples[] = {
    {"A.1", "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
     "{\"baz\":\"qux\",\"foo\":\"bar\"}", 0},
    {"A.2", "{\"foo\":[\"bar\",\"baz\"]}",
     "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
     "{\"foo\":[\"bar\",\"qux\",\"baz\"]}", 0},
    {"A.3", "{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]",
     "{\"foo\":\"bar\"}", 0},
    {"A.4", "{\"foo\":[\"bar\",\"qux\",\"baz\"]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]",
     "{\"foo\":[\"bar\",\"baz\"]}", 0},
    {"A.5", "{\"baz\":\"qux\",\"foo\":\"bar\"}",
     "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]",
     "{\"baz\":\"boo\",\"foo\":\"bar\"}", 0},
    {"A.6", "{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
     "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
     "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}", 0},
    {"A.7", "{\"foo\":[\"all\",\"grass\",\"cows\",\"eat\"]}",
     "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]",
     "{\"foo\":[\"all\",\"cows\",\"eat\",\"grass\"]}", 0},
    {"A.8", "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}",
     "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"qux\"},"
     "{\"op\":\"test\",\"path\":\"/foo/1\",\"value\":2}]",
     "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}", 0},
    {"A.9", "{\"baz\":\"qux\"}", "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"bar\"}]", NULL,
     JSON_PATCH_TEST},
    {"A.10", "{\"foo\":\"bar\"}",
     "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"grandchild\":{}}}]",
     "{\"foo\":\"bar\",\"child\":{\"grandchild\":{}}}", 0},
    {"A.11", "{\"foo\":\"bar\"}",
     "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"xyz\":123}]",
     "{\"foo\":\"bar\",\"baz\":\"qux\"}", 0},
    {"A.12", "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]",
     NULL, JSON_PATCH_MISSING},
    {"A.13", "{\"foo\":\"bar\"}",
     "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"op\":\"remove\"}]", NULL,
     JSON_PATCH_MISSING},
    {"A.14", "{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]",
     "{\"/\":9,\"~1\":10}", 0},
    {"A.15", "{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":\"10\"}]", NULL,
     JSON_PATCH_TEST},
    {"A.16", D16, "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\",\"def\"]}]",
     "{\"foo\":[\"bar\",[\"abc\",\"def\"]]}", 0},
};

/* Short forms, so that a case is a line. */
#define ADD(path, value)     "{\"op\":\"add\",\"path\":\"" path "\",\"value\":" value "}"
#define REPLACE(path, value) "{\"op\":\"replace\",\"path\":\"" path "\",\"value\":" value "}"
#define TEST(path, value)    "{\"op\":\"test\",\"path\":\"" path "\",\"value\":" value "}"
#define REMOVE(path)         "{\"op\":\"remove\",\"path\":\"" path "\"}"
#define MOVE(from, path)     "{\"op\":\"move\",\"from\":\"" from "\",\"path\":\"" path "\"}"
#define COPY(from, path)     "{\"op\":\"copy\",\"from\":\"" from "\",\"path\":\"" path "\"}"

static const struct patch_case patch_cases[] = {
    {"no operation", "{\"a\":1}", "[]", "{\"a\":1}", 0},
    {"the whole document added", "{\"a\":1}", "[" ADD("", "[2]") "]", "[2]", 0},
    {"the whole document replaced", "5", "[" REPLACE("", "{\"b\":null}") "]", "{\"b\":null}", 0},
    {"the whole document tested", "{\"a\":[1.0]}", "[" TEST("", "{\"a\":[1]}") "]", "{\"a\":[1.0]}",
     0},
    {"the whole document copied into itself", "{\"a\":1}",
     "[" COPY("", "/b") "," COPY("", "/c") "]",
     "{\"a\":1,\"b\":{\"a\":1},\"c\":{\"a\":1,\"b\":{\"a\":1}}}", 0},
    {"a part becomes the whole", "{\"a\":{\"b\":[1]}}", "[" MOVE("/a/b", "") "]", "[1]", 0},
    {"a part copied over the whole", "{\"a\":{\"b\":[1]}}", "[" COPY("/a", "") "]", "{\"b\":[1]}",
     0},
    {"the whole document moved to itself", "{\"a\":1}", "[" MOVE("", "") "]", "{\"a\":1}", 0},
    {"a value moved to itself", "{\"a\":[1]}", "[" MOVE("/a/0", "/a/0") "]", "{\"a\":[1]}", 0},
    {"nothing moved to itself", "{\"a\":[1]}", "[" MOVE("/a/1", "/a/1") "]", NULL,
     JSON_PATCH_MISSING},
    {"add replaces a member", "{\"a\":1,\"b\":2}", "[" ADD("/a", "{\"x\":[]}") "]",
     "{\"a\":{\"x\":[]},\"b\":2}", 0},
    {"null is a value", "{\"a\":1}", "[" ADD("/b", "null") "," TEST("/b", "null") "]",
     "{\"a\":1,\"b\":null}", 0},
    {"the empty key", "{\"\":1}", "[" TEST("/", "1") "," REPLACE("/", "2") "," ADD("//", "1") "]",
     NULL, JSON_PATCH_MISSING},
    {"keys with slash and tilde", "{}", "[" ADD("/a~1b", "1") "," ADD("/a~0b", "2") "]",
     "{\"a/b\":1,\"a~b\":2}", 0},
    {"a number is a key in an object", "{}", "[" ADD("/0", "1") "," ADD("/01", "2") "]",
     "{\"0\":1,\"01\":2}", 0},
    {"a minus is a key in an object", "{}", "[" ADD("/-", "1") "," REPLACE("/-", "2") "]",
     "{\"-\":2}", 0},
    {"add at the front, the end, after it", "[1]",
     "[" ADD("/0", "0") "," ADD("/2", "2") "," ADD("/-", "3") "]", "[0,1,2,3]", 0},
    {"add to an empty list", "[]", "[" ADD("/-", "1") "," ADD("/0", "0") "]", "[0,1]", 0},
    {"add past the end", "[1]", "[" ADD("/2", "2") "]", NULL, JSON_PATCH_MISSING},
    {"add with a leading zero", "[1,2]", "[" ADD("/01", "2") "]", NULL, JSON_PATCH_MISSING},
    {"add with a sign", "[1,2]", "[" ADD("/+1", "2") "]", NULL, JSON_PATCH_MISSING},
    {"add under a word in a list", "[1,2]", "[" ADD("/a", "2") "]", NULL, JSON_PATCH_MISSING},
    {"add under a scalar", "{\"a\":1}", "[" ADD("/a/b", "2") "]", NULL, JSON_PATCH_MISSING},
    {"add under a scalar at the root", "1", "[" ADD("/a", "2") "]", NULL, JSON_PATCH_MISSING},
    {"remove all elements", "[1,2,3]", "[" REMOVE("/1") "," REMOVE("/1") "," REMOVE("/0") "]", "[]",
     0},
    {"remove from the end", "[1,2,3]", "[" REMOVE("/2") "," REMOVE("/1") "," ADD("/-", "5") "]",
     "[1,5]", 0},
    {"remove what is not there", "{\"a\":1}", "[" REMOVE("/b") "]", NULL, JSON_PATCH_MISSING},
    {"remove twice", "{\"a\":1}", "[" REMOVE("/a") "," REMOVE("/a") "]", NULL, JSON_PATCH_MISSING},
    {"remove past the end", "[1]", "[" REMOVE("/1") "]", NULL, JSON_PATCH_MISSING},
    {"remove at the minus", "[1]", "[" REMOVE("/-") "]", NULL, JSON_PATCH_MISSING},
    {"replace what is not there", "{\"a\":1}", "[" REPLACE("/b", "1") "]", NULL,
     JSON_PATCH_MISSING},
    {"replace elements", "[1,2,3]",
     "[" REPLACE("/2", "5") "," REPLACE("/1", "[]") "," ADD("/1/-", "7") "," REPLACE("/0", "4") "]",
     "[4,[7],5]", 0},
    {"replace past the end", "[1]", "[" REPLACE("/1", "1") "]", NULL, JSON_PATCH_MISSING},
    {"replace at the minus", "[1]", "[" REPLACE("/-", "1") "]", NULL, JSON_PATCH_MISSING},
    {"move backwards in a list", "[1,2,3,4]", "[" MOVE("/3", "/0") "]", "[4,1,2,3]", 0},
    {"move to the end", "[1,2,3]", "[" MOVE("/0", "/-") "]", "[2,3,1]", 0},
    {"move past the end, as it is shorter then", "[1,2]", "[" MOVE("/0", "/2") "]", NULL,
     JSON_PATCH_MISSING},
    {"move over a member", "{\"a\":[1],\"b\":2}", "[" MOVE("/a", "/b") "]", "{\"b\":[1]}", 0},
    {"move out of a list", "{\"a\":[{\"x\":1}]}", "[" MOVE("/a/0", "/b") "," ADD("/b/y", "2") "]",
     "{\"a\":[],\"b\":{\"x\":1,\"y\":2}}", 0},
    {"move from nowhere", "{\"a\":1}", "[" MOVE("/b", "/a") "]", NULL, JSON_PATCH_MISSING},
    {"move to nowhere", "{\"a\":1}", "[" MOVE("/a", "/b/c") "]", NULL, JSON_PATCH_MISSING},
    {"move into a namesake of a longer path", "{\"a\":1,\"ab\":{}}", "[" MOVE("/a", "/ab/c") "]",
     "{\"ab\":{\"c\":1}}", 0},
    {"a copy is its own", "{\"a\":{\"x\":[1]}}",
     "[" COPY("/a", "/b") "," ADD("/b/x/-", "2") "," ADD("/a/x/0", "0") "]",
     "{\"a\":{\"x\":[0,1]},\"b\":{\"x\":[1,2]}}", 0},
    {"a copy of what was changed is its own", "{\"a\":{\"x\":[1]}}",
     "[" ADD("/a/x/-", "2") "," COPY("/a", "/b") "," REMOVE("/a/x/0") "," REPLACE("/b/x/0",
                                                                                  "9") "]",
     "{\"a\":{\"x\":[2]},\"b\":{\"x\":[9,2]}}", 0},
    {"copy an element within its list", "[[1],2]", "[" COPY("/0", "/2") "," ADD("/2/-", "3") "]",
     "[[1],2,[1,3]]", 0},
    {"copy from nowhere", "{}", "[" COPY("/a", "/b") "]", NULL, JSON_PATCH_MISSING},
    {"a value of the patch twice over", "{}",
     "[" ADD("/a", "{\"k\":[]}") "," ADD("/a/k/-", "1") "," COPY("/a", "/b") "]",
     "{\"a\":{\"k\":[1]},\"b\":{\"k\":[1]}}", 0},
    {"test nothing", "{}", "[" TEST("/a", "null") "]", NULL, JSON_PATCH_TEST},
    {"test an order of members", "{\"a\":{\"x\":1,\"y\":2}}",
     "[" TEST("/a", "{\"y\":2.0,\"x\":1e0}") "]", "{\"a\":{\"x\":1,\"y\":2}}", 0},
    {"test an order of elements", "[1,2]", "[" TEST("", "[2,1]") "]", NULL, JSON_PATCH_TEST},
    {"test after changes", "{\"a\":[1]}",
     "[" ADD("/a/-", "2") "," TEST("/a", "[1,2]") "," TEST("", "{\"a\":[1,2]}") "]",
     "{\"a\":[1,2]}", 0},
    {"a failing test undoes all", "{\"a\":1}", "[" ADD("/b", "2") "," TEST("/a", "2") "]", NULL,
     JSON_PATCH_TEST},
    {"large objects", "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9}",
     "[" REMOVE("/e") "," REPLACE("/a", "[1]") "," ADD("/e", "55") "," ADD("/j", "10") "," MOVE(
         "/b", "/k") "," COPY("", "/l") "," REMOVE("/l/c") "," TEST("/l/a/0", "1") "]",
     "{\"a\":[1],\"c\":3,\"d\":4,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"e\":55,\"j\":10,\"k\":2,"
     "\"l\":{\"a\":[1],\"d\":4,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"e\":55,\"j\":10,\"k\":2}}",
     0},
    {"an object grows large", "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7}",
     "[" ADD("/h", "8") "," ADD("/i", "9") "," ADD("/j", "10") "," TEST("/j", "10") "," REMOVE(
         "/a") "," TEST("/i", "9") "," REMOVE("/i") "]",
     "{\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"j\":10}", 0},
    /* no patches */
    {"an object", "{}", "{\"op\":\"add\"}", NULL, JSON_PATCH_MALFORMED},
    {"a string", "{}", "\"add\"", NULL, JSON_PATCH_MALFORMED},
    {"null", "{}", "null", NULL, JSON_PATCH_MALFORMED},
    {"an operation that is none", "{}", "[5]", NULL, JSON_PATCH_MALFORMED},
    {"no op", "{}", "[{\"path\":\"/a\",\"value\":1}]", NULL, JSON_PATCH_MALFORMED},
    {"an op that is no string", "{}", "[{\"op\":1,\"path\":\"/a\",\"value\":1}]", NULL,
     JSON_PATCH_MALFORMED},
    {"an unknown op", "{}", "[{\"op\":\"spam\",\"path\":\"/a\",\"value\":1}]", NULL,
     JSON_PATCH_MALFORMED},
    {"an op in capitals", "{}", "[{\"op\":\"ADD\",\"path\":\"/a\",\"value\":1}]", NULL,
     JSON_PATCH_MALFORMED},
    {"no path", "{}", "[{\"op\":\"add\",\"value\":1}]", NULL, JSON_PATCH_MALFORMED},
    {"a path that is no string", "{}", "[{\"op\":\"add\",\"path\":[\"a\"],\"value\":1}]", NULL,
     JSON_PATCH_MALFORMED},
    {"a path that is no pointer", "{}", "[" ADD("a", "1") "]", NULL, JSON_PATCH_MALFORMED},
    {"a path with a bad escape", "{}", "[" ADD("/a~2", "1") "]", NULL, JSON_PATCH_MALFORMED},
    {"no value to add", "{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", NULL, JSON_PATCH_MALFORMED},
    {"no value to replace", "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/a\"}]", NULL,
     JSON_PATCH_MALFORMED},
    {"no value to test", "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\"}]", NULL,
     JSON_PATCH_MALFORMED},
    {"no from", "{\"a\":1}", "[{\"op\":\"move\",\"path\":\"/b\"}]", NULL, JSON_PATCH_MALFORMED},
    {"a from that is no string", "{\"a\":1}", "[{\"op\":\"copy\",\"from\":1,\"path\":\"/b\"}]",
     NULL, JSON_PATCH_MALFORMED},
    {"a from that is no pointer", "{\"a\":1}", "[" COPY("a", "/b") "]", NULL, JSON_PATCH_MALFORMED},
    {"a move into itself", "{\"a\":{}}", "[" MOVE("/a", "/a/b") "]", NULL, JSON_PATCH_MALFORMED},
    {"the whole moved into itself", "{\"a\":{}}", "[" MOVE("", "/a") "]", NULL,
     JSON_PATCH_MALFORMED},
    {"the whole document removed", "{\"a\":{}}", "[" REMOVE("") "]", NULL, JSON_PATCH_MALFORMED},
    {"malformed wins over missing", "{}", "[" REMOVE("/a") ",{\"op\":\"spam\"}]", NULL,
     JSON_PATCH_MALFORMED},
};

static void run_patch(const struct patch_case *c) {
    struct json_node *document = read_text(c->document);
    struct json_node *patch = read_text(c->patch);
    const struct json_node *result =
        json_patch(arena, json_copy(arena, document), patch, &usual, &error);

    if (c->result == NULL) {
        ok(result == NULL && error.result == c->error && error.message != NULL, "%s: fails",
           c->name);
    } else if (ok(result != NULL && error.result == JSON_PATCH_OK, "%s: works", c->name)) {
        /* Sorted text shows the values, the reader's equality walks the links once more. */
        is_str(print(result), print(read_text(c->result)), "%s: the result", c->name);
        ok(json_equal(result, read_text(c->result)) && result->key == NULL, "%s: is equal",
           c->name);
    } else {
        diag("%s", error.message);
    }
    ok(json_equal(document, read_text(c->document)) && json_equal(patch, read_text(c->patch)),
       "%s: the patch, and what the document was copied from, are as before", c->name);
}

static void test_patch_messages(void) {
    char *long_path = calloc(1, 5000);
    struct json_node *empty = read_text("{}");

    (void)json_patch(arena, empty, read_text("[" ADD("/a", "1") "," REMOVE("/b/c") "]"), &usual,
                     &error);
    is_str(error.message, "operation 1: there is nothing at \"/b/c\"", "missing");
    ok(error.operation == 1, "the operation is told");
    (void)json_patch(arena, empty, read_text("[" ADD("/a", "1") "," TEST("/a", "2") "]"), &usual,
                     &error);
    is_str(error.message, "operation 1: test: the value at \"/a\" is another one", "a test");
    (void)json_patch(arena, empty, read_text("[" ADD("/a/b", "1") "]"), &usual, &error);
    is_str(error.message, "operation 0: there is no place \"/a/b\" for a value", "no place");
    (void)json_patch(arena, empty, read_text("[{\"op\":\"nop\",\"path\":\"\"}]"), &usual, &error);
    is_str(error.message, "operation 0: \"nop\" is none of add, remove, replace, move, copy, test",
           "the op");
    memset(long_path, 'x', 4000);
    (void)json_patch(
        arena, empty,
        read_text(arena_printf(arena, "[{\"op\":\"remove\",\"path\":\"/%s\"}]", long_path)), &usual,
        &error);
    ok(strlen(error.message) < 300 && strstr(error.message, "xxx...\"") != NULL,
       "a long path is cut");
    free(long_path);
}

/* --- limits of JSON patches --- */

static double milliseconds(clock_t since) {
    return (double)(clock() - since) * 1000 / CLOCKS_PER_SEC;
}

static bool hits_limit(const char *document, const struct json_node *patch,
                       const struct json_patch_limits *limits) {
    return json_patch(arena, read_text(document), patch, limits, &error) == NULL &&
           error.result == JSON_PATCH_LIMIT;
}

static void test_patch_limits(void) {
    const struct json_patch_limits small = {.depth = 3, .nodes = 6, .bytes = 20, .key_bytes = 4};
    clock_t start = clock();

    ok(!hits_limit("{}", read_text("[" ADD("/a", "{\"b\":{}}") "]"), &small), "three levels");
    ok(hits_limit("{}", read_text("[" ADD("/a", "{\"b\":{\"c\":{}}}") "]"), &small), "four levels");
    ok(hits_limit("{\"a\":{\"b\":{}}}", read_text("[" COPY("/a", "/a/b/c") "]"), &small),
       "four levels by copying");
    ok(hits_limit("{\"a\":{\"b\":{}},\"c\":{}}", read_text("[" MOVE("/a", "/c/d") "]"), &small),
       "four levels by moving");
    ok(!hits_limit("{\"a\":{\"b\":{}},\"c\":{}}", read_text("[" MOVE("/a/b", "/c/d") "]"), &small),
       "three levels by moving");
    ok(!hits_limit("[1,2]", read_text("[" ADD("/-", "[1,2]") "]"), &small), "six values");
    ok(hits_limit("[1,2]", read_text("[" ADD("/-", "[1,2,3]") "]"), &small), "seven values");
    ok(hits_limit("[1,2,3,4,5,6]", read_text("[]"), &small), "in the document itself");
    ok(!hits_limit("{}", read_text("[" ADD("/a", "\"1234567890123456789\"") "]"), &small),
       "twenty bytes");
    ok(hits_limit("{}", read_text("[" ADD("/aa", "\"1234567890123456789\"") "]"), &small),
       "one more");
    ok(hits_limit("[\"12345678\"]", read_text("[" COPY("/0", "/0") "," COPY("/0", "/0") "]"),
                  &small),
       "by copying");
    ok(!hits_limit("{}", read_text("[" ADD("/abcd", "1") "]"), &small), "a key of four bytes");
    ok(hits_limit("{}", read_text("[" ADD("/abcde", "1") "]"), &small), "a key of five");
    ok(!hits_limit("{\"abcde\":1}", read_text("[" REPLACE("/abcde", "2") "]"), &small),
       "a key that was there");

    /* Each copy doubles the document: 2^40 values. */
    ok(hits_limit("[]", repeated("[" ADD("/-", "1"), "," COPY("", "/-"), 40, "]", "", ""), &usual),
       "doubling by copying");
    ok(hits_limit(
           "[[1,2,3,4,5,6,7,8]]",
           repeated("[" ADD("/-", "1"), "," COPY("/0", "/1") "," REMOVE("/0"), 30000, "]", "", ""),
           &usual),
       "copying and removing by turns");
    ok(hits_limit("[\"0123456789012345678901234567890123456789012345678901234567890123456789\"]",
                  repeated("[" ADD("/-", "1"), "," COPY("/0", "/-"), 100000, "]", "", ""), &usual),
       "copying a text");
    diag("limits: %.0f ms", milliseconds(start));
}

/* Adds `count` members, some twice, and removes a quarter of them. */
static struct json_node *object_patch(unsigned count) {
    struct json_node *patch;
    struct buf b;

    buf_init(&b, 0);
    for (unsigned i = 0; i < count; i++)
        buf_printf(&b, "%c" ADD("/%x", "2"), i == 0 ? '[' : ',', i % (count * 3 / 4));
    for (unsigned i = 0; i < count / 4; i++)
        buf_printf(&b, "," REMOVE("/%x"), i);
    buf_addc(&b, ']');
    patch = read_bytes(b.data, b.len);
    buf_release(&b);
    return patch;
}

static void test_patch_speed(void) {
    struct json_node *list = repeated("[0", ",1", 100000, "]", "", "");
    struct json_node *patch;
    struct json_node *object;
    struct buf b;
    clock_t start;
    int i;

    /* Values that are moved back and forth across a large list: more work than is allowed. */
    patch = repeated("[" ADD("/-", "1"), "," MOVE("/50000", "/0") "," MOVE("/0", "/50000"), 20000,
                     "]", "", "");
    start = clock();
    ok(json_patch(arena, list, patch, &usual, &error) == NULL && error.result == JSON_PATCH_LIMIT,
       "work has an end");
    diag("work: %.0f ms, %s", milliseconds(start), error.message);
    ok(milliseconds(start) < 20000, "soon");

    /* So is what goes along a list in order. */
    buf_init(&b, 0);
    for (i = 0; i < 20000; i++)
        buf_printf(&b, "%c" REPLACE("/%d", "2"), i == 0 ? '[' : ',', 1 + i * 2);
    for (i = 20000; i > 0; i--)
        buf_printf(&b, "," REMOVE("/%d"), i * 2);
    buf_addc(&b, ']');
    patch = read_bytes(b.data, b.len);
    buf_release(&b);
    list = repeated("[0", ",1", 100000, "]", "", "");
    start = clock();
    ok(json_patch(arena, list, patch, &usual, &error) == NULL && error.result == JSON_PATCH_LIMIT &&
           strstr(error.message, "the patch takes more than 20000000 steps") != NULL,
       "40,000 operations along a list are too many, which is said");
    diag("list: %.0f ms", milliseconds(start));

    patch = object_patch(40000);
    start = clock();
    ok(json_patch(arena, read_text("{}"), patch, &usual, &error) == NULL &&
           error.result == JSON_PATCH_LIMIT,
       "50,000 operations on an object too");
    diag("object: %.0f ms", milliseconds(start));
    object = json_patch(arena, read_text("{}"), object_patch(4000), &usual, &error);
    ok(object != NULL && object->count == 2000, "5,000 are done, the members are counted");
}

int main(void) {
    size_t i;

    arena = arena_new();
    test_pointer_examples();
    test_pointer_errors();
    for (i = 0; i < COUNT(merge_examples); i++)
        run_merge(&merge_examples[i], "example", i + 1);
    for (i = 0; i < COUNT(merge_cases); i++)
        run_merge(&merge_cases[i], "case", i + 1);
    test_merge_limits();
    for (i = 0; i < COUNT(patch_examples); i++)
        run_patch(&patch_examples[i]);
    for (i = 0; i < COUNT(patch_cases); i++)
        run_patch(&patch_cases[i]);
    test_patch_messages();
    arena_reset(arena);
    test_patch_limits();
    arena_reset(arena);
    test_patch_speed();
    arena_free(&arena);
    return done_testing();
}
