/* etag.c: entity tags and the lists of them in If-Match and If-None-Match. */
#include "http/etag.h"

#include <string.h>

static const char *skip_space(const char *p) {
    return p + strspn(p, " \t");
}

/* Empty list elements are allowed (RFC 9110 5.6.1). */
static const char *skip_commas(const char *p) {
    return p + strspn(p, " \t,");
}

/* etagc: anything visible but the quote, and bytes of 0x80 and above (RFC 9110 8.8.3). */
static bool is_etagc(unsigned char c) {
    return c == 0x21 || (c >= 0x23 && c != 0x7f);
}

/* Reads one tag at `p`; returns what follows it, or NULL. */
static const char *parse_tag(struct arena *arena, const char *p, struct etag *out) {
    const char *start;

    out->weak = strncmp(p, "W/", 2) == 0;
    if (out->weak)
        p += 2;
    if (*p != '"')
        return NULL;
    start = ++p;
    while (is_etagc((unsigned char)*p))
        p++;
    if (*p != '"')
        return NULL;
    out->text = arena_strndup(arena, start, (size_t)(p - start));
    return p + 1;
}

/* An upper bound: every tag has two quotes. */
static size_t count_tags(const char *header) {
    size_t quotes = 0;

    for (const char *p = header; *p != '\0'; p++)
        quotes += *p == '"';
    return quotes / 2;
}

bool etag_list_parse(struct arena *arena, const char *header, struct etag_list *out) {
    const char *p;

    *out = (struct etag_list){0};
    if (header == NULL)
        return true;
    p = skip_space(header);
    if (*p == '*' && *skip_space(p + 1) == '\0') {
        out->any = true;
        return true;
    }
    out->items = arena_array(arena, count_tags(p) + 1, sizeof *out->items);
    for (p = skip_commas(p); *p != '\0'; p = skip_commas(p)) {
        p = parse_tag(arena, p, &out->items[out->count]);
        if (p == NULL)
            return false;
        out->count++;
        p = skip_space(p);
        if (*p != ',' && *p != '\0')
            return false;
    }
    return out->count > 0;
}

/* The length of the tag without the coding that a front server has appended. */
static size_t length_without_coding(const char *tag) {
    static const char *const codings[] = {"-gzip", "-br", "-zstd", "-deflate"};
    size_t n = strlen(tag);

    for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++) {
        size_t suffix = strlen(codings[i]);

        if (n > suffix && strcmp(tag + n - suffix, codings[i]) == 0)
            return n - suffix;
    }
    return n;
}

void etag_list_undo_compression(struct etag_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        struct etag *tag = &list->items[i];

        tag->text[length_without_coding(tag->text)] = '\0';
        tag->weak = false;
    }
}

bool etag_list_given(const struct etag_list *list) {
    return list->any || list->count > 0;
}

bool etag_list_has_strong(const struct etag_list *list, const char *text) {
    for (size_t i = 0; i < list->count; i++)
        if (!list->items[i].weak && strcmp(list->items[i].text, text) == 0)
            return true;
    return false;
}

bool etag_list_has_weak(const struct etag_list *list, const char *text) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].text, text) == 0)
            return true;
    return false;
}
