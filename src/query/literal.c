/* literal.c: what a value of a question can be: text, number, size, date. */
#include "query/literal.h"

#include <stdint.h>
#include <string.h>

#include "base/num.h"
#include "model/value.h"

/* 512M: digits and one of K M G T, times 1,024. */
static bool read_size(const char *text, int64_t *out) {
    static const char units[] = "KMGT";
    uint64_t number;
    const char *at = num_digits(text, NULL, &number);
    const char *unit = *at != '\0' ? strchr(units, *at) : NULL;

    if (at == text || unit == NULL || at[1] != '\0')
        return false;
    for (int i = 0; i <= unit - units; i++) {
        if (number > INT64_MAX / 1024)
            return false;
        number *= 1024;
    }
    *out = (int64_t)number;
    return true;
}

/* A day alone is its beginning. */
static const char *read_date(struct arena *arena, const char *text) {
    static const char pattern[] = "dddd-dd-dd";
    const char *iso;

    for (size_t i = 0; i < sizeof pattern - 1; i++)
        if (pattern[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i])
            return NULL;
    if (text[sizeof pattern - 1] == '\0')
        text = arena_printf(arena, "%sT00:00:00", text);
    return datetime_parse(arena, text, NULL, &iso) == NULL ? iso : NULL;
}

struct query_value literal_read(struct arena *arena, const char *text, bool quoted) {
    struct query_value value = {.text = text, .date = read_date(arena, text)};
    enum num_result parsed = NUM_OK;

    if (quoted)
        return value;
    value.is_size = read_size(text, &value.number);
    if (!value.is_size)
        parsed = num_parse(text, &value.number);
    value.is_large = parsed == NUM_OUT_OF_RANGE;
    value.is_number = parsed != NUM_MALFORMED;
    return value;
}
