/* percent.h: %41 to A (RFC 3986 section 2.1). */
#ifndef MUSTER_HTTP_PERCENT_H
#define MUSTER_HTTP_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes the `n` bytes at `text` once, to `out` (which holds n + 1 bytes; may be `text` itself),
 * ends them with a NUL and puts their number in *length. As in forms, where clients send strptime's
 * masks as they are: with `form` a '+' becomes a space and a '%' without two hexadecimal digits
 * stays. Without it such a '%' gives false. */
bool percent_decode(const char *text, size_t n, bool form, char *out, size_t *length);

#endif
