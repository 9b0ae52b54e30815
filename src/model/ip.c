/* ip.c: IPv4 addresses, masks and ranges. */
#include "model/ip.h"

#include <assert.h>
#include <stddef.h>

#include "base/num.h"

/* A decimal number of 0..maximum without leading zeros; *text moves to what follows it. */
static bool take_number(const char **text, uint64_t maximum, uint64_t *out) {
    const char *digits = *text;

    *text = num_digits(digits, NULL, out);
    return *text > digits && *out <= maximum && (*digits != '0' || *text == digits + 1);
}

bool ip_parse(const char *text, uint32_t *out) {
    uint64_t part;
    uint32_t address = 0;
    int i;

    assert(text != NULL && out != NULL);
    for (i = 0; i < 4; i++) {
        if ((i > 0 && *text++ != '.') || !take_number(&text, 255, &part))
            return false;
        address = address << 8 | (uint32_t)part;
    }
    if (*text != '\0')
        return false;
    *out = address;
    return true;
}

bool ip_parse_any(const char *text, uint32_t *out) {
    const char *p = text;
    uint64_t number;

    assert(text != NULL && out != NULL);
    if (!take_number(&p, UINT32_MAX, &number) || *p != '\0')
        return ip_parse(text, out);
    *out = (uint32_t)number;
    return true;
}

static uint32_t mask_of(unsigned bits) {
    return bits == 0 ? 0 : UINT32_MAX << (32 - bits);
}

bool ip_parse_netmask(const char *text, uint32_t *mask) {
    const char *p = text;
    uint64_t bits;
    uint32_t dotted;

    assert(text != NULL && mask != NULL);
    p += *p == '/';
    if (take_number(&p, 32, &bits) && *p == '\0') {
        *mask = mask_of((unsigned)bits);
        return true;
    }
    if (!ip_parse(text, &dotted) || dotted != mask_of((unsigned)ip_netmask_bits(dotted)))
        return false;
    *mask = dotted;
    return true;
}

int ip_netmask_bits(uint32_t mask) {
    return __builtin_popcount(mask);
}

const char *ip_text(struct arena *arena, uint32_t address) {
    return arena_printf(arena, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                        address >> 8 & 255, address & 255);
}

int32_t ip_to_stored(uint32_t address) {
    return (int32_t)((int64_t)address + INT32_MIN);
}

uint32_t ip_from_stored(int32_t stored) {
    return (uint32_t)((int64_t)stored - INT32_MIN);
}

void ip_range(uint32_t base, uint32_t mask, uint32_t *first, uint32_t *last) {
    assert(first != NULL && last != NULL);
    *first = base & mask;
    *last = *first | ~mask;
    if (*last - *first >= 2) {
        ++*first;
        --*last;
    }
}
