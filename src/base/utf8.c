/* utf8.c: validity and length of UTF-8. */
#include "base/utf8.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* Length of the well-formed sequence at `p` that begins with a byte above 0x7F, 0 if it is not
 * one (RFC 3629 section 4; the second byte's range depends on the first one). */
static size_t sequence(const unsigned char *p, const unsigned char *end) {
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t length;
    size_t i;

    if (p[0] >= 0xC2 && p[0] <= 0xDF) {
        length = 2;
    } else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        length = 3;
        low = p[0] == 0xE0 ? 0xA0 : 0x80;
        high = p[0] == 0xED ? 0x9F : 0xBF;
    } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        length = 4;
        low = p[0] == 0xF0 ? 0x90 : 0x80;
        high = p[0] == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if ((size_t)(end - p) < length || p[1] < low || p[1] > high)
        return 0;
    for (i = 2; i < length; i++)
        if (p[i] < 0x80 || p[i] > 0xBF)
            return 0;
    return length;
}

/* True if eight bytes are all 0x01..0x7F: most text is. */
static bool plain_eight(const unsigned char *p) {
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    /* A zero byte borrows into its top bit; a byte above 0x7F has it set. */
    return ((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) == 0;
}

/* Skips the bytes 0x01..0x7F at `p`. */
static const unsigned char *skip_plain(const unsigned char *p, const unsigned char *end) {
    while (end - p >= 8 && plain_eight(p))
        p += 8;
    while (p < end && *p - 1u < 0x7Fu)
        p++;
    return p;
}

size_t utf8_span(const char *bytes, size_t n) {
    const unsigned char *p = (const unsigned char *)bytes;
    const unsigned char *end;
    size_t length;

    assert(bytes != NULL || n == 0);
    if (n == 0)
        return 0;
    end = p + n;
    for (p = skip_plain(p, end); p < end && *p != '\0'; p = skip_plain(p + length, end)) {
        length = sequence(p, end);
        if (length == 0)
            break;
    }
    return n - (size_t)(end - p);
}

bool utf8_valid(const char *bytes, size_t n) {
    return utf8_span(bytes, n) == n;
}

size_t utf8_length(const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    size_t length = 0;

    assert(text != NULL);
    for (; *p != '\0'; p++)
        length += (*p & 0xC0) != 0x80;
    return length;
}

bool utf8_has_control(const char *text) {
    const unsigned char *p = (const unsigned char *)text;

    assert(text != NULL);
    for (; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7F || (*p == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F))
            return true;
    return false;
}
