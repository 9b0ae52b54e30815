/* write_limit.h: some workers are left for reads while writes wait, as they all do where a standby
 * that has to confirm them is gone. */
#ifndef MUSTER_SERVER_WRITE_LIMIT_H
#define MUSTER_SERVER_WRITE_LIMIT_H

#include <stdbool.h>

#include "server/settings.h"

/* A write of this worker begins; it is counted until write_limit_end, or the worker's death. False:
 * there are as many as may be, and no other has begun or ended for half a second, or a second has
 * passed: nothing is counted. */
bool write_limit_begin(const struct settings *settings);

/* The same, but false at once: for writes of our own, that can be left out. */
bool write_limit_try(const struct settings *settings);

void write_limit_end(void);

#endif
