/* feed_cursor.c: cursors of the feed as text. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/feed.h"

/* Digits of a number above 0, up to a character that is none of them. */
static const char *read_number(const char *text, int64_t *out) {
    char *end;

    if (*text < '1' || *text > '9')
        return "?";
    *out = strtoll(text, &end, 10); /* INT64_MAX if it is too large: there is no such point */
    return end;
}

/* Eight digits. */
static const char *read_nonce(const char *text, uint32_t *out) {
    static const char digits[] = "0123456789abcdef";

    *out = 0;
    for (int i = 0; i < 8; i++, text++) {
        const char *digit = *text != '\0' ? strchr(digits, *text) : NULL;

        if (digit == NULL)
            return "?";
        *out = *out << 4 | (uint32_t)(digit - digits);
    }
    return text;
}

bool feed_cursor_parse(const char *text, struct feed_cursor *out) {
    *out = (struct feed_cursor){0};
    text = read_number(text, &out->point);
    if (*text != '-')
        return false;
    text = read_nonce(text + 1, &out->nonce);
    if (*text != '.')
        return *text == '\0';
    text = read_number(text + 1, &out->to);
    if (*text != '.' || out->to <= out->point)
        return false;
    return *read_number(text + 1, &out->seq) == '\0';
}

const char *feed_cursor_text(struct arena *arena, const struct feed_cursor *c) {
    if (c->to == 0)
        return arena_printf(arena, "%" PRId64 "-%08" PRIx32, c->point, c->nonce);
    return arena_printf(arena, "%" PRId64 "-%08" PRIx32 ".%" PRId64 ".%" PRId64, c->point, c->nonce,
                        c->to, c->seq);
}

struct feed_cursor feed_cursor_inside(const struct feed_cursor *from, const struct feed_cursor *end,
                                      int64_t seq) {
    return (struct feed_cursor){.point = from->point,
                                .nonce = end->nonce,
                                .to = end->to > 0 ? end->to : end->point,
                                .seq = seq};
}
