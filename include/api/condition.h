/* condition.h: entity tags of objects, and requests on condition of them (RFC 9110 section 13,
 * contract/transactions.md). Functions that check return 0, or the status of the response that they
 * sent. */
#ifndef MUSTER_API_CONDITION_H
#define MUSTER_API_CONDITION_H

#include "api/context.h"

/* Reads one header, "If-Match" in HTTP_IF_MATCH; what a front server that compresses does to tags
 * is undone. 400: it can't be read, or there are two: to ignore it would be a lost update. */
int condition_read(struct context *c, const char *header, const char *variable,
                   struct etag_list *out);

/* Both headers, into the context. */
int condition_read_all(struct context *c);

/* Was one of them sent? Then a write has to hold the object against others (LOCK_CHANGE). */
bool condition_given(const struct context *c);

/* Before a read shows this object, whole, its path or its attributes: sets ETag and Vary. 304: the
 * client has this representation; 412: If-Match names another state. */
int condition_shown(struct context *c, const struct object *object);

/* Before a list is read (context.list_vary). 304: nothing has been changed since the client got it.
 */
int condition_list(struct context *c);

/* Where it is known that there is a list, before it is read. 304: If-None-Match is *. */
int condition_listed(struct context *c);

/* Before a write changes this object, which it holds. 412, with the current tag. */
int condition_check(struct context *c, const struct ref *ref);

/* After objects were created unless they existed (store_create), and If-None-Match: * does not
 * allow that. 412. */
int condition_check_created(struct context *c, const struct ref *refs, const bool *created,
                            size_t count);

#endif
