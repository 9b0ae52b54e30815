/* mount.c: the table of the mounts. */
#include "api/mount.h"

#include <stddef.h>

#define MOUNT_ROW(id, name, path, part, application, help)                                         \
    [MOUNT_##id] = {"mounts." name, path, part, application},

const struct mount_row mount_rows[MOUNT_COUNT] = {[MOUNT_ROOT] = {NULL, "", "root", NULL},
                                                  MOUNTS(MOUNT_ROW)};
