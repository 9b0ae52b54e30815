/* attribute_numbers.h: numbers of attributes that a request leaves to the server: the next one of a
 * key, and that of a resource (contract/coexistence.md, last paragraphs). */
#ifndef MUSTER_API_ATTRIBUTE_NUMBERS_H
#define MUSTER_API_ATTRIBUTE_NUMBERS_H

#include "api/attribute_input.h"

/* True if one of them does. */
bool attribute_numbers_depend(const struct context *c, const struct attribute_raws *raws);

/* Fills them in; `object` with its attributes is locked. 0, or the status of what was sent: 409 if
 * the object does not have the resource. */
int attribute_numbers_resolve(struct context *c, const struct object *object,
                              struct attribute_input *input);

#endif
