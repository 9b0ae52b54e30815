/* parameters.h: the parameters of a request, as its row of the route table takes them. */
#ifndef MUSTER_SERVER_PARAMETERS_H
#define MUSTER_SERVER_PARAMETERS_H

#include "server/exchange.h"
#include "json/tree.h"

/* Sets the request's parameters: of the query, then of the body, if it is a form (also without
 * Content-Type) or a JSON object whose members they are. A parameter that the row's operation does
 * not name, a boolean that is none, and a body that it can't take are refused. Returns 0, or the
 * status of the refusal that was sent. The body has been read. */
int parameters_read(struct exchange *x);

/* Instead of that, for an operation of a transaction: they are the members of this object. */
int parameters_take(struct exchange *x, const struct json_node *object);

#endif
