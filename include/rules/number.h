/* number.h: numbers that came back from PostgreSQL longer than a client may send them. */
#ifndef MUSTER_RULES_NUMBER_H
#define MUSTER_RULES_NUMBER_H

#include "base/arena.h"
#include "json/reader.h"

/* Limits on a number in a request (contract/preferences.md): characters, and the exponent in either
 * direction. */
#define NUMBER_CHARACTERS 400
#define NUMBER_EXPONENT   308

/* PostgreSQL writes exponents out, so that 1.5e-308 with many digits becomes longer than
 * NUMBER_CHARACTERS. Gives such numbers in the tree the shortest text of the same value that keeps
 * to both limits, which there always is for what was accepted once: a client can send back what it
 * got. Others stay as they are. New texts are in the arena. */
void numbers_shorten(struct arena *arena, struct json_node *node);

#endif
