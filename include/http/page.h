/* page.h: Clusto-Page, Clusto-Per-Page, Clusto-Pages (contract/inventory.md "Pages"), Clusto-After.
 */
#ifndef MUSTER_HTTP_PAGE_H
#define MUSTER_HTTP_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/verdict.h"

/* The largest page after a cursor. */
#define PAGE_KEYSET_LIMIT 10000

/* `number` 0: paging was not requested. Pages count from 1. Or the page after a cursor (`keyset`).
 */
struct page {
    int64_t number;
    int64_t per_page;
    bool keyset;
    int32_t after; /* the cursor: an entity's id; 0: the first page */
};

/* Reads the three values (NULL: missing); out->per_page is the default on entry. RC_INVALID with
 * the 400's message in the arena. */
struct verdict page_parse(struct arena *arena, const char *page, const char *per_page,
                          const char *after, struct page *out);

/* ceil(total / per_page); 0 if total is 0. */
int64_t page_count(const struct page *page, int64_t total);

#endif
