/* auth.h: authentication and authorization, one of dispatch's checks. */
#ifndef MUSTER_SERVER_AUTH_H
#define MUSTER_SERVER_AUTH_H

#include "server/exchange.h"

/* To be called once the route is found and before anything else of the request is looked at. Sets
 * request.identity (the owner of a token, or what the front server says; NULL: nobody we know) and,
 * where the route is about somebody's own documents, request.user; says in the context whether the
 * managers are theirs, too, and in the exchange whether they may write only. Returns 0, or the
 * status that was answered: 400 for an identity that was handed over twice or is no text, 401 for
 * nobody we know or a token that is not valid (RFC 6750, section 3.1), 403 for somebody who may
 * not, 503 where a token can't be checked. */
int auth_admit(struct exchange *x);

/* Writes down that tokens were used, each at most once a minute: to be called when the answers are
 * out and nobody waits. */
void auth_note_use(struct worker_state *w);

#endif
