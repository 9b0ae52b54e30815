/* num.h: integers from text, strictly, and to text. */
#ifndef MUSTER_BASE_NUM_H
#define MUSTER_BASE_NUM_H

#include <stdbool.h>
#include <stdint.h>

enum num_result { NUM_OK, NUM_MALFORMED, NUM_OUT_OF_RANGE };

/* What Python's int() takes in base 10: surrounding white space, one sign, digits, single
 * underscores between digits are NOT taken. Leading zeros are. The result goes to *out only with
 * NUM_OK. */
enum num_result num_parse(const char *text, int64_t *out);

/* The same within minimum..maximum, else NUM_OUT_OF_RANGE. */
enum num_result num_parse_range(const char *text, int64_t minimum, int64_t maximum, int64_t *out);

/* Reads decimal digits from `text` on, before `end` (NULL: its NUL ends it), to *out; UINT64_MAX:
 * that many or more. What follows them: `text` itself if there are none. */
const char *num_digits(const char *text, const char *end, uint64_t *out);

/* Room for a number's digits in any base from 10 on, a sign before them, and a NUL. */
enum { NUM_DIGITS = 24 };

/* Writes the number's digits, in base 10 to 16, so that they end at the end of `out`; returns
 * where they begin. (printf takes ten times as long.) */
char *num_text(char out[NUM_DIGITS], uint64_t number, unsigned base);

#endif
