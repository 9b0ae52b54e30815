/* config.c: reads configuration files with libconfig into settings and drivers. */
#include "server/config.h"

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/log.h"
#include "server/config_reader.h"

enum { MAX_FILES = 8 };

static const struct setting *find_row(const config_setting_t *s, const char *name) {
    static const struct { const char *former, *now; } renamed[] = {{"name_reads", "tag_reads"}};

    for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++) {
        if (strcmp(name, renamed[i].former) == 0) {
            log_warning("%s:%u: setting \"%s\" is deprecated, its name is \"%s\" now",
                        config_setting_source_file(s), (unsigned)config_setting_source_line(s),
                        name, renamed[i].now);
            name = renamed[i].now;
        }
    }
    return settings_find(name);
}

/* Each member of a group is a row, or a group of rows. */
static void read_group(struct reader *r, config_setting_t *group, const char *prefix) {
    size_t count;

    for (int i = 0; i < config_setting_length(group); i++) {
        config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        const char *name = arena_printf(r->config->arena, "%s%s", prefix, config_setting_name(s));
        const struct setting *row = find_row(s, name);

        if (row != NULL) {
            r->where[row - settings_table(&count)] = s;
            config_read_value(r, row, s);
        } else if (strcmp(name, "mounts") == 0 && config_setting_is_group(s)) {
            read_group(r, s, "mounts.");
        } else if (strcmp(name, "mounts") == 0) {
            config_problem(r, s, name, "must be a group { }, not %s", config_kind(s));
        } else {
            config_problem(r, s, name, "unknown");
        }
    }
}

static void read_file(struct reader *r, config_t *file, const char *path) {
    char line[1024];
    const char *where;

    errno = 0;
    if (config_read_file(file, path) == CONFIG_TRUE) {
        read_group(r, config_root_setting(file), "");
        return;
    }
    where = config_error_file(file) != NULL ? config_error_file(file) : path;
    if (config_error_type(file) == CONFIG_ERR_FILE_IO)
        snprintf(line, sizeof(line), "%s: can't be read: %s", where,
                 errno != 0 ? strerror(errno) : "not a file");
    else
        snprintf(line, sizeof(line), "%s:%d: %s", where, config_error_line(file),
                 config_error_text(file));
    config_tell(r, line);
}

/* Blames the one that was set, where the other is at its default. */
static void mount_taken(struct reader *r, int one, int other) {
    int blamed = config_where(r, mount_rows[one].setting) != NULL ? one : other;
    const char *name = mount_rows[blamed].setting;

    config_problem(r, config_where(r, name), name, "\"%s\" is taken by %s",
                   r->config->settings.api.mounts[one],
                   mount_rows[blamed == one ? other : one].setting);
}

/* Preferences at "/" are alone. */
static void check_mounts(struct reader *r) {
    const char **mounts = r->config->settings.api.mounts;
    bool alone = strcmp(mounts[MOUNT_PREFERENCES], "/") == 0;

    if (alone)
        mounts[MOUNT_PREFERENCES] = "";
    mounts[MOUNT_ROOT] = alone ? NULL : mount_rows[MOUNT_ROOT].default_path;
    for (int i = MOUNT_ROOT + 1; i < MOUNT_COUNT; i++) {
        const char *name = mount_rows[i].setting;
        const config_setting_t *at = config_where(r, name);

        if (alone && i == MOUNT_PREFERENCES)
            continue;
        if (alone && at != NULL && mounts[i][0] != '\0')
            config_problem(r, at, name,
                           "nothing else can be mounted where preferences are at \"/\"");
        if (strcmp(mounts[i], "/") == 0)
            config_problem(r, at, name, "only the preferences can be at \"/\"");
        if (alone || mounts[i][0] == '\0')
            mounts[i] = NULL;
        for (int k = MOUNT_ROOT + 1; k < i && mounts[i] != NULL; k++)
            if (mounts[k] != NULL && strcmp(mounts[i], mounts[k]) == 0)
                mount_taken(r, i, k);
    }
}

/* A secret in a file that all users can read is not a secret. */
static void check_secret(struct reader *r) {
    const config_setting_t *at = config_where(r, "token_key");
    const char *file = at != NULL ? config_setting_source_file(at) : NULL;
    struct stat info;

    if (file != NULL && r->config->settings.token_key[0] != '\0' && stat(file, &info) == 0 &&
        (info.st_mode & S_IROTH) != 0)
        config_problem(r, at, "token_key", "all users can read this file; use chmod o-r");
}

/* Shared by the processes that are forked with this configuration. */
static struct store_warned *share_warned(void) {
    void *page = mmap(NULL, sizeof(struct store_warned), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return page != MAP_FAILED ? page : NULL;
}

static struct config *config_new(void) {
    struct config *config = calloc(1, sizeof(*config));

    if (config == NULL)
        abort();
    config->settings.store.warned = share_warned();
    config->arena = arena_new();
    config->settings.api.version = PACKAGE_VERSION;
    config->headers = arena_alloc(config->arena, sizeof(struct header));
    config->settings.response_headers = config->headers;
    return config;
}

struct settings *config_load(const char *const *paths, size_t count, config_report report) {
    struct reader r = {.config = config_new(), .report = report};
    config_t files[MAX_FILES];
    size_t rows, read = 0;
    struct settings *settings = &r.config->settings;

    (void)settings_table(&rows);
    assert(rows <= MAX_SETTINGS && count <= MAX_FILES);
    config_set_defaults(&r);
    /* All stay open to the end: problems name places in them. */
    for (; read < count; read++) {
        config_init(&files[read]);
        read_file(&r, &files[read], paths[read]);
    }
    check_mounts(&r);
    check_secret(&r);
    config_check_cors(&r);
    if (settings->api.doc_dir[0] == '\0')
        settings->api.doc_dir = PKGDATADIR;
    config_register(&r);
    while (read > 0)
        config_destroy(&files[--read]);
    if (r.problems > 0)
        config_free(&settings);
    else
        settings->api.fingerprint = config_fingerprint(settings);
    return settings;
}

void config_free(struct settings **settings) {
    struct config *config = (struct config *)*settings;

    if (config == NULL)
        return;
    config_release(config);
    arena_free(&config->arena);
    if (config->settings.store.warned != NULL)
        munmap(config->settings.store.warned, sizeof(struct store_warned));
    free(config);
    *settings = NULL;
}
