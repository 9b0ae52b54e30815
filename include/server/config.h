/* config.h: configuration files to settings. */
#ifndef MUSTER_SERVER_CONFIG_H
#define MUSTER_SERVER_CONFIG_H

#include <stddef.h>

#include "server/settings.h"

/* Takes one line about a problem, "FILE:LINE: setting "x": ...", without a newline. */
typedef void (*config_report)(const char *line);

/* Reads and checks the files in order, a later one's settings replacing those of the earlier ones;
 * none: the defaults. Then registers the configured drivers. NULL: every problem was reported, and
 * the drivers are as before. The result is freed with config_free; the one loaded last owns what
 * the driver table borrows, so free an older one only after a newer was loaded. */
struct settings *config_load(const char *const *paths, size_t count, config_report report);

void config_free(struct settings **settings);

#endif
