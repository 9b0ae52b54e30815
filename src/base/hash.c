/* hash.c: a quick hash of 64 bits (FNV-1a). */
#include "base/hash.h"

#include <stddef.h>

#define PRIME 0x100000001B3u

uint64_t hash_add(uint64_t hash, const char *text) {
    for (const char *p = text != NULL ? text : "\1"; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * PRIME;
    return hash * PRIME;
}
