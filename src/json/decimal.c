/* decimal.c: what the text of a JSON number says. */
#include "json/decimal.h"

#include <assert.h>

static const char *skip_digits(const char *s, const char *end) {
    while (s < end && *s >= '0' && *s <= '9')
        s++;
    return s;
}

static bool read_exponent(const char *s, const char *end, int64_t *exponent) {
    bool negative;

    if (*s != 'e' && *s != 'E')
        return false;
    s++;
    negative = s < end && *s == '-';
    s += s < end && (*s == '-' || *s == '+');
    if (s == end || skip_digits(s, end) != end)
        return false;
    /* No text is so long that more than this would matter. */
    for (; s < end && *exponent < INT64_MAX / 100; s++)
        *exponent = *exponent * 10 + (*s - '0');
    if (negative)
        *exponent = -*exponent;
    return true;
}

/* Leaves out the zeros at both ends of what stands from `s` to `end`. */
static void find_digits(struct json_decimal *d, const char *s, const char *point, const char *end) {
    while (s < end && (*s == '0' || *s == '.'))
        s++;
    while (end > s && (end[-1] == '0' || end[-1] == '.'))
        end--;
    d->digits = s;
    d->end = end;
    if (s == end) {
        d->negative = false;
        return;
    }
    d->count = end - s - (s < point && end > point);
    d->point = (s < point ? point - s : point + 1 - s) + d->exponent;
}

bool json_decimal_read(const char *text, size_t n, struct json_decimal *out) {
    const char *end = text + n;
    const char *whole = text + (n > 0 && *text == '-');
    const char *point = skip_digits(whole, end);
    const char *e = point;

    *out = (struct json_decimal){.negative = whole > text};
    if (point == whole || (*whole == '0' && point > whole + 1))
        return false;
    if (point < end && *point == '.') {
        e = skip_digits(point + 1, end);
        out->fraction = e - point - 1;
        if (out->fraction == 0)
            return false;
    }
    if (e < end && !read_exponent(e, end, &out->exponent))
        return false;
    find_digits(out, whole, point, e);
    return true;
}

bool json_decimal_equal(const char *a, size_t a_length, const char *b, size_t b_length) {
    struct json_decimal x;
    struct json_decimal y;

    if (!json_decimal_read(a, a_length, &x) || !json_decimal_read(b, b_length, &y)) {
        assert(false);
        return false;
    }
    if (x.negative != y.negative || x.point != y.point || x.count != y.count)
        return false;
    while (x.digits < x.end) {
        x.digits += *x.digits == '.';
        y.digits += *y.digits == '.';
        if (*x.digits++ != *y.digits++)
            return false;
    }
    return true;
}
