/* hash.c: quick hashes: FNV-1a with 64 bits, MurmurHash2 with 32. */
#include "base/hash.h"

#include <string.h>

#define PRIME  0x100000001B3u
#define MURMUR 0x5BD1E995u

uint64_t hash_add_bytes(uint64_t hash, const char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * PRIME;
    return hash;
}

uint64_t hash_add(uint64_t hash, const char *text) {
    const char *bytes = text != NULL ? text : "\1";

    return hash_add_bytes(hash, bytes, strlen(bytes) + 1);
}

/* The next four bytes, the lowest first. */
static uint32_t murmur2_word(const char *bytes) {
    const unsigned char *b = (const unsigned char *)bytes;
    uint32_t word = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;

    word *= MURMUR;
    return (word ^ word >> 24) * MURMUR;
}

uint32_t hash_murmur2(const char *bytes, size_t n) {
    uint32_t hash = (uint32_t)n;

    for (; n >= 4; bytes += 4, n -= 4)
        hash = hash * MURMUR ^ murmur2_word(bytes);
    for (size_t i = 0; i < n; i++)
        hash ^= (uint32_t)(unsigned char)bytes[i] << 8 * i;
    if (n > 0)
        hash *= MURMUR;
    hash = (hash ^ hash >> 13) * MURMUR;
    return hash ^ hash >> 15;
}
