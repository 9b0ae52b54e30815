/* num.c: integers from text, strictly, and to text. */
#include "base/num.h"

#include <assert.h>
#include <stddef.h>

/* What Python's str.strip() takes off within ASCII. */
static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f');
}

static const char *skip_spaces(const char *s) {
    while (is_space(*s))
        s++;
    return s;
}

enum num_result num_parse(const char *text, int64_t *out) {
    return num_parse_range(text, INT64_MIN, INT64_MAX, out);
}

enum num_result num_parse_range(const char *text, int64_t minimum, int64_t maximum, int64_t *out) {
    const char *s;
    const char *digits;
    bool negative;
    bool too_far = false;
    int64_t value = 0; /* kept negative: that side reaches one further */

    assert(text != NULL && out != NULL);
    s = skip_spaces(text);
    negative = *s == '-';
    if (*s == '-' || *s == '+')
        s++;
    for (digits = s; *s >= '0' && *s <= '9'; s++)
        too_far = too_far || __builtin_mul_overflow(value, 10, &value) ||
                  __builtin_sub_overflow(value, *s - '0', &value);
    if (s == digits || *skip_spaces(s) != '\0')
        return NUM_MALFORMED;
    if (!negative)
        too_far = too_far || __builtin_sub_overflow((int64_t)0, value, &value);
    if (too_far || value < minimum || value > maximum)
        return NUM_OUT_OF_RANGE;
    *out = value;
    return NUM_OK;
}

char *num_text(char room[NUM_DIGITS], uint64_t number, unsigned base) {
    char *at = room + NUM_DIGITS - 1;

    assert(base >= 10 && base <= 16);
    *at = '\0';
    do
        *--at = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    return at;
}
