/* target.h: what a request is about: its path and method, as the table of routes knows them. */
#ifndef MUSTER_SERVER_TARGET_H
#define MUSTER_SERVER_TARGET_H

#include "server/exchange.h"

/* After the path was read with this result, and the route was looked for. 0, or the status of the
 * refusal: 400, 404, 405, 414. */
int target_check(struct exchange *x, enum path_result path);

#endif
