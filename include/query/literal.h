/* literal.h: what a value of a question can be: text, number, size, date. */
#ifndef MUSTER_QUERY_LITERAL_H
#define MUSTER_QUERY_LITERAL_H

#include "query/query.h"

/* The text, and what it can be read as. What was in quotes is no number. */
struct query_value literal_read(struct arena *arena, const char *text, bool quoted);

#endif
