/* foreign.h: writes from pages of other sites. */
#ifndef MUSTER_SERVER_FOREIGN_H
#define MUSTER_SERVER_FOREIGN_H

#include "http/request.h"
#include "server/settings.h"

/* True for a write that a browser sends for a page of another site (Sec-Fetch-Site, or Origin, RFC
 * 6454): it may carry the password of a user who has not asked for it. False if the page's origin
 * is in cors_origins, or foreign_writes is set. A bearer token is sent by no browser on its own:
 * not for requests with one. */
bool foreign_write(const struct settings *settings, const struct request *request);

#endif
