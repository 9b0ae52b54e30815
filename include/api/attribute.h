/* attribute.h: handlers of /attribute (contract/inventory.md section 4). */
#ifndef MUSTER_API_ATTRIBUTE_H
#define MUSTER_API_ATTRIBUTE_H

#include "api/context.h"

int attribute_ask(struct context *c); /* before attribute_show */
int attribute_show(struct context *c);
int attribute_add(struct context *c);
int attribute_set(struct context *c);
int attribute_delete(struct context *c);

#endif
