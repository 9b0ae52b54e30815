/* config.c: reads configuration files with libconfig into settings and drivers. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/config_reader.h"

enum { MAX_FILES = 8 };

/* Each member of a group is a row, or a group of rows. */
static void read_group(struct reader *r, config_setting_t *group, const char *prefix) {
    size_t count;

    for (int i = 0; i < config_setting_length(group); i++) {
        config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        const char *name = arena_printf(r->config->arena, "%s%s", prefix, config_setting_name(s));
        const struct setting *row = config_find(name);

        if (row != NULL) {
            r->where[row - config_table(&count)] = s;
            reader_value(r, row, s);
        } else if (strcmp(name, "mounts") == 0 && config_setting_is_group(s))
            read_group(r, s, "mounts.");
        else if (strcmp(name, "mounts") == 0)
            reader_problem(r, s, name, "must be a group { }, not %s", reader_kind(s));
        else
            reader_problem(r, s, name, "unknown");
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
    reader_tell(r, line);
}

static const char *const mount_settings[MOUNT_COUNT] = {
    [MOUNT_ENTITY] = "mounts.entity",
    [MOUNT_ATTRIBUTE] = "mounts.attribute",
    [MOUNT_RESOURCEMANAGER] = "mounts.resourcemanager",
    [MOUNT_RESOURCE] = "mounts.resource",
    [MOUNT_PREFERENCES] = "mounts.preferences",
};

static void check_alone(struct reader *r, const char **mounts) {
    mounts[MOUNT_ROOT] = NULL;
    mounts[MOUNT_PREFERENCES] = "";
    for (int i = 0; i < MOUNT_PREFERENCES; i++) {
        if (mounts[i] != NULL && reader_where(r, mount_settings[i]) != NULL)
            reader_problem(r, reader_where(r, mount_settings[i]), mount_settings[i],
                           "nothing else can be mounted where preferences are at \"/\"");
        mounts[i] = NULL;
    }
}

/* Blames the one that was set, where the other is at its default. */
static void mount_taken(struct reader *r, int one, int other) {
    int blamed = reader_where(r, mount_settings[one]) != NULL ? one : other;

    reader_problem(r, reader_where(r, mount_settings[blamed]), mount_settings[blamed],
                   "\"%s\" is taken by %s", r->config->settings.api.mounts[one],
                   mount_settings[blamed == one ? other : one]);
}

static void check_mounts(struct reader *r) {
    const char **mounts = r->config->settings.api.mounts;

    mounts[MOUNT_ROOT] = "";
    for (int i = 1; i < MOUNT_COUNT; i++) {
        if (mounts[i] != NULL && mounts[i][0] == '\0')
            mounts[i] = NULL;
        for (int k = 1; k < i && mounts[i] != NULL; k++)
            if (mounts[k] != NULL && strcmp(mounts[i], mounts[k]) == 0)
                mount_taken(r, i, k);
        if (i != MOUNT_PREFERENCES && mounts[i] != NULL && strcmp(mounts[i], "/") == 0)
            reader_problem(r, reader_where(r, mount_settings[i]), mount_settings[i],
                           "only the preferences can be at \"/\"");
    }
    if (mounts[MOUNT_PREFERENCES] != NULL && strcmp(mounts[MOUNT_PREFERENCES], "/") == 0)
        check_alone(r, mounts);
}

/* A secret that everybody can read is none. */
static void check_secret(struct reader *r) {
    const config_setting_t *at = reader_where(r, "token_key");
    const char *file = at != NULL ? config_setting_source_file(at) : NULL;
    struct stat info;

    if (file != NULL && r->config->settings.token_key[0] != '\0' && stat(file, &info) == 0 &&
        (info.st_mode & S_IROTH) != 0)
        reader_problem(r, at, "token_key",
                       "everybody can read this file (chmod o-r takes that away)");
}

static struct config *config_new(void) {
    struct config *config = calloc(1, sizeof(*config));

    if (config == NULL)
        abort();
    config->arena = arena_new();
    config->settings.api.version = PACKAGE_VERSION;
    config->headers = arena_alloc(config->arena, sizeof(struct header));
    config->settings.response_headers = config->headers;
    return config;
}

struct settings *config_load_files(const char *const *paths, size_t count, config_report report) {
    struct reader r = {.config = config_new(), .report = report};
    config_t files[MAX_FILES];
    size_t rows, read = 0;
    const struct setting *table = config_table(&rows);
    struct settings *settings = &r.config->settings;

    assert(rows <= MAX_SETTINGS && count <= MAX_FILES);
    for (size_t i = 0; i < rows; i++)
        reader_default(&r, &table[i]);
    /* All stay open to the end: problems name places in them. */
    for (; read < count; read++) {
        config_init(&files[read]);
        read_file(&r, &files[read], paths[read]);
    }
    check_mounts(&r);
    check_secret(&r);
    reader_check_cors(&r);
    if (settings->api.doc_dir != NULL && settings->api.doc_dir[0] == '\0')
        settings->api.doc_dir = PKGDATADIR;
    reader_register(&r);
    while (read > 0)
        config_destroy(&files[--read]);
    if (r.problems > 0)
        config_free(&settings);
    return settings;
}

static void to_stderr(const char *line) {
    fprintf(stderr, "%s\n", line);
}

struct settings *config_load(const char *path) {
    return config_load_files(&path, path != NULL ? 1 : 0, to_stderr);
}

void config_free(struct settings **settings) {
    struct config *config = (struct config *)*settings;

    if (config == NULL)
        return;
    reader_release(config);
    arena_free(&config->arena);
    free(config);
    *settings = NULL;
}
