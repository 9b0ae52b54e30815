/* reference.h: references in the texts of a transaction: ${0} is the name of the object that
 * operation 0 was answered with, ${0#/attrs/3/value} what its body has at that JSON pointer (RFC
 * 6901), $${ is ${ (contract/transactions.md). */
#ifndef MUSTER_SERVER_REFERENCE_H
#define MUSTER_SERVER_REFERENCE_H

#include "json/tree.h"

/* What the operations before this one were answered with. */
struct reference_answers {
    const struct json_node *const *bodies; /* each may be NULL: there was none. NULL: not known yet,
                                              a reference is filled with a character that no name
                                              has */
    size_t count;
    size_t *room; /* bytes that may still be filled in, which become fewer; NULL: as they are not
                     known, it is one for each */
};

/* The text with its references filled in, in the arena; the text itself where it has none. With
 * `encode` what they stand for is percent-encoded, as a part of a path. NULL: *message says what is
 * wrong, in the arena; where what is to be filled in has more bytes than there is room, *message is
 * NULL, too. */
const char *reference_fill(struct arena *arena, const char *text,
                           const struct reference_answers *answers, bool encode,
                           const char **message);

/* The same of all strings in a value, which is copied; keys stay as they are. */
const struct json_node *reference_fill_all(struct arena *arena, const struct json_node *node,
                                           const struct reference_answers *answers,
                                           const char **message);

#endif
