/* plain.c: texts that need no escapes, found eight bytes at a time. */
#include "json/plain.h"

#include <stdint.h>
#include <string.h>

/* True where any of eight bytes is a control character, a quote, a backslash or not ASCII. */
static bool any_special(uint64_t word) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t quote, backslash;

    quote = word ^ (ones * '"');
    backslash = word ^ (ones * '\\');
    /* A byte that is less than what is taken from it borrows into its top bit. */
    return ((word | ((word - ones * ' ') & ~word) | ((quote - ones) & ~quote) |
             ((backslash - ones) & ~backslash)) &
            (ones * 0x80)) != 0;
}

static uint64_t eight_bytes(const char *p) {
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

/* The first and the last four of four to eight bytes. */
static uint64_t four_and_four(const char *p, size_t n) {
    uint32_t first, last;

    memcpy(&first, p, sizeof(first));
    memcpy(&last, p + n - sizeof(last), sizeof(last));
    return (uint64_t)first << 32 | last;
}

bool json_is_plain(const char *text, size_t n) {
    if (n >= sizeof(uint64_t)) {
        for (size_t i = 0; i + sizeof(uint64_t) < n; i += sizeof(uint64_t))
            if (any_special(eight_bytes(text + i)))
                return false;
        return !any_special(eight_bytes(text + n - sizeof(uint64_t)));
    }
    if (n >= sizeof(uint32_t))
        return !any_special(four_and_four(text, n));
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] - 0x20u > 0x7Eu - 0x20u || text[i] == '"' || text[i] == '\\')
            return false;
    return true;
}
