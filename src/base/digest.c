/* digest.c: SHA-256, plain and keyed (libcrypto, which only this file knows). */
#include "base/digest.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

/* Of one digest at a time. Pieces are mostly a few bytes, and a call of libcrypto for each would
 * take longer than its work. */
static struct {
    EVP_MD *algorithm; /* looked up once, which takes longer than a short digest */
    EVP_MD_CTX *context;
    bool failed;
    size_t used;
    unsigned char pieces[4096];
} current;

void digest_begin(void) {
    if (!current.algorithm)
        current.algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!current.context)
        current.context = EVP_MD_CTX_new();
    current.used = 0;
    current.failed = !current.algorithm || !current.context ||
                     EVP_DigestInit_ex(current.context, current.algorithm, NULL) != 1;
}

static void flush(void) {
    if (!current.failed)
        current.failed = EVP_DigestUpdate(current.context, current.pieces, current.used) != 1;
    current.used = 0;
}

void digest_add(const void *bytes, size_t n) {
    if (n > sizeof current.pieces - current.used)
        flush();
    if (n <= sizeof current.pieces) {
        memcpy(current.pieces + current.used, bytes, n);
        current.used += n;
    } else if (!current.failed) {
        current.failed = EVP_DigestUpdate(current.context, bytes, n) != 1;
    }
}

bool digest_end(unsigned char out[DIGEST_BYTES]) {
    unsigned length = 0;

    flush();
    return !current.failed && EVP_DigestFinal_ex(current.context, out, &length) == 1 &&
           length == DIGEST_BYTES;
}

bool digest_keyed(const char *key, const void *bytes, size_t n, unsigned char out[DIGEST_BYTES]) {
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    if (!HMAC(EVP_sha256(), key, (int)strlen(key), bytes, n, hash, &length) ||
        length != DIGEST_BYTES)
        return false;
    memcpy(out, hash, DIGEST_BYTES);
    return true;
}

void digest_hex(const unsigned char *bytes, size_t n, char *out) {
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void digest_base64url(const unsigned char *bytes, size_t n, char *out) {
    unsigned long bits = 0;
    int count = 0;

    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | bytes[i];
        for (count += 8; count >= 6; count -= 6)
            *out++ = base64url[bits >> (count - 6) & 63];
        bits &= (1ul << count) - 1;
    }
    if (count > 0)
        *out++ = base64url[bits << (6 - count) & 63];
    *out = '\0';
}

size_t digest_from_base64url(const char *digits, size_t length, unsigned char *out, size_t size) {
    unsigned long bits = 0;
    size_t n = 0;
    int count = 0;

    for (size_t i = 0; i < length; i++) {
        const char *digit = digits[i] != '\0' ? strchr(base64url, digits[i]) : NULL;

        if (!digit)
            return 0;
        bits = (bits << 6 | (unsigned long)(digit - base64url)) & 0xFFF;
        count += 6;
        if (count < 8)
            continue;
        if (n == size)
            return 0;
        count -= 8;
        out[n++] = bits >> count & 0xFF;
    }
    return count < 6 && (bits & ((1ul << count) - 1)) == 0 ? n : 0;
}

bool digest_equal(const void *a, const void *b, size_t n) {
    return CRYPTO_memcmp(a, b, n) == 0;
}

void digest_wipe(void *bytes, size_t n) {
    OPENSSL_cleanse(bytes, n);
}
