/* attribute_rows.h: the attributes of an object, found, sorted and shown for all of /attribute. */
#ifndef MUSTER_API_ATTRIBUTE_ROWS_H
#define MUSTER_API_ATTRIBUTE_ROWS_H

#include "api/context.h"

/* KEY, SUBKEY and NUMBER; NULL: any. RC_INVALID with a message if the number is not one. */
struct verdict attribute_rows_filter(struct context *c, const char *key, const char *subkey,
                                     const char *number, struct attr_filter *filter);

/* Answers with the object's attributes; those whose keys begin with "_" only with `hidden`. Returns
 * the status. */
int attribute_rows_show(struct context *c, int status, const struct object *object, bool hidden);

/* Answers with all visible attributes of the request's object, as they are now. */
int attribute_rows_answer(struct context *c, int status);

/* For qsort and bsearch of pointers to attributes: by key, subkey and number, missing ones
 * included, which is where an attribute is; the same, and of those in one place the first of their
 * array first; by place and value. */
int attribute_rows_by_place(const void *x, const void *y);
int attribute_rows_by_place_in_order(const void *x, const void *y);
int attribute_rows_by_value(const void *x, const void *y);

/* Pointers to them in that order, in the arena. */
const struct attr **attribute_rows_sorted(struct arena *arena, const struct attr *attrs,
                                          size_t count, int (*compare)(const void *, const void *));

/* The number under which the object has this resource: of the attribute `key` without subkey that
 * has this value, as its text or, of an address, dotted. False: it has none. */
bool attribute_rows_number_of(struct arena *arena, const struct object *object, const char *key,
                              const char *resource, int32_t *number);

/* Keeps of the attributes, which are those of the key, the ones with the number of that resource,
 * and this subkey (NULL: any); none if the object does not have it. */
void attribute_rows_keep_resource(struct arena *arena, struct object *object, const char *key,
                                  const char *subkey, const char *resource);

#endif
