/* network.c: networks, and whether an address that a front server reports is in one. */
#include "base/network.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/num.h"

enum { ADDRESS_MAX = 63 };

/* The part before `end` as an address with all of its bits. */
static bool parse_address(const char *text, size_t n, struct network *out) {
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291, 2.5.5.2 */
    char copy[ADDRESS_MAX + 1];

    if (n > ADDRESS_MAX)
        return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    *out = (struct network){.kind = NETWORK_IPV4, .bits = 32};
    if (inet_pton(AF_INET, copy, out->bytes) == 1)
        return true;
    *out = (struct network){.kind = NETWORK_IPV6, .bits = 128};
    if (inet_pton(AF_INET6, copy, out->bytes) != 1)
        return false;
    if (memcmp(out->bytes, mapped, sizeof(mapped)) == 0) {
        struct network plain = {.kind = NETWORK_IPV4, .bits = 32};

        memcpy(plain.bytes, out->bytes + sizeof(mapped), 4);
        *out = plain;
    }
    return true;
}

/* True if the first `bits` bits are equal. */
static bool same_bits(const unsigned char *a, const unsigned char *b, int bits) {
    int whole = bits / 8, rest = bits % 8;

    return memcmp(a, b, (size_t)whole) == 0 &&
           (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/* All bits after the prefix must be zero: "10.1.2.3/8" is a mistake. */
static bool has_zero_host(const struct network *n) {
    struct network masked = {.kind = n->kind};

    for (int i = 0; i < n->bits; i++)
        masked.bytes[i / 8] |= (unsigned char)(n->bytes[i / 8] & (0x80 >> i % 8));
    return memcmp(masked.bytes, n->bytes, sizeof(masked.bytes)) == 0;
}

bool network_parse(const char *text, struct network *out) {
    const char *slash = strchr(text, '/'), *end;
    uint64_t bits;

    *out = (struct network){.kind = NETWORK_ANY};
    if (strcmp(text, "*") == 0)
        return true;
    out->kind = NETWORK_UNIX;
    if (strcmp(text, "unix") == 0)
        return true;
    if (slash == NULL)
        return parse_address(text, strlen(text), out);
    if (!parse_address(text, (size_t)(slash - text), out))
        return false;
    end = num_digits(slash + 1, NULL, &bits);
    if (end == slash + 1 || *end != '\0' || bits > (uint64_t)out->bits)
        return false;
    out->bits = (int)bits;
    return has_zero_host(out);
}

bool network_contains(const struct network *network, const char *address) {
    struct network one;

    if (network->kind == NETWORK_ANY)
        return true;
    if (address == NULL)
        return false;
    if (network->kind == NETWORK_UNIX)
        return strncmp(address, "unix:", 5) == 0;
    /* A link-local address may carry the name of its interface. */
    return parse_address(address, strcspn(address, "%"), &one) && one.kind == network->kind &&
           same_bits(one.bytes, network->bytes, network->bits);
}
