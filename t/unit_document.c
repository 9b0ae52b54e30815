/* unit_document.c: documents' sizes as PostgreSQL prints them, and what writes do to trees. */
#include <stdlib.h>

#include "rules/prefs_change.h"
#include "rules/prefs_document.h"
#include "rules/prefs_perform.h"
#include "tap.h"
#include "json/edit.h"
#include "json/reader.h"
#include "json/writer.h"

static struct arena *arena;

static struct json_node *tree(const char *text) {
    static const struct json_limits none = {.depth = 100};
    struct json_error error;
    struct json_node *node = json_read(arena, text, strlen(text), &none, &error);

    if (node == NULL) {
        diag("%s: %s", text, error.message);
        exit(1);
    }
    return node;
}

static struct json_pointer at(const char *pointer, bool positions) {
    struct json_pointer location;
    const char *message;

    if (!json_pointer_parse(arena, pointer, strlen(pointer), &location, &message))
        exit(1);
    location.keys_only = !positions;
    return location;
}

static void is_text(const struct json_node *node, const char *expected, const char *name) {
    const char *text = json_text(arena, node);

    if (!ok(strcmp(text, expected) == 0, "%s", name))
        diag("got %s, expected %s", text, expected);
}

/* What is sent, and what PostgreSQL 15 prints of it. */
static void test_size(void) {
    static const char *const cases[][2] = {
        {"0", "0"},
        {"-0", "0"},
        {"-0.00", "0.00"},
        {"0e5", "0"},
        {"0.0e-3", "0.0000"},
        {"1e2", "100"},
        {"1.50e1", "15.0"},
        {"-1.5E-3", "-0.0015"},
        {"123.456e-1", "12.3456"},
        {"123.456e2", "12345.6"},
        {"123.456e5", "12345600"},
        {"0.00123e2", "0.123"},
        {"0.00123e4", "12.3"},
        {"0.00120e3", "1.20"},
        {"10e-1", "1.0"},
        {"100e-5", "0.00100"},
        {"-7", "-7"},
        {"true", "true"},
        {"false", "false"},
        {"null", "null"},
        {"\"\"", "\"\""},
        {"\"\\u0001\\u001f\\b\\f\\n\\r\\t\\u000b\\u007f\\\"\\\\\\/\\u00e9\"",
         "\"\\u0001\\u001f\\b\\f\\n\\r\\t\\u000b\x7f\\\"\\\\/\xc3\xa9\""},
        {"[]", "[]"},
        {"[1,[2],{}]", "[1, [2], {}]"},
        {"{\"\\n\":1,\"\":[true]}", "{\"\": [true], \"\\n\": 1}"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = prefs_document_size(tree(cases[i][0]));

        if (!ok(size == strlen(cases[i][1]), "size of %s", cases[i][0]))
            diag("got %zu, expected %zu", size, strlen(cases[i][1]));
    }
    ok(prefs_document_size(tree("1e308")) == 309, "size of 1e308");
    ok(prefs_document_size(tree("1e-308")) == 310, "size of 1e-308");
}

static void test_depth(void) {
    ok(json_depth(tree("1")) == 0, "a number has no depth");
    ok(json_depth(tree("{}")) == 1, "an object has one");
    ok(json_depth(tree("{\"a\": [1, {\"b\": []}], \"c\": {}}")) == 4, "the deepest counts");
}

static void set(const char *document, const char *pointer, bool positions, const char *expected) {
    struct json_edit edit = json_edit_begin(arena, tree(document), NULL);
    struct json_pointer location = at(pointer, positions);
    size_t blocked = 99;
    bool done = json_edit_set(&edit, &location, tree("\"v\""), &blocked);

    ok(done == (expected != NULL), "set %s in %s%s", pointer, document,
       expected != NULL ? "" : " can't be");
    is_text(edit.root, expected != NULL ? expected : document, "and is then as it should");
}

static void test_set(void) {
    set("{}", "/a", false, "{\"a\": \"v\"}");
    set("{}", "/a//0", false, "{\"a\": {\"\": {\"0\": \"v\"}}}");
    set("{\"a\": 1, \"b\": 2}", "/a", false, "{\"a\": \"v\", \"b\": 2}");
    set("{\"a\": {\"b\": 1}}", "/a/c", false, "{\"a\": {\"b\": 1, \"c\": \"v\"}}");
    set("{\"a\": 1}", "/a/b", false, NULL);
    set("{\"a\": null}", "/a/b/c", false, NULL);
    set("{\"a\": [1]}", "/a/0", false, NULL);
    set("{\"a\": [1]}", "/a/0", true, "{\"a\": [\"v\"]}");
    set("{\"a\": [1]}", "/a/1", true, "{\"a\": [1, \"v\"]}");
    set("{\"a\": [1]}", "/a/-", true, "{\"a\": [1, \"v\"]}");
    set("{\"a\": [1]}", "/a/-/b", true, "{\"a\": [1, {\"b\": \"v\"}]}");
    set("{\"a\": [{}]}", "/a/0/b", true, "{\"a\": [{\"b\": \"v\"}]}");
    set("{\"a\": [1]}", "/a/2", true, NULL);
    set("{\"a\": [1]}", "/a/01", true, NULL);
    set("{\"a\": [1]}", "/a/x", true, NULL);
}

static void removes(const char *document, const char *pointer, bool positions,
                    const char *expected) {
    struct json_edit edit = json_edit_begin(arena, tree(document), NULL);
    struct json_pointer location = at(pointer, positions);

    ok((json_edit_take(&edit, &location) != NULL) == (expected != NULL), "remove %s from %s",
       pointer, document);
    is_text(edit.root, expected != NULL ? expected : document, "and is then as it should");
}

static void test_remove(void) {
    removes("{\"a\": 1, \"b\": 2}", "/a", false, "{\"b\": 2}");
    removes("{\"a\": {\"b\": 1}}", "/a/b", false, "{\"a\": {}}");
    removes("{\"a\": 1}", "/b", false, NULL);
    removes("{\"a\": 1}", "/a/b", false, NULL);
    removes("{\"a\": [1, 2]}", "/a/0", false, NULL);
    removes("{\"a\": [1, 2]}", "/a/0", true, "{\"a\": [2]}");
    removes("{\"a\": [1, 2]}", "/a/-", true, NULL);
    removes("{\"a\": [1, 2]}", "/a/2", true, NULL);
}

static void test_merge(void) {
    struct json_node *node = tree("{\"b\": 1, \"\": 2, \"a\": {\"x\": 1}}");

    json_edit_merge(arena, node, tree("{\"a\": {\"y\": 2}, \"c\": [], \"\": null}"), false);
    is_text(node, "{\"\": null, \"a\": {\"y\": 2}, \"b\": 1, \"c\": []}", "members are merged");
    ok(node->count == 4, "and counted");
    json_edit_merge(arena, node, tree("{}"), false);
    ok(node->count == 4, "nothing merged is nothing");
}

static void test_plain(void) {
    static const char *const plain[] = {"",    "/a",  "/a/b c", "/",        "/1a",
                                        "/a1", "/-a", "/.5",    "/\xc3\xa9"};
    static const char *const others[] = {"/0",  "/a/1", "/-1", "/+1",  "/ 1",
                                         "/1 ", "/-",   "/ ",  "/\t7", "/00"};

    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        struct json_pointer location = at(plain[i], false);

        ok(prefs_location_is_plain(&location), "plain: '%s'", plain[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct json_pointer location = at(others[i], false);

        ok(!prefs_location_is_plain(&location), "could be a position: '%s'", others[i]);
    }
}

/* The decision on a document of 20 bytes, revision 5, with these quotas. */
enum { REFUSED = 100 }; /* and the code */

static int decide(struct prefs_change change, const char *current, bool usage) {
    struct prefs_document document = {.revision = 5, .text = current};
    struct prefs_usage used = {.containers = 3, .bytes = 100};
    enum prefs_verdict what = PREFS_KEEP;
    const char *text = NULL;
    struct verdict verdict;

    if (current != NULL) {
        document.length = strlen(current);
        document.bytes = (int64_t)strlen(current);
    }
    change.container = "c";
    change.depth = 64;
    if (change.document_bytes == 0)
        change.document_bytes = 1000;
    verdict = prefs_change_apply(arena, &change, current ? &document : NULL, usage ? &used : NULL,
                                 &what, &text);
    ok((verdict.rc == RC_OK && what == PREFS_WRITE) == (text != NULL),
       "a new document if it is to be written");
    ok((verdict.rc != RC_OK) == (verdict.message != NULL), "a message if it is refused");
    return verdict.rc != RC_OK ? REFUSED + (int)verdict.rc : (int)what;
}

static void test_limits(void) {
    struct prefs_change put = {.kind = CHANGE_PUT, .value = tree("{\"a\": \"0123456789\"}")};

    put.document_bytes = 19;
    ok(decide(put, NULL, false) == PREFS_WRITE, "as large as is allowed");
    put.document_bytes = 18;
    ok(decide(put, NULL, false) == REFUSED + RC_TOO_LARGE, "a byte more");
    ok(decide(put, "{\"a\": \"01234567890123456789\"}", false) == PREFS_WRITE,
       "what is too large may shrink");
    put.document_bytes = 0;
    put.max_containers = 3;
    ok(decide(put, NULL, true) == REFUSED + RC_QUOTA, "a container too many");
    ok(decide(put, "{}", true) == PREFS_WRITE, "an old one is none");
    put.max_containers = 4;
    ok(decide(put, NULL, true) == PREFS_WRITE, "the last one");
    put.max_containers = 0;
    put.max_bytes = 118;
    ok(decide(put, NULL, true) == REFUSED + RC_QUOTA, "a byte too many");
    ok(decide(put, "{\"a\": 1}", true) == PREFS_WRITE, "less where something is replaced");
    put.max_bytes = 119;
    ok(decide(put, NULL, true) == PREFS_WRITE, "the last byte");
    put.max_bytes = 50;
    ok(decide(put, "{\"a\": \"0123456789\"}", true) == PREFS_WRITE, "over it already, but no more");
}

static void test_kinds(void) {
    struct prefs_change change = {.kind = CHANGE_CREATE};

    ok(decide(change, NULL, false) == PREFS_WRITE, "made");
    ok(decide(change, "{}", false) == PREFS_KEEP, "there already");
    change.kind = CHANGE_DELETE;
    ok(decide(change, NULL, false) == PREFS_KEEP, "nothing to delete");
    ok(decide(change, "{}", false) == PREFS_DELETE, "deleted");
    change.kind = CHANGE_JSON_PATCH;
    change.value = tree("[]");
    ok(decide(change, NULL, false) == REFUSED + RC_NOTFOUND, "nothing to patch");
    ok(decide(change, "{}", false) == PREFS_WRITE, "patched");
    change.value = tree("[{\"op\": \"replace\", \"path\": \"\", \"value\": []}]");
    ok(decide(change, "{}", false) == REFUSED + RC_INVALID, "a document is an object");
    ok(decide(change, "{", false) == REFUSED + RC_BUG, "what is stored is no JSON");
    change.kind = CHANGE_PUT;
    change.value = tree("{}");
    ok(etag_list_parse(arena, "\"4\", \"5\"", &change.if_match), "If-Match");
    ok(decide(change, "{}", false) == PREFS_WRITE, "matches");
    ok(decide(change, NULL, false) == REFUSED + RC_PRECONDITION, "nothing does not");
    ok(etag_list_parse(arena, "W/\"5\"", &change.if_none_match), "If-None-Match");
    ok(decide(change, "{}", false) == REFUSED + RC_PRECONDITION, "matches, weakly");
}

int main(void) {
    arena = arena_new();
    test_size();
    test_depth();
    test_set();
    test_remove();
    test_merge();
    test_plain();
    test_limits();
    test_kinds();
    arena_free(&arena);
    return done_testing();
}
