/* prefs_document.h: what PostgreSQL makes of the JSON in a preferences document: it writes
 * exponents out. */
#ifndef MUSTER_RULES_PREFS_DOCUMENT_H
#define MUSTER_RULES_PREFS_DOCUMENT_H

#include "json/tree.h"

/* Bytes of the value as PostgreSQL prints it (", " and ": ", numbers without exponents), which is
 * what limits and quotas count. */
size_t prefs_document_size(const struct json_node *node);

/* Gives the numbers in the tree that have more than `characters` the shortest text of the same
 * value with an exponent between -`exponent` and `exponent`: what was accepted with these limits
 * keeps to them, and a client can send back what it got. New texts are in the arena. */
void prefs_document_shorten(struct arena *arena, struct json_node *node, size_t characters,
                            int exponent);

#endif
