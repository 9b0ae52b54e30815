/* num.c: integers from text, strictly, and to text. */
#include "base/num.h"

#include <assert.h>
#include <stddef.h>

/* After what Python's str.strip() takes off within ASCII. */
static const char *skip_spaces(const char *s) {
    while (*s == ' ' || (*s >= '\t' && *s <= '\r') || (*s >= '\x1c' && *s <= '\x1f'))
        s++;
    return s;
}

const char *num_digits(const char *text, const char *end, uint64_t *out) {
    uint64_t number = 0; /* *out may be part of the text, as far as the compiler knows */
    bool fits = true;

    for (; text != end && *text >= '0' && *text <= '9'; text++)
        fits = fits && !__builtin_mul_overflow(number, 10u, &number) &&
               !__builtin_add_overflow(number, (unsigned)(*text - '0'), &number);
    *out = fits ? number : UINT64_MAX;
    return text;
}

enum num_result num_parse(const char *text, int64_t *out) {
    return num_parse_range(text, INT64_MIN, INT64_MAX, out);
}

enum num_result num_parse_range(const char *text, int64_t minimum, int64_t maximum, int64_t *out) {
    const char *digits, *end;
    bool negative;
    uint64_t size;
    int64_t value;

    assert(text != NULL && out != NULL);
    text = skip_spaces(text);
    negative = *text == '-';
    digits = text + (*text == '-' || *text == '+');
    end = num_digits(digits, NULL, &size);
    if (end == digits || *skip_spaces(end) != '\0')
        return NUM_MALFORMED;
    if (size > (uint64_t)INT64_MAX + negative)
        return NUM_OUT_OF_RANGE;
    value = negative ? (int64_t)(0 - size) : (int64_t)size;
    if (value < minimum || value > maximum)
        return NUM_OUT_OF_RANGE;
    *out = value;
    return NUM_OK;
}

char *num_text(char out[NUM_DIGITS], uint64_t number, unsigned base) {
    char *at = out + NUM_DIGITS - 1;

    assert(base >= 10 && base <= 16);
    *at = '\0';
    do
        *--at = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    return at;
}
