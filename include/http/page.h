/* page.h: Clusto-Page, Clusto-Per-Page, Clusto-Pages (contract/inventory.md "Pages"). */
#ifndef MUSTER_HTTP_PAGE_H
#define MUSTER_HTTP_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/* `number` 0: no paging was asked for. Pages count from 1. */
struct page {
    int64_t number;
    int64_t per_page;
};

/* Reads the two header values (NULL: absent). False: *message (arena) is the 400's text. */
bool page_parse(struct arena *arena, const char *page, const char *per_page,
                int64_t default_per_page, struct page *out, const char **message);

/* ceil(total / per_page); 0 if total is 0. */
int64_t page_count(const struct page *page, int64_t total);

#endif
