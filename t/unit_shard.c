/* unit_shard.c: how users are divided among databases, and the setting that says it. */
#include "base/hash.h"
#include "server/shard.h"
#include "tap.h"

static struct arena *arena;

static void test_hash(void) {
    static const struct {
        const char *text;
        uint32_t hash;
    } known[] = {
        {"", 0},
        {"a", 0x92685F5E},
        {"ab", 0x1AA14063},
        {"abc", 0x13577C9B},
        {"abcd", 0x26873021},
        {"abcde", 0x5F09A8DE},
        {"J\xc3\xbcrgen", 0xBD76B97C},
        {"user1@example.org", 0x894615DF},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        is_int(hash_murmur2(known[i].text, strlen(known[i].text)), known[i].hash, "hash of \"%s\"",
               known[i].text);
}

/* nginx adds up parts that are each rounded down. */
static void test_parts(void) {
    struct shard shard;

    ok(shard_parse(arena, "1/50% 25%  *", &shard) == NULL, "a list of parts");
    is_int(shard.number, 1, "  and which one of them");
    is_int(shard.count, 3, "  counted");
    is_int(shard.ends[0], 2147483647, "  the first ends in the middle");
    is_int(shard.ends[1], 3221225470, "  the second after it");
    ok(shard_parse(arena, "2/12.5% 0.01% *", &shard) == NULL, "decimals");
    is_int(shard.ends[0], 536870911, "  are tenths");
    is_int(shard.ends[1] - shard.ends[0], 429496, "  and hundredths");
    ok(shard_parse(arena, "2/3", &shard) == NULL, "equal parts");
    is_int(shard.count, 3, "  as many as are said");
    is_int(shard.ends[1], 2 * 1431512599u, "  rounded down to hundredths of a percent");
    ok(shard_parse(arena, "0/1", &shard) == NULL, "all in one");
    is_int(shard_of(&shard, "user1@example.org"), 0, "  with anybody");
    ok(shard_parse(arena, "0/50% 50% *", &shard) == NULL, "nothing is left for the last");
    is_int(shard_of(&shard, "user1@example.org"), 1, "a user of the second half");
    is_int(shard_of(&shard, "abcde"), 0, "and one of the first");
}

static void test_wrong(void) {
    static const char *const wrong[] = {"",
                                        "1",
                                        "/2",
                                        "0/",
                                        "0/0",
                                        "0/101",
                                        "2/2",
                                        "-1/2",
                                        "a/2",
                                        "0/2x",
                                        "0/50%",
                                        "0/50% 25%",
                                        "0/50% * *",
                                        "0/50%*",
                                        "0/* 50%",
                                        "0/50 *",
                                        "0/0% *",
                                        "0/101% *",
                                        "0/0.001% *",
                                        "0/50% 50.01% *",
                                        "0/5.% *",
                                        "3/50% 25% *",
                                        "0/18446744073709551616",
                                        "18446744073709551616/2"};
    struct shard shard;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ok(shard_parse(arena, wrong[i], &shard) != NULL, "\"%s\" is refused", wrong[i]);
}

int main(void) {
    arena = arena_new();
    test_hash();
    test_parts();
    test_wrong();
    arena_free(&arena);
    return done_testing();
}
