/* number.c: numbers that came back from PostgreSQL longer than a client may send them. */
#include <string.h>

#include "rules/number.h"

/* The value 0.DIGITS times ten to the power of `point`, without zeros at either end. */
struct decimal {
    bool negative;
    char *digits;
    long count;
    long point;
};

/* Takes apart what numeric prints: no exponent. */
static struct decimal take_apart(struct arena *arena, const char *text, size_t length) {
    struct decimal d = {.negative = *text == '-'};
    bool whole = true;

    d.digits = arena_alloc(arena, length + 1);
    for (const char *p = text + d.negative; *p != '\0'; p++) {
        if (*p == '.') {
            whole = false;
            continue;
        }
        if (d.count > 0 || *p != '0')
            d.digits[d.count++] = *p;
        if (whole && d.count > 0)
            d.point++;
        else if (!whole && d.count == 0)
            d.point--;
    }
    while (d.count > 0 && d.digits[d.count - 1] == '0')
        d.count--;
    d.digits[d.count] = '\0';
    return d;
}

/* Characters of an exponent, with its "e"; none for 0. */
static long exponent_length(long exponent) {
    long n = exponent < 0 ? 2 : 1;

    if (exponent == 0)
        return 0;
    for (exponent = exponent < 0 ? -exponent : exponent; exponent > 0; exponent /= 10)
        n++;
    return n;
}

/* Characters without the sign when this exponent is used. */
static long length_with(const struct decimal *d, long exponent) {
    long before = d->point - exponent; /* digits before the point */
    long n = exponent_length(exponent);

    if (before <= 0)
        return n + 2 - before + d->count;
    return n + (before >= d->count ? before : d->count + 1);
}

static long best_exponent(const struct decimal *d, int bound) {
    long best = 0;

    for (long exponent = -bound; exponent <= bound; exponent++)
        if (length_with(d, exponent) < length_with(d, best))
            best = exponent;
    return best;
}

static char *zeros(struct arena *arena, long count) {
    char *text = arena_alloc(arena, (size_t)count + 1);

    memset(text, '0', (size_t)count);
    return text;
}

static const char *put_together(struct arena *arena, const struct decimal *d, long exponent) {
    long before = d->point - exponent;
    const char *sign = d->negative ? "-" : "";
    const char *text;

    if (before <= 0)
        text = arena_printf(arena, "%s0.%s%s", sign, zeros(arena, -before), d->digits);
    else if (before >= d->count)
        text = arena_printf(arena, "%s%s%s", sign, d->digits, zeros(arena, before - d->count));
    else
        text = arena_printf(arena, "%s%.*s.%s", sign, (int)before, d->digits, d->digits + before);
    return exponent != 0 ? arena_printf(arena, "%se%ld", text, exponent) : text;
}

static const char *shorten(struct arena *arena, const char *text, size_t length, int bound) {
    struct decimal d = take_apart(arena, text, length);

    return d.count > 0 ? put_together(arena, &d, best_exponent(&d, bound)) : "0";
}

void numbers_shorten(struct arena *arena, struct json_node *node, size_t characters, int exponent) {
    if (node->type == JSON_NUMBER && node->length > characters) {
        node->text = shorten(arena, node->text, node->length, exponent);
        node->length = strlen(node->text);
    }
    for (struct json_node *child = node->children; child != NULL; child = child->next)
        numbers_shorten(arena, child, characters, exponent);
}
