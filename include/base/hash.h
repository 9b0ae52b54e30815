/* hash.h: quick hashes, for what nobody gains by making collide: FNV-1a with 64 bits, and
 * MurmurHash2, which others use. */
#ifndef MUSTER_BASE_HASH_H
#define MUSTER_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START 0xCBF29CE484222325u

/* The hash so far with a text added. Texts have no NUL, so that others or otherwise divided ones
 * give another hash; NULL is a text of its own. */
uint64_t hash_add(uint64_t hash, const char *text);

/* The same with bytes, whatever they are: how they are divided has no say. */
uint64_t hash_add_bytes(uint64_t hash, const char *bytes, size_t n);

/* MurmurHash2 with 32 bits and the seed 0, as nginx has it (split_clients). */
uint32_t hash_murmur2(const char *bytes, size_t n);

#endif
