/* preconditions.h: If-Match and If-None-Match, as far as they can be obeyed. */
#ifndef MUSTER_SERVER_PRECONDITIONS_H
#define MUSTER_SERVER_PRECONDITIONS_H

#include "server/exchange.h"

/* Reads both (RFC 9110 section 13.1) for the handler; those of preferences are read by their
 * handlers. 0, or the status of the refusal: 400 for one that is not valid or can't be obeyed, 428
 * for a change without one by those of the setting require_conditions. */
int preconditions_check(struct exchange *x);

#endif
