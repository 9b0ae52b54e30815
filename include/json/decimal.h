/* decimal.h: what the text of a JSON number says, on its digits: nothing passes through a double.
 */
#ifndef MUSTER_JSON_DECIMAL_H
#define MUSTER_JSON_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value is 0.DIGITS times ten to the power of `point`; zero has no digits, sign and point. */
struct json_decimal {
    bool negative;
    const char *digits; /* in the text, from the first digit that is not 0 ... */
    const char *end;    /* ... to after the last one; the decimal point may be among them */
    int64_t count;      /* of these digits */
    int64_t point;
    int64_t fraction; /* digits written after the decimal point */
    int64_t exponent; /* as written, 0 without; larger ones than 10^16 are no longer exact */
};

/* Reads the `n` bytes at `text`. False: that is not a JSON number (RFC 8259 section 6). */
bool json_decimal_read(const char *text, size_t n, struct json_decimal *out);

/* True if two JSON numbers have the same value. */
bool json_decimal_equal(const char *a, size_t a_length, const char *b, size_t b_length);

#endif
