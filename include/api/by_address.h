/* by_address.h: handler of /by-address/ADDRESS: who holds an address, from which manager, and which
 * managers can give it (contract/coexistence.md, last paragraphs). */
#ifndef MUSTER_API_BY_ADDRESS_H
#define MUSTER_API_BY_ADDRESS_H

#include "api/context.h"

int by_address_show(struct context *c);

#endif
