/* utf8.h: validity and length of UTF-8. */
#ifndef MUSTER_BASE_UTF8_H
#define MUSTER_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* True if the `n` bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing
 * beyond U+10FFFF) without a NUL. */
bool utf8_valid(const char *bytes, size_t n);

/* How many of the `n` bytes are valid in that way before the first fault. */
size_t utf8_span(const char *bytes, size_t n);

/* Number of code points in valid, NUL-terminated UTF-8. */
size_t utf8_length(const char *text);

/* True if valid, NUL-terminated UTF-8 has a control character (U+0000..001F, 007F..009F). */
bool utf8_has_control(const char *text);

#endif
