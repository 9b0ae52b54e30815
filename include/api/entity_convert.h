/* entity_convert.h: the actions rename and driver of POST /entity/{driver}/{name}
 * (contract/transactions.md, "Rename and move"). */
#ifndef MUSTER_API_ENTITY_CONVERT_H
#define MUSTER_API_ENTITY_CONVERT_H

#include "api/context.h"

/* 200 and the object under its new name `to`; 409: it is taken; 400: it is none. */
int entity_convert_rename(struct context *c);

/* 200 and the object with the driver `to` and its type; 409: what it has is not allowed for that;
 * 412: there is no such driver. */
int entity_convert_driver(struct context *c);

#endif
