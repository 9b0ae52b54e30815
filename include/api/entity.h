/* entity.h: handlers of /entity (contract/inventory.md section 3). */
#ifndef MUSTER_API_ENTITY_H
#define MUSTER_API_ENTITY_H

#include "api/context.h"

int entity_list(struct context *c);
int entity_create(struct context *c);
int entity_ask(struct context *c); /* before entity_show */
int entity_show(struct context *c);
int entity_contents(struct context *c);
int entity_delete(struct context *c);
int entity_action(struct context *c);

#endif
