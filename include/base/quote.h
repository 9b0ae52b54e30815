/* quote.h: foreign text inside a message. */
#ifndef MUSTER_BASE_QUOTE_H
#define MUSTER_BASE_QUOTE_H

#include <stddef.h>

#include "base/arena.h"

/* The `n` bytes at `text` as Python's repr() writes a string: in single quotes (double ones if it
 * has single ones only), control characters, backslashes and bytes that are not UTF-8 escaped, so
 * that the result is always valid UTF-8 on one line. What is longer than QUOTE_LIMIT bytes ends
 * with "..." after the closing quote. */
#define QUOTE_LIMIT 256
const char *quote_bytes(struct arena *arena, const char *text, size_t n);

/* The same for a C string. */
const char *quote(struct arena *arena, const char *text);

#endif
