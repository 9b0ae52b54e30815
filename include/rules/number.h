/* number.h: numbers that came back from PostgreSQL longer than a client may send them. */
#ifndef MUSTER_RULES_NUMBER_H
#define MUSTER_RULES_NUMBER_H

#include "base/arena.h"
#include "json/reader.h"

/* PostgreSQL writes exponents out, so that 1.5e-308 with many digits becomes longer than a client
 * may send it. Gives the numbers in the tree that have more than `characters` the shortest text of
 * the same value with an exponent between -`exponent` and `exponent`. What was accepted with these
 * limits keeps to them then: a client can send back what it got. Others stay as they are. New texts
 * are in the arena. */
void numbers_shorten(struct arena *arena, struct json_node *node, size_t characters, int exponent);

#endif
