/* compare.h: a text as what it can be compared with: a value of an attribute has the same text
 * whatever its datatype (contract/inventory.md, by-attr). */
#ifndef MUSTER_STORE_COMPARE_H
#define MUSTER_STORE_COMPARE_H

#include "store/pg_arg.h"

/* The value as a number, when that is how the number would be printed; else null. */
struct pg_arg compare_number(struct arena *arena, const char *value);

/* The value as a date, in any spelling that can be sent without a mask; else null. */
struct pg_arg compare_date(struct arena *arena, const char *value);

/* JSON as value_cast_json() writes it, however it is sent; else null. */
struct pg_arg compare_json(struct arena *arena, const char *value);

#endif
