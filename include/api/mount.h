/* mount.h: the parts of the interface that have a path of their own, one row each. */
#ifndef MUSTER_API_MOUNT_H
#define MUSTER_API_MOUNT_H

/* ROW(id, name, default path, part, application, help), sorted by name. "mounts." and the name make
 * the setting of the path. `part` is what access rules, scopes of tokens and files of documentation
 * call it; a second path of a part has the same. Clients look paths up in /__meta__ by the
 * application; NULL: not listed. */
#define MOUNTS(ROW)                                                                                \
    ROW(ATTRIBUTE, "attribute", "/attribute", "attribute", "clustoapi.apps.attribute",             \
        "path of the attributes; empty: not mounted")                                              \
    ROW(ENTITY, "entity", "/entity", "entity", "clustoapi.apps.entity",                            \
        "path of the objects; empty: not mounted")                                                 \
    ROW(PREFERENCES, "preferences", "/preferences", "preferences", "cloudprefs",                   \
        "path of the preferences; empty: not mounted; \"/\": nothing else is")                     \
    ROW(RESOURCE, "resource", "/resource", "resourcemanager", NULL,                                \
        "a second path of the resource managers; empty: none")                                     \
    ROW(RESOURCEMANAGER, "resourcemanager", "/resourcemanager", "resourcemanager",                 \
        "clustoapi.apps.resourcemanager", "path of the resource managers; empty: not mounted")

#define MOUNT_PARTS "root, entity, attribute, resourcemanager, preferences"

#define MOUNT_ID(id, ...) MOUNT_##id,
enum mount { MOUNT_ROOT, MOUNTS(MOUNT_ID) MOUNT_COUNT };
#undef MOUNT_ID

struct mount_row {
    const char *setting; /* NULL: MOUNT_ROOT, which is at "" */
    const char *default_path;
    const char *part;
    const char *application;
};

extern const struct mount_row mount_rows[MOUNT_COUNT];

#endif
