/* digest.h: SHA-256, plain and keyed (libcrypto, which only digest.c knows). */
#ifndef MUSTER_BASE_DIGEST_H
#define MUSTER_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { DIGEST_BYTES = 32, DIGEST_HEX_SIZE = 2 * DIGEST_BYTES + 1 };

/* A SHA-256 (FIPS 180-4) of bytes that come piece by piece; one at a time in a process. Pieces are
 * joined without a mark between them. digest_end: false, and no result, if libcrypto failed. */
void digest_begin(void);
void digest_add(const void *bytes, size_t n);
bool digest_end(unsigned char out[DIGEST_BYTES]);

/* HMAC-SHA-256 (RFC 2104) under a key that is a C string. False: libcrypto failed. */
bool digest_keyed(const char *key, const void *bytes, size_t n, unsigned char out[DIGEST_BYTES]);

/* Lower-case hexadecimal digits of `n` bytes and a NUL. */
void digest_hex(const unsigned char *bytes, size_t n, char *out);

/* The base64url digits (RFC 4648 section 5, without padding) of `n` bytes and a NUL: 4 for each 3
 * bytes, 2 or 3 for a rest of 1 or 2. */
void digest_base64url(const unsigned char *bytes, size_t n, char *out);

/* The bytes of `length` such digits, at most `size`. Returns how many; 0: there are other
 * characters, it is no whole number of bytes, or more than `size`. */
size_t digest_from_base64url(const char *digits, size_t length, unsigned char *out, size_t size);

/* Are they the same? Takes the same time whatever they are. */
bool digest_equal(const void *a, const void *b, size_t n);

/* Overwrites a secret that is no longer needed. */
void digest_wipe(void *bytes, size_t n);

#endif
