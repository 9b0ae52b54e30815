/* fuzz.c: one program for all fuzz targets: libFuzzer's, or one that replays files. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "fuzz.h"

static const struct target {
    const char *name;
    void (*run)(struct input *in);
} targets[] = {
    {"access", fuzz_access},     {"address", fuzz_address},     {"bulk", fuzz_bulk},
    {"config", fuzz_config},     {"etag", fuzz_etag},           {"json", fuzz_json},
    {"merge", fuzz_merge},       {"multipart", fuzz_multipart}, {"name", fuzz_name},
    {"page", fuzz_page},         {"params", fuzz_params},       {"patch", fuzz_patch},
    {"path", fuzz_path},         {"place", fuzz_place},         {"pointer", fuzz_pointer},
    {"query", fuzz_query},       {"reference", fuzz_reference}, {"request", fuzz_request},
    {"strptime", fuzz_strptime}, {"text", fuzz_text},           {"value", fuzz_value},
};

enum { TARGETS = sizeof(targets) / sizeof(targets[0]) };

static const struct target *chosen;
static struct arena *arena;

static void choose(const char *name) {
    for (size_t i = 0; name != NULL && i < TARGETS; i++)
        if (strcmp(targets[i].name, name) == 0)
            chosen = &targets[i];
    if (chosen == NULL) {
        fprintf(stderr, "fuzz: MUSTER_FUZZ_TARGET must be one of:");
        for (size_t i = 0; i < TARGETS; i++)
            fprintf(stderr, " %s", targets[i].name);
        fprintf(stderr, "\n");
        exit(2);
    }
    arena = arena_new();
    /* A request's line a run would be most of the work. */
    log_open(LOG_TO_STDERR, NULL, LOG_LEVEL_ERROR);
}

static void run(const uint8_t *bytes, size_t n) {
    struct input in = {.arena = arena, .at = (const char *)bytes, .left = n};

    chosen->run(&in);
    arena_reset(arena);
}

/* Asked by the sanitizers: leaks that are not ours. libconfig loses strings before a fault in the
 * syntax. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void) {
    return "leak:libconfig.so\n";
}

#ifdef MUSTER_FUZZING

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    choose(getenv("MUSTER_FUZZ_TARGET"));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    run(bytes, n);
    return 0;
}

#else

/* The file in memory of exactly its size, so that a sanitizer notices reads after its end. */
static uint8_t *read_file(const char *path, size_t *n) {
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;
    long size;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
        perror(path);
        exit(2);
    }
    rewind(file);
    *n = (size_t)size;
    bytes = malloc(*n > 0 ? *n : 1);
    if (bytes == NULL || fread(bytes, 1, *n, file) != *n) {
        perror(path);
        exit(2);
    }
    fclose(file);
    return bytes;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--targets") == 0) {
        for (size_t i = 0; i < TARGETS; i++)
            puts(targets[i].name);
        return 0;
    }
    choose(getenv("MUSTER_FUZZ_TARGET"));
    for (int i = 1; i < argc; i++) {
        size_t n;
        uint8_t *bytes = read_file(argv[i], &n);

        fprintf(stderr, "%s\n", argv[i]); /* the last one is the one that failed */
        run(bytes, n);
        free(bytes);
    }
    arena_free(&arena);
    return 0;
}

#endif
