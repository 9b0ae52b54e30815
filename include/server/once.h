/* once.h: one request from the CGI environment and standard input to standard output. */
#ifndef MUSTER_SERVER_ONCE_H
#define MUSTER_SERVER_ONCE_H

#include "server/settings.h"

/* Serves the request that the environment describes (RFC 3875), its body read from standard input
 * by CONTENT_LENGTH. Returns the exit status: 0 if a whole response was written, 1 if it was
 * truncated. */
int once_serve(const struct settings *settings);

#endif
