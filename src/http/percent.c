/* percent.c: %41 to A. */
#include "http/percent.h"

#include <assert.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool percent_decode(const char *text, size_t n, bool form, char *out, size_t *length) {
    size_t i;
    size_t to = 0;

    assert(out != NULL && length != NULL && (text != NULL || n == 0));
    for (i = 0; i < n; i++) {
        char c = text[i];

        if (c == '%') {
            int high = n - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;

            if (low < 0 && !form)
                return false;
            if (low >= 0) {
                c = (char)(high << 4 | low);
                i += 2;
            }
        } else if (c == '+' && form) {
            c = ' ';
        }
        out[to++] = c;
    }
    out[to] = '\0';
    *length = to;
    return true;
}
