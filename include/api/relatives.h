/* relatives.h: handlers of what is around an object: /entity/DRIVER/NAME/parents and
 * /entity/DRIVER/NAME/references (contract/coexistence.md, last paragraphs). */
#ifndef MUSTER_API_RELATIVES_H
#define MUSTER_API_RELATIVES_H

#include "api/context.h"

int relatives_parents(struct context *c);
int relatives_references(struct context *c);

#endif
