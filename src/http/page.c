/* page.c: Clusto-Page, Clusto-Per-Page, Clusto-Pages. */
#include "http/page.h"

#include <assert.h>
#include <stddef.h>

#include "base/num.h"
#include "base/quote.h"

/* Both at most this, so that their product (an OFFSET) fits into 64 bits. */
#define MAX_NUMBER INT64_C(2147483647)

static struct verdict read_header(struct arena *arena, const char *name, const char *text,
                                  int64_t minimum, int64_t *out) {
    switch (text == NULL ? NUM_OK : num_parse_range(text, minimum, MAX_NUMBER, out)) {
    case NUM_OK: return verdict_of(RC_OK);
    case NUM_MALFORMED:
        return verdict_no(arena, RC_INVALID, "invalid literal for int() with base 10: %s",
                          quote(arena, text));
    case NUM_OUT_OF_RANGE: break;
    }
    return verdict_no(arena, RC_INVALID, "%s must be from %lld to %lld, not %s", name,
                      (long long)minimum, (long long)MAX_NUMBER, quote(arena, text));
}

static struct verdict read_cursor(struct arena *arena, const char *text, struct page *out) {
    int64_t after = 0;

    if (num_parse_range(text, 0, INT32_MAX, &after) != NUM_OK)
        return verdict_no(
            arena, RC_INVALID,
            "Clusto-After must be what Clusto-Next said, or 0 for the first page, not %s",
            quote(arena, text));
    if (out->number > 0)
        return verdict_no(arena, RC_INVALID, "Clusto-Page and Clusto-After can't be sent together");
    if (out->per_page > PAGE_KEYSET_LIMIT)
        return verdict_no(arena, RC_INVALID,
                          "with Clusto-After, Clusto-Per-Page must be at most %d",
                          PAGE_KEYSET_LIMIT);
    out->keyset = true;
    out->after = (int32_t)after;
    return verdict_of(RC_OK);
}

struct verdict page_parse(struct arena *arena, const char *page, const char *per_page,
                          const char *after, struct page *out) {
    assert(arena != NULL && out != NULL && out->per_page > 0);
    *out = (struct page){.per_page = out->per_page};
    /* Both are checked even if paging is not requested, as in the original. */
    VERDICT_TRY(read_header(arena, "Clusto-Page", page, 0, &out->number));
    VERDICT_TRY(read_header(arena, "Clusto-Per-Page", per_page, 1, &out->per_page));
    if (after != NULL)
        return read_cursor(arena, after, out);
    if (per_page != NULL && page == NULL)
        return verdict_no(arena, RC_INVALID,
                          "Clusto-Per-Page needs a Clusto-Page, or Clusto-After: 0");
    return verdict_of(RC_OK);
}

int64_t page_count(const struct page *page, int64_t total) {
    assert(page != NULL && page->per_page > 0 && total >= 0);
    return total / page->per_page + (total % page->per_page != 0);
}
