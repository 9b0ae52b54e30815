/* secret.c: what a token looks like, and its keyed hash. */
#include "server/secret.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/digest.h"

#define PREFIX "mst_"

enum { PREFIX_LENGTH = 4, ID_BYTES = 8, SECRET_BYTES = 32 };

static const char digits[] = "0123456789abcdef";

static bool random_hex(size_t n, char *out) {
    unsigned char bytes[SECRET_BYTES];
    ssize_t got;

    assert(n <= sizeof(bytes));
    do
        got = getrandom(bytes, n, 0);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)n)
        return false;
    digest_hex(bytes, n, out);
    digest_wipe(bytes, sizeof(bytes));
    return true;
}

bool secret_make(char token[SECRET_SIZE], char id[SECRET_ID_SIZE]) {
    char *at = token + PREFIX_LENGTH;

    memcpy(token, PREFIX, PREFIX_LENGTH);
    if (!random_hex(ID_BYTES, id) || !random_hex(SECRET_BYTES, at + SECRET_ID_SIZE))
        return false;
    memcpy(at, id, SECRET_ID_SIZE - 1);
    at[SECRET_ID_SIZE - 1] = '_';
    return true;
}

bool secret_make_key(char key[SECRET_KEY_SIZE]) {
    return random_hex(SECRET_BYTES, key);
}

static bool are_digits(const char *at, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (at[i] == '\0' || strchr(digits, at[i]) == NULL)
            return false;
    return true;
}

bool secret_id(const char *text, size_t n, char id[SECRET_ID_SIZE]) {
    const char *at, *secret;

    if (n != SECRET_SIZE - 1 || memcmp(text, PREFIX, PREFIX_LENGTH) != 0)
        return false;
    at = text + PREFIX_LENGTH;
    secret = at + SECRET_ID_SIZE;
    if (!are_digits(at, SECRET_ID_SIZE - 1) || secret[-1] != '_' ||
        !are_digits(secret, 2 * SECRET_BYTES))
        return false;
    memcpy(id, at, SECRET_ID_SIZE - 1);
    id[SECRET_ID_SIZE - 1] = '\0';
    return true;
}

bool secret_hash(const char *key, const char *token, size_t n, char hash[SECRET_HASH_SIZE]) {
    unsigned char bytes[DIGEST_BYTES];

    if (!digest_keyed(key, token, n, bytes))
        return false;
    digest_hex(bytes, DIGEST_BYTES, hash);
    return true;
}

bool secret_hash_equal(const char *a, const char *b) {
    return strlen(a) == SECRET_HASH_SIZE - 1 && strlen(b) == SECRET_HASH_SIZE - 1 &&
           digest_equal(a, b, SECRET_HASH_SIZE - 1);
}

void secret_clear(void *bytes, size_t n) {
    digest_wipe(bytes, n);
}
