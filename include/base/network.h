/* network.h: networks, and whether an address that a front server reports is in one. */
#ifndef MUSTER_BASE_NETWORK_H
#define MUSTER_BASE_NETWORK_H

#include <stdbool.h>

enum network_kind { NETWORK_ANY, NETWORK_UNIX, NETWORK_IPV4, NETWORK_IPV6 };

struct network {
    enum network_kind kind;
    unsigned char bytes[16]; /* of the address, in network order; an IPv4 one has four */
    int bits;                /* how many of them count */
};

/* Reads "10.0.0.0/8", "2001:db8::/32", a single address, "unix" (clients of the front server's own
 * Unix socket) or "*" (any client). False: not a network, or bits after its length are set. */
bool network_parse(const char *text, struct network *out);

/* True if `address` (a REMOTE_ADDR; NULL or not an address: only in "*") is in the network. An IPv4
 * address counts as one however it is written, "::ffff:10.0.0.1" too. */
bool network_contains(const struct network *network, const char *address);

#endif
