/* show_repeats.h: how much an answer shows more than once. */
#ifndef MUSTER_API_SHOW_REPEATS_H
#define MUSTER_API_SHOW_REPEATS_H

#include "api/context.h"

/* Checks that objects which are shown more than once stay within max_repeated_rows: a short request
 * that names a large one again and again must not have a gigabyte for an answer
 * (contract/faults.md 38). 0, or the status of what was answered. */
int show_repeats_check(struct context *c, const struct object *objects, size_t count);

#endif
