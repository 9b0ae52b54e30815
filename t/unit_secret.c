/* unit_secret.c: tokens' form, their keyed hash against the RFC's values, comparing; base64url. */
#include "base/digest.h"
#include "server/secret.h"
#include "tap.h"

/* RFC 4231, sections 4.3 and 4.7 (a key longer than a block, as text here: 131 bytes of 0xaa). */
static void test_hash(void) {
    static const char data[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    char key[132], hash[SECRET_HASH_SIZE], other[SECRET_HASH_SIZE];

    ok(secret_hash("Jefe", "what do ya want for nothing?", 28, hash), "a hash");
    is_str(hash, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
           "  is what RFC 4231 says");
    memset(key, 0xaa, sizeof(key));
    key[131] = '\0';
    ok(secret_hash(key, data, sizeof(data) - 1, other), "with a long key");
    is_str(other, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", "  too");
    ok(secret_hash_equal(hash, hash), "equal to itself");
    ok(!secret_hash_equal(hash, other), "not to another");
    other[0] = '\0';
    ok(!secret_hash_equal(hash, other) && !secret_hash_equal(other, other),
       "what is no hash equals nothing");
    for (size_t i = 0; i < SECRET_HASH_SIZE - 1; i++) {
        memcpy(other, hash, sizeof(other));
        other[i] = other[i] == '0' ? '1' : '0';
        if (secret_hash_equal(hash, other))
            ok(false, "digit %zu is looked at", i);
    }
    ok(true, "every digit is looked at");
}

static void test_tokens(void) {
    char token[SECRET_SIZE], again[SECRET_SIZE], id[SECRET_ID_SIZE], id2[SECRET_ID_SIZE];
    char key[SECRET_KEY_SIZE];

    ok(secret_make(token, id) && secret_make(again, id2), "two tokens");
    is_int(strlen(token), SECRET_SIZE - 1, "  of the size that is said");
    ok(strcmp(token + 21, again + 21) != 0 && strcmp(id, id2) != 0, "  are not the same");
    ok(secret_id(token, strlen(token), id2), "a token has an id");
    is_str(id2, id, "  that it was made with");
    ok(secret_make_key(key) && strlen(key) == 64, "a key");
    ok(!secret_id(token, strlen(token) - 1, id2), "one digit less is none");
    ok(!secret_id("", 0, id2), "nothing is none");
    token[3] = '-';
    ok(!secret_id(token, strlen(token), id2), "another beginning");
    memcpy(token, "mst_", 4);
    token[20] = '0';
    ok(!secret_id(token, strlen(token), id2), "no mark after the id");
    token[20] = '_';
    token[80] = 'g';
    ok(!secret_id(token, strlen(token), id2), "what is no digit");
    token[80] = 'A';
    ok(!secret_id(token, strlen(token), id2), "nor is a capital");
}

/* Digits of RFC 4648, section 10, without padding, and back. */
static void test_base64url(void) {
    static const char *const digits[] = {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"};
    static const char *const wrong[] = {"Z", "Zh", "Zm9", "Zm9v=", "Zm9vY", "Zm 9v", "Zm+/"};
    char text[16];
    unsigned char bytes[6];

    for (size_t n = 0; n < sizeof digits / sizeof *digits; n++) {
        digest_base64url((const unsigned char *)"foobar", n, text);
        is_str(text, digits[n], "%zu bytes", n);
        is_int(digest_from_base64url(text, strlen(text), bytes, sizeof bytes), n, "  and back");
        ok(memcmp(bytes, "foobar", n) == 0, "  to the same");
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        is_int(digest_from_base64url(wrong[i], strlen(wrong[i]), bytes, sizeof bytes), 0,
               "\"%s\" is none", wrong[i]);
    is_int(digest_from_base64url("Zm9vYmFy", 8, bytes, 5), 0, "more than there is room for");
}

int main(void) {
    test_hash();
    test_base64url();
    test_tokens();
    return done_testing();
}
