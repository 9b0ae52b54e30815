/* accept.h: the header Accept: which of several media types a client prefers (RFC 9110 12.5.1). */
#ifndef MUSTER_HTTP_ACCEPT_H
#define MUSTER_HTTP_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>

/* The index in `types`, which ends with NULL, of the type with the greatest weight ("q"), of equal
 * ones that which the header names first. The first of `types` is the usual one: it is what ranges
 * of types (text/ *) stand for, and what no header, NULL, prefers, or one that names no other with
 * a weight above 0. Case does not matter, and no parameter but the weight does. */
size_t accept_preferred(const char *header, const char *const *types);

/* True if `header` names the type itself, and not with the weight 0. */
bool accept_names(const char *header, const char *type);

#endif
