/* bulk.c: fuzz target of an import's text, as lines of JSON and as CSV. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "rules/bulk.h"

#include "fuzz.h"

static void promise_errors(const struct import_result *result, bool malformed) {
    size_t shown = result->error_count;

    PROMISE(malformed == (result->all_errors > 0));
    PROMISE((int64_t)shown <= result->all_errors && shown <= IMPORT_MAX_ERRORS);
    for (size_t i = 0; i < shown; i++) {
        promise_message(result->errors[i].text);
        PROMISE(result->errors[i].line >= 1);
    }
}

/* In pieces of this size it says the same as at once. */
static int64_t read_pieces(struct input *in, const struct bulk_options *options, const char *text,
                           size_t n, size_t piece, int64_t *objects) {
    struct import_result *result = arena_alloc(in->arena, sizeof *result);
    struct bulk *bulk = bulk_new(NULL, options);
    bool malformed;

    for (size_t at = 0; at < n; at += piece)
        PROMISE(bulk_add(bulk, text + at, n - at < piece ? n - at : piece) == RC_OK);
    PROMISE(bulk_end(bulk, in->arena, result, &malformed) == RC_OK);
    promise_errors(result, malformed);
    *objects = bulk_objects(bulk);
    bulk_free(&bulk);
    return result->all_errors;
}

/* A byte that says how it is read, and the text. */
void fuzz_bulk(struct input *in) {
    unsigned char how = take_byte(in);
    const struct bulk_options options = {.mode = (enum bulk_mode)((how >> 1) % BULK_MODE_COUNT),
                                         .is_csv = how & 1,
                                         .may_manage = how & 8,
                                         .max_name = 128,
                                         .max_key = 256,
                                         .max_line = 4096,
                                         .limits = {.depth = 20, .nodes = 2000}};
    int64_t objects, others;
    const char *text;
    size_t n;

    text = take_rest(in, &n);
    PROMISE(read_pieces(in, &options, text, n, n + 1, &objects) ==
            read_pieces(in, &options, text, n, 1 + (how >> 4), &others));
    PROMISE(objects == others);
}
