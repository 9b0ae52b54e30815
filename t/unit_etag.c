/* unit_etag.c: lists of entity tags as If-Match and If-None-Match send them. */
#include "base/arena.h"
#include "http/etag.h"
#include "tap.h"

static struct arena *arena;

static struct etag_list parsed(const char *header) {
    struct etag_list list;

    ok(etag_list_parse(arena, header, &list), "parsed: %s", header);
    return list;
}

static void refused(const char *header) {
    struct etag_list list;

    ok(!etag_list_parse(arena, header, &list), "refused: %s", header);
}

static void test_absent(void) {
    struct etag_list list;

    ok(etag_list_parse(arena, NULL, &list), "no header is fine");
    ok(!etag_list_given(&list), "and is not given");
    ok(!etag_list_has_weak(&list, "1") && !etag_list_has_strong(&list, "1"), "and has nothing");
}

static void test_lists(void) {
    struct etag_list list = parsed("*");

    ok(list.any && list.count == 0 && etag_list_given(&list), "a star is any");
    ok(parsed(" * ").any, "spaces around do not matter");
    list = parsed("\"12\"");
    ok(!list.any && list.count == 1 && etag_list_given(&list), "one tag");
    ok(etag_list_has_strong(&list, "12"), "which is there");
    ok(!etag_list_has_strong(&list, "1") && !etag_list_has_strong(&list, "123"), "and no other");
    list = parsed("\"1\" , W/\"2\",,\"\",\"a,b\"");
    ok(list.count == 4, "four tags, empty elements left out");
    ok(etag_list_has_strong(&list, "a,b"), "a comma inside quotes is of the tag");
    ok(etag_list_has_strong(&list, ""), "a tag may be empty");
    ok(!etag_list_has_strong(&list, "2"), "a weak one never compares strongly");
    ok(etag_list_has_weak(&list, "2") && etag_list_has_weak(&list, "1"), "but weakly");
}

static void test_compression(void) {
    struct etag_list list = parsed("W/\"970\", \"971-gzip\", W/\"972-m-br\", \"973;gzip\", "
                                   "\"-gzip\", \"974-gzipped\"");

    etag_list_undo_compression(&list);
    ok(etag_list_has_strong(&list, "970"), "nginx makes a tag weak");
    ok(etag_list_has_strong(&list, "971"), "Apache appends the coding");
    ok(etag_list_has_strong(&list, "972-m"), "and no more is taken away");
    ok(!etag_list_has_strong(&list, "973") && etag_list_has_strong(&list, "-gzip") &&
           !etag_list_has_strong(&list, "974"),
       "of other tags nothing");
}

static void test_refused(void) {
    refused("");
    refused(",");
    refused("12");
    refused("\"12");
    refused("w/\"12\"");
    refused("W/ \"12\"");
    refused("\"1\" \"2\"");
    refused("\"1\"x");
    refused("*, \"1\"");
    refused("\"a b\"");
}

int main(void) {
    arena = arena_new();
    test_absent();
    test_lists();
    test_compression();
    test_refused();
    arena_free(&arena);
    return done_testing();
}
