/* etag.h: entity tags and the lists of them in If-Match and If-None-Match (RFC 9110 8.8.3, 13.1).
 */
#ifndef MUSTER_HTTP_ETAG_H
#define MUSTER_HTTP_ETAG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* One entity-tag; `text` is what stands between the quotes. */
struct etag {
    char *text;
    bool weak;
};

/* A header's value. Neither `any` nor items: the header was absent. */
struct etag_list {
    bool any; /* "*" */
    struct etag *items;
    size_t count;
};

/* Reads the value of such a header; NULL is an absent one. The items are in the arena. False: it is
 * neither "*" nor a list of at least one entity tag. */
bool etag_list_parse(struct arena *arena, const char *header, struct etag_list *out);

/* Takes back what a front server does to a tag when it compresses a response: nginx makes it weak,
 * others append the coding (Apache: "970-gzip"). */
void etag_list_undo_compression(struct etag_list *list);

/* True if the header was there. */
bool etag_list_given(const struct etag_list *list);

/* True if one of the items equals `text` by the strong (If-Match) or the weak (If-None-Match)
 * comparison; `any` is for the caller, who knows whether there is a representation at all. */
bool etag_list_has_strong(const struct etag_list *list, const char *text);
bool etag_list_has_weak(const struct etag_list *list, const char *text);

#endif
