/* query_compare.h: operators and values of a question, in SQL (contract/query.md). */
#ifndef MUSTER_STORE_QUERY_COMPARE_H
#define MUSTER_STORE_QUERY_COMPARE_H

#include "store/query_parts.h"
#include "store/query_text.h"

/* " < " and its like. */
const char *query_compare_sign(enum query_operator op);

/* A column that is text, but a number where both are: `is_number` and `number` are what it is then.
 */
void query_compare_column(struct query_text *c, const char *name, const char *is_number,
                          const char *number, const struct query_node *n);

#define QUERY_COMPARE_COLUMN(c, name, n)                                                           \
    query_compare_column(c, name, WHOLE_NUMBER(name), name "::numeric", n)

/* " and (...)" of the attribute a, as the test says; nothing for QUERY_EXISTS. */
void query_compare_value(struct query_text *c, const struct query_node *n);

/* The networks of a test, as a table: "unnest(...) n(first, last)". */
void query_compare_networks(struct query_text *c, const struct query_node *n);

/* What values can be besides text, as parameters: of all of them the numbers (an array), of one the
 * date. Null: no such thing. */
struct pg_arg query_compare_numbers(struct arena *arena, const struct query_node *n);
struct pg_arg query_compare_date(struct arena *arena, const struct query_value *value);

#endif
