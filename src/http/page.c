/* page.c: Clusto-Page, Clusto-Per-Page, Clusto-Pages. */
#include "http/page.h"

#include <assert.h>
#include <stddef.h>

#include "base/num.h"
#include "base/quote.h"

/* Both at most this, so that their product (an OFFSET) fits into 64 bits. */
#define MAX_NUMBER INT64_C(2147483647)

static bool read_header(struct arena *arena, const char *name, const char *text, int64_t minimum,
                        int64_t *out, const char **message) {
    switch (num_parse_range(text, minimum, MAX_NUMBER, out)) {
    case NUM_OK: return true;
    case NUM_MALFORMED:
        *message =
            arena_printf(arena, "invalid literal for int() with base 10: %s", quote(arena, text));
        return false;
    case NUM_OUT_OF_RANGE: break;
    }
    *message = arena_printf(arena, "%s must be from %lld to %lld, not %s", name, (long long)minimum,
                            (long long)MAX_NUMBER, quote(arena, text));
    return false;
}

static bool read_cursor(struct arena *arena, const char *text, struct page *out,
                        const char **message) {
    int64_t after = 0;

    if (num_parse_range(text, 0, INT32_MAX, &after) != NUM_OK) {
        *message = arena_printf(
            arena, "Clusto-After must be what Clusto-Next said, or 0 for the first page, not %s",
            quote(arena, text));
        return false;
    }
    if (out->number > 0) {
        *message = "Clusto-Page and Clusto-After can't be sent together";
        return false;
    }
    if (out->per_page > PAGE_KEYSET_LIMIT) {
        *message = arena_printf(arena, "with Clusto-After, Clusto-Per-Page must be at most %d",
                                PAGE_KEYSET_LIMIT);
        return false;
    }
    out->keyset = true;
    out->after = (int32_t)after;
    return true;
}

bool page_parse(struct arena *arena, const char *page, const char *per_page, const char *after,
                int64_t default_per_page, struct page *out, const char **message) {
    assert(arena != NULL && out != NULL && message != NULL && default_per_page > 0);
    *out = (struct page){.per_page = default_per_page};
    /* Both are checked even if paging is not requested, as in the original. */
    if (page != NULL && !read_header(arena, "Clusto-Page", page, 0, &out->number, message))
        return false;
    if (per_page != NULL &&
        !read_header(arena, "Clusto-Per-Page", per_page, 1, &out->per_page, message))
        return false;
    return after == NULL || read_cursor(arena, after, out, message);
}

int64_t page_count(const struct page *page, int64_t total) {
    assert(page != NULL && page->per_page > 0 && total >= 0);
    return total / page->per_page + (total % page->per_page != 0);
}
