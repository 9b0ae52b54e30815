/* ip.h: IPv4 addresses and ranges, and how clusto stores them (address - 2^31 as a signed int).
 */
#ifndef MUSTER_MODEL_IP_H
#define MUSTER_MODEL_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/* Dotted quad, each part 0..255 without leading zeros; nothing before or after it. */
bool ip_parse(const char *text, uint32_t *out);

/* Dotted, or the plain unsigned integer 0..2^32-1. */
bool ip_parse_any(const char *text, uint32_t *out);

/* "255.255.255.0" or a prefix length "24" or "/24" to a mask; false if its ones are not contiguous.
 */
bool ip_parse_netmask(const char *text, uint32_t *mask);

int ip_netmask_bits(uint32_t mask);
const char *ip_text(struct arena *arena, uint32_t address);

/* The stored form and back. */
int32_t ip_to_stored(uint32_t address);
uint32_t ip_from_stored(int32_t stored);

/* The addresses for hosts: all but network and broadcast; of a /31 both, of a /32 its one (RFC 3021).
 */
void ip_range(uint32_t base, uint32_t mask, uint32_t *first, uint32_t *last);

#endif
