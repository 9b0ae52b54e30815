/* auth.h: authentication and authorization, one of dispatch's checks. */
#ifndef MUSTER_SERVER_AUTH_H
#define MUSTER_SERVER_AUTH_H

#include "server/exchange.h"

/* To be called once the route is found and before anything else of the request is examined. Sets
 * request.identity (the owner of a token, or what the front server says; NULL: unknown) and, where
 * the route is about a user's own documents, request.user; in the context whether the client may
 * create and delete managers, in the exchange whether it may only write. Returns 0, or the status
 * of the response: 400 for an identity that was passed twice or is not valid, 401 for an unknown
 * client or a token that is not valid (RFC 6750, section 3.1), 403 for a client without the role
 * and a write of another site's page, 421 (RFC 9110, section
 * 15.5.20) for the preferences of a user of another shard, 503 if a token can't be checked. */
int auth_admit(struct exchange *x);

/* The part of it that is about the route: whether the roles of the client, which are in the
 * exchange, allow it. 0, or 401 or 403. For each operation of a transaction. */
int auth_permit(struct exchange *x);

/* Records that tokens were used, each at most once a minute: to be called when the responses have
 * been sent and no request waits. */
void auth_note_use(struct worker_state *w);

#endif
