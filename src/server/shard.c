/* shard.c: preferences in several databases: which users are this server's. */
#include "server/shard.h"

#include <stdbool.h>
#include <string.h>

#include "base/hash.h"
#include "base/num.h"

enum { WHOLE = 10000 }; /* in hundredths of a percent, as nginx counts */

/* "12.5%" in hundredths of a percent, or "*", which is 0. What follows it; NULL: it is neither. */
static const char *read_part(const char *text, uint64_t *part) {
    uint64_t decimals = 0;
    const char *end = num_digits(text, NULL, part), *point = end;

    if (*text == '*') {
        *part = 0;
        return text + 1;
    }
    if (*point == '.')
        end = num_digits(point + 1, NULL, &decimals);
    if (point == text || *end != '%' || end - point > 3 || (*point == '.' && end == point + 1) ||
        *part > 100)
        return NULL;
    *part = *part * 100 + (end - point == 2 ? decimals * 10 : decimals);
    return *part > 0 ? end + 1 : NULL;
}

/* Each part is rounded down by itself, as nginx does it. False: there are too many. */
static bool add(struct shard *shard, uint64_t part) {
    uint32_t last = shard->count > 0 ? shard->ends[shard->count - 1] : 0;

    if (shard->count == SHARD_MAX_PARTS)
        return false;
    shard->ends[shard->count++] = (uint32_t)(last + UINT32_MAX * part / WHOLE);
    return true;
}

static const char *read_parts(struct arena *arena, const char *text, struct shard *shard) {
    const char *p = text;
    uint64_t part = 1, sum = 0;

    while (part != 0) {
        p = read_part(p, &part);
        if (p == NULL || (*p != ' ' && part != 0) || (*p != '\0' && part == 0))
            return arena_printf(arena, "\"%s\" is not a list as \"50%% 25%% *\"", text);
        p += strspn(p, " ");
        sum += part;
        if (sum > WHOLE)
            return arena_printf(arena, "\"%s\" is more than 100%%", text);
        if (!add(shard, part))
            return "has too many parts";
    }
    return NULL;
}

const char *shard_parse(struct arena *arena, const char *text, struct shard *shard) {
    uint64_t number, count;
    const char *slash = num_digits(text, NULL, &number), *end, *wrong = NULL;

    *shard = (struct shard){.count = 0};
    if (slash == text || *slash != '/')
        return "is neither \"NUMBER/COUNT\" nor \"NUMBER/PART PART ... *\"";
    end = num_digits(slash + 1, NULL, &count);
    if (end == slash + 1 || *end != '\0')
        wrong = read_parts(arena, slash + 1, shard);
    else if (count == 0 || count > SHARD_MAX_PARTS)
        wrong = arena_printf(arena, "has not 1 to %d parts", SHARD_MAX_PARTS);
    else
        while (shard->count < count)
            (void)add(shard, WHOLE / count);
    if (wrong == NULL && number >= shard->count)
        wrong = arena_printf(arena, "the %u parts are numbered from 0", shard->count);
    shard->number = (unsigned)number;
    return wrong;
}

unsigned shard_of(const struct shard *shard, const char *user) {
    uint32_t hash = hash_murmur2(user, strlen(user));
    unsigned i = 0;

    while (i + 1 < shard->count && hash >= shard->ends[i])
        i++;
    return i;
}
