/* prefs_document.c: what PostgreSQL makes of the JSON in a preferences document. */
#include "rules/prefs_document.h"

#include <string.h>

#include "json/decimal.h"

static size_t string_size(const char *text, size_t n) {
    size_t size = n + 2;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\' || (c >= 0x08 && c <= 0x0d && c != 0x0b))
            size += 1;
        else if (c < 0x20)
            size += 5;
    }
    return size;
}

/* As many digits after the point as were written there less the exponent. */
static size_t number_size(const struct json_node *number) {
    struct json_decimal d;
    int64_t scale;
    size_t size;

    (void)json_decimal_read(number->text, number->length, &d);
    scale = d.fraction - d.exponent;
    size = (size_t)(d.point > 1 ? d.point : 1) + d.negative;
    return scale > 0 ? size + 1 + (size_t)scale : size;
}

size_t prefs_document_size(const struct json_node *node) {
    size_t size = 2;

    switch (node->type) {
    case JSON_NULL:
    case JSON_TRUE: return 4;
    case JSON_FALSE: return 5;
    case JSON_NUMBER: return number_size(node);
    case JSON_STRING: return string_size(node->text, node->length);
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    for (const struct json_node *child = node->children; child != NULL; child = child->next) {
        size += prefs_document_size(child) + (child->next != NULL ? 2 : 0);
        if (node->type == JSON_OBJECT)
            size += string_size(child->key, child->key_length) + 2;
    }
    return size;
}

/* Characters of an exponent, with its "e"; none for 0. */
static int64_t exponent_length(int64_t exponent) {
    int64_t n = exponent < 0 ? 2 : 1;

    if (exponent == 0)
        return 0;
    for (; exponent != 0; exponent /= 10)
        n++;
    return n;
}

/* Characters without the sign when this exponent is used. */
static int64_t length_with(const struct json_decimal *d, int64_t exponent) {
    int64_t before = d->point - exponent; /* digits before the point */
    int64_t n = exponent_length(exponent);

    if (before <= 0)
        return n + 2 - before + d->count;
    return n + (before >= d->count ? before : d->count + 1);
}

/* The number with this exponent. */
static const char *write_number(struct arena *arena, const struct json_decimal *d,
                                int64_t exponent) {
    int64_t before = d->point - exponent;
    char *text = arena_alloc(arena, (size_t)length_with(d, exponent) + 2);
    char *out = text;
    const char *digit = d->digits;

    if (d->negative)
        *out++ = '-';
    if (before <= 0) {
        *out++ = '0';
        *out++ = '.';
        memset(out, '0', (size_t)-before);
        out += -before;
    }
    for (int64_t i = 0; i < d->count; i++) {
        digit += *digit == '.';
        if (i == before && i > 0)
            *out++ = '.';
        *out++ = *digit++;
    }
    if (before > d->count)
        memset(out, '0', (size_t)(before - d->count));
    return exponent != 0 ? arena_printf(arena, "%se%lld", text, (long long)exponent) : text;
}

static void shorten(struct arena *arena, struct json_node *number, int bound) {
    struct json_decimal d;
    int64_t best = 0;

    (void)json_decimal_read(number->text, number->length, &d);
    for (int64_t exponent = -bound; exponent <= bound; exponent++)
        if (length_with(&d, exponent) < length_with(&d, best))
            best = exponent;
    number->text = d.count > 0 ? write_number(arena, &d, best) : "0";
    number->length = strlen(number->text);
}

void prefs_document_shorten(struct arena *arena, struct json_node *node, size_t characters,
                            int exponent) {
    if (node->type == JSON_NUMBER && node->length > characters)
        shorten(arena, node, exponent);
    for (struct json_node *child = node->children; child != NULL; child = child->next)
        prefs_document_shorten(arena, child, characters, exponent);
}
