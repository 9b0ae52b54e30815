/* bulk.c: the bytes of an import to its lines, and what is wrong with them. */
#include "rules/bulk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/utf8.h"
#include "rules/bulk_row.h"

bool bulk_mode_parse(const char *name, enum bulk_mode *out) {
    static const char *const names[BULK_MODE_COUNT] = {
        [BULK_CREATE] = "create", [BULK_UPDATE] = "update", [BULK_REPLACE] = "replace"};

    for (int m = 0; m < BULK_MODE_COUNT; m++) {
        if (strcmp(names[m], name) == 0) {
            *out = (enum bulk_mode)m;
            return true;
        }
    }
    return false;
}

struct bulk *bulk_new(struct store_import *to, const struct bulk_options *options) {
    struct bulk *b = calloc(1, sizeof *b);

    if (!b)
        log_fatal("out of memory");
    b->to = to;
    b->options = *options;
    b->arena = arena_new();
    b->texts = arena_new();
    b->next_line = 1;
    b->last = '\n';
    buf_init(&b->rest, options->max_line);
    return b;
}

void bulk_free(struct bulk **bulk) {
    struct bulk *b = *bulk;

    if (!b)
        return;
    buf_release(&b->rest);
    arena_free(&b->arena);
    arena_free(&b->texts);
    free(b);
    *bulk = NULL;
}

int64_t bulk_objects(const struct bulk *bulk) {
    return bulk->objects;
}

/* --- lines --- */

static void add_error(struct bulk *b, int32_t line, const char *text) {
    if (b->error_count < IMPORT_MAX_ERRORS)
        b->errors[b->error_count++] = (struct import_error){line, arena_strdup(b->texts, text)};
    b->all_errors++;
}

static struct verdict read_line(struct bulk *b, const char *text, size_t n) {
    if (!utf8_valid(text, n))
        return verdict_no(b->arena, RC_INVALID, "The line is not valid UTF-8.");
    return b->options.is_csv ? bulk_csv_read(b, text, n) : bulk_line_read(b, text, n);
}

static void stop(struct bulk *b, int32_t line, const char *why) {
    add_error(b, line, why);
    b->stopped = true;
}

/* A record of CSV may have several. False: they are too many. */
static bool count_lines(struct bulk *b, const char *text, size_t n) {
    int64_t next = (int64_t)b->next_line + 1;

    for (const char *p = text; b->options.is_csv && (p = memchr(p, '\n', n - (size_t)(p - text)));
         p++)
        next++;
    b->line = b->next_line;
    if (next > BULK_MAX_LINES + INT64_C(1)) {
        stop(b, b->line,
             arena_printf(b->texts, "There are more than %" PRId32 " lines.", BULK_MAX_LINES));
        return false;
    }
    b->next_line = (int32_t)next;
    return true;
}

/* One line, without its end. */
static void take_line(struct bulk *b, const char *text, size_t n) {
    struct verdict verdict;

    if (!count_lines(b, text, n))
        return;
    if (n > 0 && text[n - 1] == '\r')
        n--;
    if (n == 0)
        return;
    verdict = read_line(b, text, n);
    if (verdict.rc != RC_OK)
        add_error(b, b->line, verdict.message);
    arena_reset(b->arena);
}

/* The end of a line, which no quoted field goes beyond; NULL: it has not come yet. */
static const char *find_end(struct bulk *b, const char *at, const char *end) {
    if (!b->options.is_csv)
        return memchr(at, '\n', (size_t)(end - at));
    for (; at < end; at++) {
        if (*at == '"')
            b->quoted = !b->quoted && strchr(",\n\"", b->last);
        b->last = *at;
        if (*at == '\n' && !b->quoted)
            return at;
    }
    return NULL;
}

/* What is left without an end is kept. */
static void keep(struct bulk *b, const char *at, size_t n) {
    buf_add(&b->rest, at, n);
    if (b->rest.failed)
        stop(b, b->next_line,
             arena_printf(b->texts, "The line is longer than %zu bytes.", b->options.max_line));
}

static const char *take_one(struct bulk *b, const char *at, const char *newline) {
    size_t n = (size_t)(newline - at);

    if (b->rest.len == 0 && n <= b->options.max_line) {
        take_line(b, at, n);
    } else {
        keep(b, at, n);
        if (!b->stopped)
            take_line(b, b->rest.data, b->rest.len);
        buf_clear(&b->rest);
    }
    return newline + 1;
}

enum rc bulk_add(struct bulk *b, const char *bytes, size_t n) {
    const char *at = bytes, *end = bytes + n, *newline;

    while (!b->stopped && (newline = find_end(b, at, end)))
        at = take_one(b, at, newline);
    if (!b->stopped)
        keep(b, at, (size_t)(end - at));
    return b->to ? store_import_rc(b->to) : RC_OK;
}

/* --- the end --- */

static void finish(struct bulk *b) {
    if (!b->stopped && b->rest.len > 0)
        take_line(b, b->rest.data, b->rest.len);
    if (b->stopped)
        return;
    if (b->quoted)
        stop(b, b->line, "The file ends inside a quoted field.");
    else if (b->exact && !b->complete)
        stop(b, b->next_line, "The export is truncated: its last line is missing.");
}

enum rc bulk_end(struct bulk *b, struct arena *arena, struct import_result *result,
                 bool *malformed) {
    finish(b);
    *malformed = b->error_count > 0;
    if (!*malformed && b->to)
        return store_import_apply(b->to, arena, b->options.mode == BULK_CREATE, result);
    *result = (struct import_result){.error_count = b->error_count, .all_errors = b->all_errors};
    memcpy(result->errors, b->errors, b->error_count * sizeof *b->errors);
    return RC_OK;
}
