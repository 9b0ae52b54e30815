/* accept.c: the header Accept. */
#include "http/accept.h"

#include <string.h>
#include <strings.h>

/* One element of the list. */
struct media_range {
    const char *type;
    size_t length;
    int weight; /* in thousandths */
};

/* The end of what stands before a comma, or before a semicolon too, outside of quotes. */
static const char *end_of(const char *p, const char *ends) {
    for (bool quoted = false; *p != '\0'; p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (quoted && *p == '\\' && p[1] != '\0')
            p++;
        else if (!quoted && strchr(ends, *p))
            break;
    }
    return p;
}

/* weight = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ); anything else counts as 1. */
static int read_weight(const char *p, const char *end) {
    int weight = 0, scale = 1000;

    if (p == end || *p != '0')
        return scale;
    if (++p < end && *p == '.')
        p++;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        weight += (*p - '0') * (scale /= 10);
    return weight;
}

/* Reads the element at `p`; returns what follows it. */
static const char *read_range(const char *p, struct media_range *out) {
    const char *end;

    p += strspn(p, " \t,");
    end = end_of(p, ",;");
    *out = (struct media_range){.type = p, .length = strcspn(p, " \t,;"), .weight = 1000};
    while (*end == ';') {
        p = end + 1 + strspn(end + 1, " \t");
        end = end_of(p, ",;");
        if (strncasecmp(p, "q=", 2) == 0)
            out->weight = read_weight(p + 2, end);
    }
    return end;
}

static bool is_type(const struct media_range *range, const char *type) {
    return strlen(type) == range->length && strncasecmp(type, range->type, range->length) == 0;
}

/* The end of `types`: none of them. */
static size_t find_type(const struct media_range *range, const char *const *types) {
    size_t i = 0;

    if (range->length > 1 && strncmp(range->type + range->length - 2, "/*", 2) == 0)
        return 0;
    while (types[i] && !is_type(range, types[i]))
        i++;
    return i;
}

size_t accept_preferred(const char *header, const char *const *types) {
    struct media_range range;
    size_t best = 0;
    int weight = 0;

    while (header && *header != '\0') {
        size_t found;

        header = read_range(header, &range);
        found = find_type(&range, types);
        if (types[found] && range.weight > weight) {
            best = found;
            weight = range.weight;
        }
    }
    return best;
}

bool accept_names(const char *header, const char *type) {
    struct media_range range;

    while (header && *header != '\0') {
        header = read_range(header, &range);
        if (is_type(&range, type))
            return range.weight > 0;
    }
    return false;
}
