/* hash.c: a quick hash of 64 bits (FNV-1a). */
#include "base/hash.h"

#include <string.h>

#define PRIME 0x100000001B3u

uint64_t hash_add_bytes(uint64_t hash, const char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * PRIME;
    return hash;
}

uint64_t hash_add(uint64_t hash, const char *text) {
    const char *bytes = text != NULL ? text : "\1";

    return hash_add_bytes(hash, bytes, strlen(bytes) + 1);
}
