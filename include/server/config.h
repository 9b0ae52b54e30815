/* config.h: the configuration file to settings; every setting is a row of one table. */
#ifndef MUSTER_SERVER_CONFIG_H
#define MUSTER_SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "server/settings.h"

enum setting_type {
    SETTING_STRING,
    SETTING_INT,
    SETTING_BOOL,
    SETTING_MODE,    /* permissions as a string of octal digits, "0660" */
    SETTING_STRINGS, /* a list of them */
    SETTING_GROUP    /* access, drivers, response_headers: read by a function of their own */
};

/* A row. Names sort; "mounts.entity" is `entity` in the group `mounts`. */
struct setting {
    const char *name;
    enum setting_type type;
    const char *default_text; /* lists and groups: as in a file, without white space */
    long minimum, maximum;    /* SETTING_INT: of the number; SETTING_STRING, SETTING_STRINGS: of the
                                 length of each */
    bool needs_restart;       /* not taken over by HUP */
    size_t offset;            /* of the field in struct settings */
    const char *(*check)(struct arena *arena, const char *text); /* a string's form: NULL if fine,
                                                                    else what is wrong with it */
    const char *help;                                            /* one line */
};

const struct setting *config_table(size_t *count);

/* The row of that name, or NULL. */
const struct setting *config_find(const char *name);

/* Takes one line about a problem, "FILE:LINE: setting "x": ...", without a newline. */
typedef void (*config_report)(const char *line);

/* Reads and checks the files in order, a later one's settings replacing those of the earlier ones;
 * none: the defaults. Then registers the configured drivers. NULL: every problem was reported, and
 * the drivers are as before. The result is freed with config_free; the one loaded last owns what
 * the driver table borrows, so free an older one only after a newer was loaded. */
struct settings *config_load_files(const char *const *paths, size_t count, config_report report);

/* One file (NULL: the defaults), problems on stderr. */
struct settings *config_load(const char *path);

void config_free(struct settings **settings);

#endif
