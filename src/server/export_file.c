/* export_file.c: muster --export: an export into a file, without a front server. */
#include "server/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/export_lines.h"
#include "api/input.h"
#include "base/log.h"
#include "model/driver.h"
#include "json/writer.h"

enum { USUAL_MODE = 0666 };

struct output {
    struct json_writer *json;
    struct buf line;
    FILE *file;
    int64_t objects;
};

/* --- lines --- */

static bool write_bytes(void *context, const char *bytes, size_t n) {
    const struct output *out = context;

    return fwrite(bytes, 1, n, out->file) == n;
}

static void begin_line(struct output *out) {
    json_begin(out->json, true, write_bytes, out);
}

static bool end_line(struct output *out) {
    return json_end(out->json) && putc('\n', out->file) != EOF;
}

static bool take_head(void *context, const struct export_head *head) {
    struct output *out = context;

    begin_line(out);
    export_lines_head(out->json, head);
    return end_line(out);
}

static bool take_object(void *context, const struct export_object *object) {
    struct output *out = context;

    buf_clear(&out->line);
    export_lines_object(&out->line, out->json, object);
    out->objects++;
    return !out->line.failed && write_bytes(out, out->line.data, out->line.len);
}

static bool write_end(struct output *out) {
    begin_line(out);
    export_lines_end(out->json, out->objects);
    return end_line(out);
}

/* --- what is wanted --- */

static bool read_selection(const struct export_file_command *command,
                           const struct settings *settings, struct arena *arena,
                           struct export_selection *out) {
    const struct query_limits limits = input_query_limits(&settings->api);
    struct verdict verdict = verdict_of(RC_OK);

    *out = (struct export_selection){.drivers = command->drivers,
                                     .driver_count = command->driver_count};
    for (size_t i = 0; i < command->driver_count; i++) {
        if (!driver_find(command->drivers[i])) {
            log_error("the driver \"%s\" is not a valid driver", command->drivers[i]);
            return false;
        }
    }
    if (command->query)
        verdict = query_parse(arena, command->query, &limits, &out->question);
    if (verdict.rc != RC_OK)
        log_error("%s", verdict.message);
    return verdict.rc == RC_OK;
}

/* --- the database --- */

static bool export_to(struct output *out, const struct export_selection *selection,
                      const struct settings *settings, struct arena *arena) {
    const struct export_sink sink = {take_head, take_object, out};
    struct store_options options = settings->store;
    struct store *store;
    enum rc rc;

    options.statement_timeout = 0;
    store = store_new(&options, NULL);
    rc = store_export(store, arena, selection, &sink);
    if (rc != RC_OK && rc != RC_GONE)
        log_error("database: %s: %s", rc_name(rc), store_error(store));
    store_free(&store);
    return rc == RC_OK && write_end(out);
}

/* --- the file --- */

/* What is there and can't be replaced: /dev/null, a pipe, a directory. */
static bool is_replaceable(const char *path) {
    struct stat status;

    if (stat(path, &status) < 0 || S_ISREG(status.st_mode))
        return true;
    log_error("%s: it is not a regular file", path);
    return false;
}

/* In the same directory. NULL: failed. */
static FILE *open_beside(const char *path, char **name) {
    mode_t mask = umask(0);
    FILE *file = NULL;
    int fd;

    (void)umask(mask);
    if (asprintf(name, "%s.XXXXXX", path) < 0)
        log_fatal("out of memory");
    fd = mkostemp(*name, O_CLOEXEC);
    if (fd >= 0 && fchmod(fd, USUAL_MODE & ~mask) == 0)
        file = fdopen(fd, "w");
    if (!file)
        log_error("%s: %s", *name, strerror(errno));
    if (!file && fd >= 0) {
        (void)close(fd);
        (void)unlink(*name);
    }
    return file;
}

/* A name is on the disk when its directory is. */
static bool sync_directory(const char *path) {
    char *copy = strdup(path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool ok = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);

    if (fd >= 0)
        (void)close(fd);
    free(copy);
    return ok;
}

static bool close_file(FILE *file, bool sync) {
    bool ok = !ferror(file) && fflush(file) == 0 && (!sync || fsync(fileno(file)) == 0);

    return fclose(file) == 0 && ok;
}

/* Says why a file could not be written; what the database failed with was said. */
static void log_output(const char *name, const struct output *out) {
    if (ferror(out->file))
        log_error("%s: %s", name, strerror(errno));
}

static bool write_file(const char *path, struct output *out,
                       const struct export_selection *selection, const struct settings *settings,
                       struct arena *arena) {
    char *name = NULL;
    bool ok;

    out->file = is_replaceable(path) ? open_beside(path, &name) : NULL;
    if (!out->file) {
        free(name);
        return false;
    }
    ok = export_to(out, selection, settings, arena);
    log_output(name, out);
    if (!close_file(out->file, true) && ok) {
        log_error("%s: %s", name, strerror(errno));
        ok = false;
    }
    if (ok && (rename(name, path) < 0 || !sync_directory(path))) {
        log_error("%s: %s", path, strerror(errno));
        ok = false;
    }
    if (ok)
        printf("%" PRId64 " objects\n", out->objects);
    else
        (void)unlink(name);
    free(name);
    return ok;
}

static bool write_stdout(struct output *out, const struct export_selection *selection,
                         const struct settings *settings, struct arena *arena) {
    bool ok;

    out->file = stdout;
    ok = export_to(out, selection, settings, arena) && fflush(stdout) == 0;
    log_output("standard output", out);
    return ok;
}

/* A link stays one: what it leads to is replaced. */
static char *resolved(const char *path) {
    char *target = realpath(path, NULL);

    return target ? target : strdup(path);
}

int export_file_run(const struct export_file_command *command, const struct settings *settings) {
    struct arena *arena = arena_new();
    struct export_selection selection;
    struct output out = {.json = json_writer_new()};
    char *path = resolved(command->path);
    bool ok = path && read_selection(command, settings, arena, &selection);

    if (ok && strcmp(command->path, "-") == 0)
        ok = write_stdout(&out, &selection, settings, arena);
    else if (ok)
        ok = write_file(path, &out, &selection, settings, arena);
    free(path);
    json_writer_free(&out.json);
    buf_release(&out.line);
    arena_free(&arena);
    return ok ? 0 : 1;
}
