/* import_file.c: muster --import: an import from a file, without a front server. */
#include "server/import_file.h"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/import.h"
#include "base/clock.h"
#include "base/log.h"

enum { PIECE = 65536, PROGRESS_MS = 1000 };

struct reading {
    const struct import_file_command *command;
    int fd;
    int64_t read, size; /* bytes; size 0: unknown */
    bool shows;         /* progress, on standard error */
    int64_t shown_at;
    struct bulk *bulk;
    struct store_import *import;
};

/* --- progress --- */

static void show(void *context) {
    struct reading *r = context;

    if (!r->shows || clock_ms() - r->shown_at < PROGRESS_MS)
        return;
    r->shown_at = clock_ms();
    fprintf(stderr, "\r%" PRId64 " objects", bulk_objects(r->bulk));
    if (r->size > 0)
        fprintf(stderr, ", %d %% read", (int)(100 * r->read / r->size));
    if (r->size > 0 && r->read >= r->size)
        fputs("; at work", stderr);
    fflush(stderr);
}

static void end_progress(const struct reading *r) {
    if (r->shows && r->shown_at > 0)
        fputc('\n', stderr);
}

/* --- the file --- */

static bool open_file(struct reading *r) {
    const char *path = r->command->path;
    struct stat status;

    r->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0 || fstat(r->fd, &status) < 0) {
        log_error("%s: %s", path, strerror(errno));
        return false;
    }
    r->size = S_ISREG(status.st_mode) ? status.st_size : 0;
    r->shows = isatty(STDERR_FILENO) == 1;
    return true;
}

static bool is_csv(const char *path) {
    size_t n = strlen(path);

    return n >= 4 && strcmp(path + n - 4, ".csv") == 0;
}

static struct bulk_options options_of(const struct import_file_command *command,
                                      const struct api_options *api) {
    struct bulk_options options = import_options(api);

    options.is_csv = is_csv(command->path);
    options.may_manage = true;
    if (command->has_mode)
        options.mode = command->mode;
    return options;
}

/* RC_GONE: the file can't be read (logged). */
static enum rc read_file(struct reading *r) {
    char bytes[PIECE];
    enum rc rc = RC_OK;
    ssize_t n;

    while (rc == RC_OK && (n = read(r->fd, bytes, sizeof bytes)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            log_error("%s: %s", r->command->path, strerror(errno));
            return RC_GONE;
        }
        r->read += n;
        rc = bulk_add(r->bulk, bytes, (size_t)n);
        show(r);
    }
    return rc;
}

/* --- the result --- */

static void print_errors(const struct reading *r, const struct import_result *result) {
    for (size_t i = 0; i < result->error_count; i++)
        fprintf(stderr, "%s:%" PRId32 ": %s\n", r->command->path, result->errors[i].line,
                result->errors[i].text);
    fprintf(stderr, "%" PRId64 " errors: nothing is changed\n", result->all_errors);
}

static void print_done(const struct reading *r, const struct import_result *result) {
    printf("%" PRId64 " objects: %" PRId64 " created, %" PRId64 " changed%s\n",
           bulk_objects(r->bulk), result->created, result->changed,
           r->command->dry_run ? " (a dry run: nothing is done)" : "");
}

/* --- doing it --- */

static enum rc finish(struct store *store, bool dry_run) {
    enum rc rc;

    if (!dry_run)
        return store_commit(store);
    rc = store_check(store);
    store_rollback(store);
    return rc;
}

/* RC_INVALID: there are errors, which were printed. */
static enum rc run(struct reading *r, struct store *store, struct arena *arena) {
    struct import_result *result = arena_alloc(arena, sizeof *result);
    bool malformed;
    enum rc rc = read_file(r);

    if (rc == RC_OK)
        rc = bulk_end(r->bulk, arena, result, &malformed);
    end_progress(r);
    if (rc == RC_OK && result->error_count > 0) {
        print_errors(r, result);
        return RC_INVALID;
    }
    store_import_set_tick(r->import, NULL, NULL);
    if (rc == RC_OK)
        rc = finish(store, r->command->dry_run);
    if (rc == RC_OK)
        print_done(r, result);
    return rc;
}

static enum rc import_into(struct reading *r, struct store *store, const struct settings *settings,
                           struct arena *arena) {
    const struct bulk_options options = options_of(r->command, &settings->api);
    enum rc rc;

    store_begin_write(store, NULL, arena_printf(arena, "muster --import %s", r->command->path));
    r->import = store_import_begin(store, &rc);
    if (rc == RC_OK) {
        r->bulk = bulk_new(r->import, &options);
        store_import_set_tick(r->import, show, r);
        rc = run(r, store, arena);
    }
    if (rc == RC_EXISTS && !r->bulk)
        log_error("another import is under way");
    else if (rc != RC_OK && rc != RC_INVALID && rc != RC_GONE)
        log_error("database: %s: %s", rc_name(rc), store_error(store));
    bulk_free(&r->bulk);
    store_import_end(&r->import);
    store_rollback(store);
    return rc;
}

int import_file_run(const struct import_file_command *command, const struct settings *settings) {
    struct reading r = {.command = command};
    struct store_options options = settings->store;
    struct arena *arena = arena_new();
    enum rc rc = RC_GONE;
    struct store *store;

    options.statement_timeout = 0;
    store = store_new(&options, NULL);
    if (open_file(&r))
        rc = import_into(&r, store, settings, arena);
    if (r.fd > STDIN_FILENO)
        (void)close(r.fd);
    store_free(&store);
    arena_free(&arena);
    return rc == RC_OK ? 0 : 1;
}
