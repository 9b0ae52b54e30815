/* secret.h: what a token looks like, and its keyed hash. */
#ifndef MUSTER_SERVER_SECRET_H
#define MUSTER_SERVER_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* "mst_" + 16 digits of an id + "_" + 64 digits of secret (256 bits), all hexadecimal. The id is no
 * secret. Sizes include the NUL. */
#define SECRET_ID_SIZE   17
#define SECRET_SIZE      86
#define SECRET_HASH_SIZE 65
#define SECRET_KEY_SIZE  65

/* A new token and its id, from the kernel's random numbers. False: there are none. */
bool secret_make(char token[SECRET_SIZE], char id[SECRET_ID_SIZE]);

/* A new key for the configuration: 256 bits as hexadecimal digits. */
bool secret_make_key(char key[SECRET_KEY_SIZE]);

/* The id of what looks like a token; `n` bytes. False: it does not. */
bool secret_id(const char *text, size_t n, char id[SECRET_ID_SIZE]);

/* HMAC-SHA-256 (RFC 2104) of the token's `n` bytes under the key, as hexadecimal digits. False:
 * libcrypto failed. */
bool secret_hash(const char *key, const char *token, size_t n, char hash[SECRET_HASH_SIZE]);

/* Are two hashes the same? Takes the same time whatever they are. */
bool secret_hash_equal(const char *a, const char *b);

/* Overwrites a secret that is no longer needed. */
void secret_clear(void *bytes, size_t n);

#endif
