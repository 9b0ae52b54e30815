/* supervisor.h: the process that starts the workers and sees to it that they are there. */
#ifndef MUSTER_SERVER_SUPERVISOR_H
#define MUSTER_SERVER_SUPERVISOR_H

#include <stddef.h>

#include "server/settings.h"

/* Listens, starts the workers and replaces those that die, until TERM or INT: then requests in
 * flight finish within drain_timeout. HUP reads the files again and replaces the workers, USR1
 * opens the log again. `foreground` false: goes on as a daemon unless the socket was inherited.
 * Takes the settings over (*settings becomes NULL). Returns the exit status. */
int supervisor_run(struct settings **settings, const char *const *files, size_t file_count,
                   bool foreground);

#endif
