/* page.c: Clusto-Page, Clusto-Per-Page, Clusto-Pages. */
#include <assert.h>
#include <stddef.h>

#include "base/num.h"
#include "base/quote.h"
#include "http/page.h"

/* Both at most this, so that their product (an OFFSET) fits into 64 bits. */
#define LARGEST INT64_C(2147483647)

static bool read_header(struct arena *arena, const char *name, const char *text, int64_t minimum,
                        int64_t *out, const char **message) {
    switch (num_parse_range(text, minimum, LARGEST, out)) {
    case NUM_OK: return true;
    case NUM_MALFORMED:
        *message =
            arena_printf(arena, "invalid literal for int() with base 10: %s", quote(arena, text));
        return false;
    case NUM_OUT_OF_RANGE: break;
    }
    *message = arena_printf(arena, "%s must be from %lld to %lld, not %s", name, (long long)minimum,
                            (long long)LARGEST, quote(arena, text));
    return false;
}

bool page_parse(struct arena *arena, const char *page, const char *per_page,
                int64_t default_per_page, struct page *out, const char **message) {
    assert(arena != NULL && out != NULL && message != NULL && default_per_page > 0);
    out->number = 0;
    out->per_page = default_per_page;
    /* Both are checked even where no paging is asked for, as the original does. */
    return (page == NULL || read_header(arena, "Clusto-Page", page, 0, &out->number, message)) &&
           (per_page == NULL ||
            read_header(arena, "Clusto-Per-Page", per_page, 1, &out->per_page, message));
}

int64_t page_count(const struct page *page, int64_t total) {
    assert(page != NULL && page->per_page > 0 && total >= 0);
    return total / page->per_page + (total % page->per_page != 0);
}
