/* config.h: the configuration file to settings; every setting is a row of one table. */
#ifndef MUSTER_SERVER_CONFIG_H
#define MUSTER_SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/settings.h"

enum setting_type { SETTING_STRING, SETTING_INT, SETTING_BOOL, SETTING_GROUP };

struct setting {
    const char *name; /* "listen", "mounts.entity" */
    enum setting_type type;
    const char *default_text;
    long minimum, maximum; /* SETTING_INT; lengths for strings */
    bool needs_restart;    /* not taken over by HUP */
    const char *help;      /* one line */
};

const struct setting *config_table(size_t *count);

/* Reads and checks the file, registers its drivers (driver_reset first). NULL: every problem was
 * written to stderr (or the log), one line each: "FILE:LINE: setting "x": ...". A NULL path gives
 * the defaults. The result is freed with config_free. */
struct settings *config_load(const char *path);
void config_free(struct settings **settings);

#endif
