/* mount.h: the parts of the interface that have a path of their own. */
#ifndef MUSTER_API_MOUNT_H
#define MUSTER_API_MOUNT_H

enum mount {
    MOUNT_ROOT,
    MOUNT_ENTITY,
    MOUNT_ATTRIBUTE,
    MOUNT_RESOURCEMANAGER,
    MOUNT_RESOURCE,
    MOUNT_PREFERENCES,
    MOUNT_COUNT
};

#endif
