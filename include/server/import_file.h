/* import_file.h: muster --import: an import from a file, without a front server. */
#ifndef MUSTER_SERVER_IMPORT_FILE_H
#define MUSTER_SERVER_IMPORT_FILE_H

#include "rules/bulk.h"
#include "server/settings.h"

struct import_file_command {
    const char *path; /* "-": standard input; of CSV it ends with ".csv" */
    enum bulk_mode mode;
    bool has_mode, dry_run;
};

/* Does what POST /import does. Errors go to standard error, "file:line: error", and so does its
 * progress where that is a terminal. Returns the exit status: 0, or 1 (nothing is changed then,
 * unless it is unknown, which is said). */
int import_file_run(const struct import_file_command *command, const struct settings *settings);

#endif
