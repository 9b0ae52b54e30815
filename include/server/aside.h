/* aside.h: requests that come while every worker waits for the database. Those that need no
 * database, as /__live__, are served at once, in the middle of the wait; others are set aside and
 * come next. */
#ifndef MUSTER_SERVER_ASIDE_H
#define MUSTER_SERVER_ASIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "server/fcgi.h"
#include "server/settings.h"

struct aside;
struct cluster;

/* For this worker; from now on connections are looked for while its store waits. Of `capacity`
 * requests, at least 1, all but one can be set aside; more are refused with 503. `ends` says that
 * the worker is to end: it then takes none. All is borrowed. NULL if libfcgi can't start (logged).
 */
struct aside *aside_new(const struct settings *settings, struct cluster *cluster, int listen_fd,
                        size_t capacity, bool (*ends)(void *context), void *context);
void aside_free(struct aside **aside);

/* Requests that were set aside. */
size_t aside_count(const struct aside *aside);

/* The one that came first, in exchange for a slot that is free; NULL: there is none. */
struct fcgi *aside_take(struct aside *aside, struct fcgi *free);

#endif
