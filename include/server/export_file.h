/* export_file.h: muster --export: an export into a file, without a front server. */
#ifndef MUSTER_SERVER_EXPORT_FILE_H
#define MUSTER_SERVER_EXPORT_FILE_H

#include "server/settings.h"

enum { EXPORT_FILE_DRIVERS = 64 };

struct export_file_command {
    const char *path; /* "-": standard output */
    const char *drivers[EXPORT_FILE_DRIVERS];
    size_t driver_count;
    const char *query; /* NULL: all */
};

/* Writes what GET /export answers with. The file appears under its name when it is complete and on
 * the disk, in the place of one that is there; whatever goes wrong leaves that as it was. Returns
 * the exit status: 0, or 1 (logged). */
int export_file_run(const struct export_file_command *command, const struct settings *settings);

#endif
