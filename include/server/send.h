/* send.h: what is sent past libfcgi: long pieces of a response, and what breaks one off.
 */
#ifndef MUSTER_SERVER_SEND_H
#define MUSTER_SERVER_SEND_H

#include <stdbool.h>
#include <stddef.h>

/* So many bytes as records of the request's output, into a socket that waits. Where the socket has
 * a time-out it is for each time that nothing can be sent. False: not all could be sent. */
bool send_output(int fd, unsigned request_id, const char *bytes, size_t n);

/* The end of the connection alone is not enough: nginx takes it for the end of the response, unless
 * it was configured to keep connections. A record of an unknown version is an error to all. */
void send_break(int fd);

#endif
